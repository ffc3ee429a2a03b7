"""What is true of each ad: under which policies it violates. The whole definition, in one place.

An ad has one subject (or none) and a stance on it: it *offers* the forbidden thing, *denies* it, or leaves it *unclear*. With
``bad faith`` for an evasive advertiser or a fraud ring, an ad on that policy's subject violates

=================  ==================================================================  ========================================
policy             when it offers                                                      when it is unclear
=================  ==================================================================  ========================================
deceptive          always                                                              in bad faith
gambling           unless the market licenses it and the advertiser is verified        where the market does not license it
kids_unsuitable    always                                                              unless the creative is made for children
political_issue    always                                                              when the creative's category is a cause
counterfeit        always                                                              unverified and not on the brand's domain
weapons            unless the market licenses it and the advertiser is verified        in bad faith
adult              always                                                              in a prudish market, or beside children
phishing           unless it lands on the named brand's own domain                     in bad faith, off the brand's own domain
=================  ==================================================================  ========================================

``kids_unsuitable`` exists only on ``kids_video``; there, whatever violates gambling, weapons or adult violates it too. Last, the landing
page, which no signal shows, overturns a few: ``LANDING_CLEARS`` of offers turn out harmless, ``LANDING_BETRAYS`` of denials do not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from adverdict.simulation.mix import Bools, Ints, Keys, unit
from adverdict.simulation.world import GAMBLING_LICENSED, KIDS_POLICY, KIDS_VIDEO, POLICIES, PRUDISH, WEAPONS_LICENSED, Intent, Stance

LANDING_CLEARS = 0.03
LANDING_BETRAYS = 0.006
_ALSO_KIDS = [POLICIES.index(name) for name in ("gambling", "weapons", "adult")]


@dataclass(frozen=True, slots=True)
class Circumstances:
    """Everything the truth depends on, one entry an ad."""

    creative: Keys
    subject: Ints
    stance: Ints
    intent: Ints
    market: Ints
    surface: Ints
    verified: Bools
    brand_domain: Bools
    cause: Bools
    made_for_kids: Bools


def applicable(surface: Ints) -> Bools:
    """``(n_ads, n_policies)``: False only for ``kids_unsuitable`` away from ``kids_video``."""
    mask = np.ones((len(surface), len(POLICIES)), dtype=np.bool_)
    mask[:, KIDS_POLICY] = surface == KIDS_VIDEO
    return mask


def violations(ad: Circumstances) -> Bools:
    """``(n_ads, n_policies)``: whether each ad violates each policy, as the table above has it."""
    verdict = np.where(ad.stance == Stance.OFFERED, _offering(ad), (ad.stance == Stance.UNCLEAR) & _unclear(ad))
    landing = unit(ad.creative, "landing")
    verdict = np.where(ad.stance == Stance.OFFERED, verdict & (landing >= LANDING_CLEARS), verdict)
    verdict = np.where(ad.stance == Stance.DENIED, landing < LANDING_BETRAYS, verdict)
    table = verdict & (ad.subject == np.arange(len(POLICIES))[:, None])
    table[KIDS_POLICY] |= table[_ALSO_KIDS].any(axis=0)
    return np.asarray(table.T & applicable(ad.surface))


def _offering(ad: Circumstances) -> Bools:
    rule = {
        "gambling": ~(GAMBLING_LICENSED[ad.market] & ad.verified),
        "weapons": ~(WEAPONS_LICENSED[ad.market] & ad.verified),
        "phishing": ~ad.brand_domain,
    }
    return _by_subject(ad, rule, otherwise=np.ones(len(ad.subject), dtype=np.bool_))


def _unclear(ad: Circumstances) -> Bools:
    bad_faith = ad.intent >= Intent.EVASIVE
    rule = {
        "deceptive": bad_faith,
        "gambling": ~GAMBLING_LICENSED[ad.market],
        "kids_unsuitable": ~ad.made_for_kids,
        "political_issue": ad.cause,
        "counterfeit": ~ad.verified & ~ad.brand_domain,
        "weapons": bad_faith,
        "adult": PRUDISH[ad.market] | (ad.surface == KIDS_VIDEO),
        "phishing": bad_faith & ~ad.brand_domain,
    }
    return _by_subject(ad, rule, otherwise=np.zeros(len(ad.subject), dtype=np.bool_))


def _by_subject(ad: Circumstances, rule: dict[str, Bools], otherwise: Bools) -> Bools:
    answer = otherwise
    for policy, holds in rule.items():
        answer = np.where(ad.subject == POLICIES.index(policy), holds, answer)
    return answer
