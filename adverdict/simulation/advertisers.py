"""Advertisers: their intent, home, lifetime and habits. About 40 bytes each, the only thing that grows with the number of ads."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from adverdict.simulation.mix import Bools, Floats, Ints, Keys, below, mix, unit, weighted
from adverdict.simulation.world import DAY, DAYS, LAUNCH_DAY, MARKET_WEIGHTS, POLICIES, START, Intent

ADS_PER_ADVERTISER = 14.0
"""Of those who could have submitted; many of the smallest never do."""
RING_SIZE = 12
_INTENT_SHARE = np.array([0.46, 0.22, 0.14, 0.18])
_VERIFIED_SHARE = np.array([0.75, 0.45, 0.25, 0.06])
_OLDEST_DAYS = np.array([3000, 1500, 500, 21])
_APPETITE = np.array([1, 1, 2, 2, 3, 5, 8, 14, 30])
_BURNER_APPETITE = np.array([12, 16, 20, 30])
_ZEAL = np.array([0.1, 0.3, 0.8, 1.6, 2.2])


@dataclass(frozen=True, slots=True)
class Advertisers:
    """One entry each. ``owner`` is the ring's key for ring members, so that they share campaigns; else the advertiser's own."""

    key: Keys
    owner: Keys
    intent: Ints
    home: Ints
    focus: Ints
    """The subject it returns to (index into ``POLICIES``)."""
    zeal: Floats
    """Multiplies how often it offers the forbidden thing: two careless advertisers are not alike."""
    verified: Bools
    created_at: Ints
    first_day: Ints
    last_day: Ints
    appetite: Ints

    def draw(self, day: int, u: Floats) -> Ints:
        """Index of the advertiser of each ad of one day, by appetite among those then active."""
        active = np.flatnonzero((self.first_day <= day) & (day <= self.last_day))
        edges = np.cumsum(self.appetite[active])
        turn = (u * edges[-1]).astype(np.int64)
        return np.asarray(active[np.searchsorted(edges, turn, side="right")])


def found_advertisers(seed: int, ads: int, each: float = ADS_PER_ADVERTISER, days: int = DAYS) -> Advertisers:
    """As many advertisers as ``ads`` ads need where they have ``each`` on average (at least 60), over ``days`` days.

    Number 0 is honest and always active: no day is without an advertiser.
    """
    count = max(60, int(ads // each))
    key = mix(seed, "advertiser", np.arange(count))
    intent = weighted(unit(key, "intent"), _INTENT_SHARE)
    intent[0] = Intent.HONEST
    in_ring = intent == Intent.RING
    member = np.cumsum(in_ring) - 1
    owner = np.where(in_ring, mix(seed, "ring", np.maximum(member, 0) // RING_SIZE), key)
    home = weighted(unit(owner, "home"), MARKET_WEIGHTS)
    first, last = _lifetimes(key, owner, in_ring, member % RING_SIZE, LAUNCH_DAY[home], days)
    age = below(key, "age", _OLDEST_DAYS[intent] * DAY) + DAY
    return Advertisers(
        key=key,
        owner=owner,
        intent=intent,
        home=home,
        focus=below(owner, "focus", len(POLICIES)),
        zeal=_ZEAL[below(owner, "zeal", len(_ZEAL))],
        verified=unit(key, "verified") < _VERIFIED_SHARE[intent],
        created_at=START + first * DAY - age,
        first_day=first,
        last_day=last,
        appetite=np.where(in_ring, _BURNER_APPETITE[below(key, "appetite", 4)], _APPETITE[below(key, "appetite", 9)]),
    )


def _lifetimes(key: Keys, owner: Keys, in_ring: Bools, member: Ints, launch: Ints, days: int) -> tuple[Ints, Ints]:
    """Most advertisers are there from the start; a ring sends one burner account after the other, each for a few days."""
    first = np.where(unit(key, "old") < 0.6, 0, below(key, "first day", days - 10))
    last = first + 30 + below(key, "days", days)
    burn = below(owner, "ring starts", days - 40) + member * 4
    first = np.maximum(np.where(in_ring, burn, first), launch)
    last = np.where(in_ring, first + 6 + below(key, "burns", 8), np.maximum(last, first + 20))
    first[0], last[0] = 0, days
    return first, last
