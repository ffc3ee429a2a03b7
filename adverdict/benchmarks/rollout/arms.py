"""Simulated arms of a roll-out whose truth is known: an advertiser's ads are alike, and contested audits are settled later."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

ADS_EACH = 4.0
"""Of an advertiser in its arm, mean; geometric, so that one in a thousand has seven times as many."""
CONTESTED = 3.0
"""Times as long that a violating ad's audit takes: it is read by more people."""


@dataclass(frozen=True)
class Arm:
    """First settled audits of an arm's advertisers, in the order of settling."""

    errors: Floats
    """float64 (n,), 1 for an ad that violates."""
    weights: Floats
    """float64 (n,), ads of the advertiser in the arm by then over the mean."""
    settled_at: Floats
    """float64 (n,), hours, ascending."""
    to_people: Floats
    """float64 (m,), of every advertiser's first ad, in order of arrival."""
    arrived_at: Floats
    """float64 (m,), hours, when these came, ascending."""


def arm(
    rng: np.random.Generator,
    advertisers: int,
    leakage: float,
    correlation: float,
    *,
    hours: float = 30 * 24.0,
    delay: float = 4.0,
    audit_share: float = 0.5,
    approved: float = 0.7,
    ads_each: float = ADS_EACH,
) -> Arm:
    """Of so many advertisers, each of whose approved ads violates with a chance drawn from a beta distribution of mean ``leakage`` and
    intra-class ``correlation`` in (0, 1). Ads come over ``hours``; an audit settles after an exponential ``delay``, mean in hours."""
    ads = rng.geometric(1.0 / ads_each, advertisers)
    owner = np.repeat(np.arange(advertisers), ads)
    a = leakage * (1.0 / correlation - 1.0)
    b = (1.0 - leakage) * (1.0 / correlation - 1.0)
    chance = np.clip(rng.beta(a, b, advertisers), 0.0, 1.0)
    came = rng.uniform(0.0, hours, len(owner))
    violates = rng.random(len(owner)) < chance[owner]
    decided = rng.random(len(owner)) < approved
    audited = decided & (rng.random(len(owner)) < audit_share)
    settled = came + rng.exponential(delay * np.where(violates, CONTESTED, 1.0))
    order = np.flatnonzero(audited)[np.argsort(settled[audited], kind="stable")]
    _, first = np.unique(owner[order], return_index=True)
    units = order[np.sort(first)]
    # How many ads the advertiser had by the time its audit settled, over the mean of all by then.
    by_then = _ads_by_then(owner, came, owner[units], settled[units])
    all_by_then = np.searchsorted(np.sort(came), settled[units])
    seen = np.searchsorted(np.sort(_firsts(owner, came, advertisers)), settled[units])
    weights = by_then / np.maximum(all_by_then / np.maximum(seen, 1), 1.0)
    opening = np.argsort(_firsts(owner, came, advertisers), kind="stable")
    people = (rng.random(advertisers) < 1.0 - approved)[opening]
    opened = _firsts(owner, came, advertisers)[opening]
    return Arm(violates[units].astype(np.float64), weights, settled[units], people.astype(np.float64), opened)


@dataclass(frozen=True)
class Machine:
    """How busy the machines are from hour to hour: a day's swing, and bursts that last some hours, which slow down both arms alike."""

    log_load: Floats
    """float64 (hours,)."""

    @classmethod
    def drawn(cls, rng: np.random.Generator, hours: int = 31 * 24) -> Machine:
        swing = 0.3 * np.sin(np.arange(hours) * 2 * np.pi / 24)
        noise = rng.normal(0.0, 0.2, hours)
        bursts = np.zeros(hours)
        for hour in range(1, hours):
            bursts[hour] = 0.9 * bursts[hour - 1] + noise[hour]
        return cls(swing + bursts)

    def took(self, rng: np.random.Generator, arrived_at: Floats, times: float) -> Floats:
        """Milliseconds of ads that came then, of a model that takes so many times as long as another: heavy-tailed."""
        load = self.log_load[np.minimum(arrived_at.astype(np.int64), len(self.log_load) - 1)]
        found: Floats = 20.0 * times * np.exp(load + rng.standard_t(4, len(arrived_at)) * 0.25)
        return found


def _firsts(owner: NDArray[np.int64], came: Floats, advertisers: int) -> Floats:
    first = np.full(advertisers, np.inf)
    np.minimum.at(first, owner, came)
    return first


def _ads_by_then(owner: NDArray[np.int64], came: Floats, whose: NDArray[np.int64], when: Floats) -> Floats:
    """How many ads each of ``whose`` had come with by ``when``, at least the audited one."""
    order = np.lexsort((came, owner))
    starts = np.searchsorted(owner[order], whose, side="left")
    ends = np.searchsorted(owner[order], whose, side="right")
    sorted_came = came[order]
    counts = [np.searchsorted(sorted_came[start:end], moment, side="right") for start, end, moment in zip(starts, ends, when, strict=True)]
    return np.maximum(np.array(counts, dtype=np.float64), 1.0)


def discordant(candidate: Floats, control: Floats) -> Floats:
    """Units of the arms paired in their order: of pairs in which one is 1 and the other 0, 1 where the candidate's is."""
    n = min(len(candidate), len(control))
    differ = candidate[:n] != control[:n]
    found: Floats = candidate[:n][differ]
    return found
