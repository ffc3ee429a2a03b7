"""A share that was estimated, with what it was estimated from."""

from __future__ import annotations

from dataclasses import dataclass

from scipy import special

from adverdict.certification.statistics import intervals

COVERAGE = 0.95
"""Of every interval of this package's statistics."""


@dataclass(frozen=True)
class Estimate:
    """``value`` and its 95 % interval, all in [0, 1] and low <= value <= high; never NaN."""

    value: float
    low: float
    high: float
    n: float
    """The denominator, at least 0: ads, or, where their truth is itself estimated, how many ads of known truth these are worth."""


def clopper_pearson(k: int, n: int) -> Estimate:
    """A share of ``k`` in ``n`` with its exact interval; one half where nothing was counted."""
    return Estimate(k / n if n else 0.5, *intervals.clopper_pearson(k, n, COVERAGE), n)


def jeffreys(value: float, n: float) -> Estimate:
    """Equal-tailed interval of a share that was ``value`` of ``n`` ads, not necessarily whole ones (Brown, Cai and DasGupta 2001,
    Statistical Science 16, 101-133, section 3.1). ``value`` in [0, 1], ``n`` at least 0."""
    tail = (1 - COVERAGE) / 2
    low, high = (float(special.betaincinv(n * value + 0.5, n * (1 - value) + 0.5, p)) for p in (tail, 1 - tail))
    return Estimate(value, min(low, value), max(high, value), n)
