"""Campaigns and creatives. An owner runs one campaign after the other; a campaign holds a few creatives that are shown again and again.

Both are keys derived from the owner and the day, so a creative returns with the same facts without being stored.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from adverdict.simulation.advertisers import Advertisers
from adverdict.simulation.mix import Bools, Floats, Ints, Keys, below, mix, unit, weighted
from adverdict.simulation.world import KIDS_POLICY, KIDS_VIDEO, OFFER_FACTOR, SUBJECT_WEIGHTS, SURFACE_WEIGHTS, TEMPTATION, Intent, Stance

EVERYDAY = -1
"""The subject of an ad that touches on no policy."""
_SUBJECT_SHARE = np.array([0.56, 0.72, 0.92, 0.92])
_OFFER_SHARE = np.array([0.09, 0.46, 0.74, 0.80])
_UNCLEAR_SHARE = np.array([0.15, 0.20, 0.16, 0.14])


@dataclass(frozen=True, slots=True)
class Creatives:
    """One entry an ad: which creative it shows and what that is about."""

    campaign: Keys
    key: Keys
    surface: Ints
    subject: Ints
    stance: Ints


def campaign_of(owner: Keys, day: int) -> Keys:
    """The campaign an owner runs on a day; each lasts 8 to 32 days, as long as that owner's campaigns do."""
    length = 8 + below(owner, "campaign days", 25)
    return mix(owner, "campaign", (day + below(owner, "offset", 32)) // length)


def creative_of(campaign: Keys, u: Floats) -> Keys:
    """One of the campaign's one to five creatives; the first is used most."""
    slots = 1 + below(campaign, "slots", 5)
    return mix(campaign, "creative", (u * u * slots).astype(np.int64))


def describe(advertisers: Advertisers, rows: Ints, campaign: Keys, key: Keys, repaired: Bools) -> Creatives:
    """Surface, subject and stance of each ad's creative. A repaired creative now denies what it offered."""
    intent = advertisers.intent[rows]
    surface = weighted(unit(campaign, "surface"), SURFACE_WEIGHTS)
    subject = _subject(advertisers, rows, key, surface)
    offer = _OFFER_SHARE[intent] * advertisers.zeal[rows] * TEMPTATION[advertisers.home[rows]] * OFFER_FACTOR[subject]
    offer = np.minimum(np.where(intent >= Intent.EVASIVE, 0.4 * offer + 0.6 * _OFFER_SHARE[intent] * OFFER_FACTOR[subject], offer), 0.9)
    unclear = (1 - offer) * _UNCLEAR_SHARE[intent] / (1 - _OFFER_SHARE[intent])
    u = unit(key, "stance")
    stance = np.where(u < offer, Stance.OFFERED, np.where(u < offer + unclear, Stance.UNCLEAR, Stance.DENIED))
    stance = np.where((subject == EVERYDAY) | repaired, Stance.DENIED, stance)
    return Creatives(campaign, key, surface, subject, stance)


def _subject(advertisers: Advertisers, rows: Ints, key: Keys, surface: Ints) -> Ints:
    drawn = weighted(unit(key, "subject"), SUBJECT_WEIGHTS[surface])
    focus = advertisers.focus[rows]
    fits = (focus == KIDS_POLICY) == (surface == KIDS_VIDEO)
    subject = np.where(fits & (unit(key, "focused") < 0.5), focus, drawn)
    touches = unit(key, "touches") < _SUBJECT_SHARE[advertisers.intent[rows]]
    return np.where(touches, subject, EVERYDAY)
