"""How sure labelled ads make us that a rate of errors lies under a limit: exact tests that know of advertisers.

Ads of one advertiser resemble each other, so n of them are worth fewer than n independent ones: real advertisers' ads are violating, or
not, nearly all together. A group of s ads has beta-binomial errors here (Skellam 1948): each group its own rate around the common one, such
that two ads of a group correlate by ``alike``. At 1 all its ads stand or fall together, at 0 they are independent. ``p_value`` is the exact
distribution function of the sum over the groups; with one ad a group it is the binomial's, and ``upper_bound`` that of Clopper and Pearson
(1934). That groups err independently of each other and of their size is assumed.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special

MANY_ERRORS = 300
"""From this many errors allowed (limit x ads) the binomial of the effective number of ads stands in for the exact sum: there the two are
normal with the same variance, and the exact one costs more than it tells."""
_ALIASING = 1e-13
_KEPT = 2**18
"""Values that one circle keeps, 4 MiB; those of larger groups are worked out each time."""
_APART, _TOGETHER = 1e-6, 1 - 1e-9
"""Correlations nearer to 0 and 1 than this are taken as this: the recurrence below divides by both."""


@dataclass(frozen=True)
class Sizes:
    """How many groups there are of each size. ``size`` and ``count`` are int64 (k,), ``size`` increasing, all at least 1."""

    size: NDArray[np.int64]
    count: NDArray[np.int64]
    alike: float = 1.0
    """Correlation of the errors of two ads of a group, in [0, 1]."""

    @classmethod
    def of(cls, groups: NDArray[np.int64], alike: float = 1.0) -> Sizes:
        """``groups`` int64 (n,), not negative: the group of each ad."""
        tally = np.bincount(np.bincount(groups)) if len(groups) else np.zeros(1, dtype=np.int64)
        tally[0] = 0
        size = np.flatnonzero(tally)
        return cls(size.astype(np.int64), tally[size].astype(np.int64), alike)

    @classmethod
    def single(cls, ads: int) -> Sizes:
        """One ad a group."""
        return cls(np.array([1] if ads else [], dtype=np.int64), np.array([ads] if ads else [], dtype=np.int64))

    @property
    def ads(self) -> int:
        return int(self.size @ self.count)

    @property
    def groups(self) -> int:
        return int(self.count.sum())

    @property
    def draws(self) -> float:
        """The independent ads these are worth: n by Kish's (1965, section 5.4) design effect, 1 + (sum(s**2) / n - 1) * alike."""
        ads = self.ads
        return ads / (1.0 + (float(self.size**2 @ self.count) / ads - 1.0) * self.alike) if ads else 0.0


def p_value(errors: int, sizes: Sizes, limit: float) -> float:
    """P(at most this many errors | the rate is ``limit``); small values speak for a rate under the limit. In [0, 1].

    1 where there are no ads. ``errors`` in 0..ads, ``limit`` in [0, 1].
    """
    ads = sizes.ads
    if ads == 0 or errors >= ads or limit <= 0:
        return 1.0
    if limit >= 1:
        return 0.0
    if limit * ads > MANY_ERRORS or sizes.groups == ads:
        share = sizes.draws / ads
        return float(special.betainc((ads - errors) * share, errors * share + 1.0, 1.0 - limit))
    if 2 * errors >= ads:  # the other end of the distribution takes fewer points, and loses fewer digits
        return 1.0 - _exact(ads - errors - 1, sizes, 1.0 - limit)
    return _exact(errors, sizes, limit)


def upper_bound(errors: int, sizes: Sizes, level: float) -> float:
    """The largest rate that ``p_value`` does not rule out at ``level``; 1 where there are no ads."""
    ads = sizes.ads
    if ads == 0 or errors >= ads:
        return 1.0
    highest = 1 - 1e-9
    if p_value(errors, sizes, highest) >= level:
        return 1.0
    return float(optimize.brentq(lambda rate: p_value(errors, sizes, rate) - level, 1e-12, highest, xtol=1e-7, rtol=1e-6))


def p_value_over(errors: int, sizes: Sizes, limit: float) -> float:
    """P(at least this many errors | ``limit``): small values speak for a rate above it. 1 without errors."""
    return 1.0 if errors == 0 else min(1.0, max(0.0, 1.0 - p_value(errors - 1, sizes, limit)))


def fewest_draws(limit: float, level: float) -> int:
    """Independent ads, none of them an error, that it takes at least to show a rate under ``limit`` at ``level``."""
    if limit <= 0:
        raise ValueError("no number of ads shows that errors never happen")
    return 1 if limit >= 1 else math.ceil(math.log(level) / math.log1p(-limit) - 1e-9)


def draws_needed(rate: float, limit: float, level: float, power: float = 0.8, at_most: int = 10_000_000) -> int | None:
    """Independent ads after which a true ``rate`` is shown to lie under ``limit`` with probability ``power``; None beyond ``at_most``."""
    if rate >= limit:
        return None
    low = high = fewest_draws(limit, level)
    while not _shown(high, rate, limit, level, power):
        low, high = high, high * 2
        if high > at_most:
            return None
    while low < high:  # the power rises with n but for the steps of whole numbers, which are of no account here
        middle = (low + high) // 2
        low, high = (low, middle) if _shown(middle, rate, limit, level, power) else (middle + 1, high)
    return high


def _shown(n: int, rate: float, limit: float, level: float, power: float) -> bool:
    # The distribution function rises, so halving finds the most errors that pass; trying all of them took most of a large solve.
    passing = bisect_right(range(int(limit * n) + 1), level, key=lambda allowed: special.bdtr(allowed, n, limit))
    return passing > 0 and bool(special.bdtr(passing - 1, n, rate) >= power)


def _exact(errors: int, sizes: Sizes, limit: float) -> float:
    """The distribution function from the sum's generating function, by Cauchy's formula on a circle (Abate and Whitt 1992, section 2).

    Right to about 1e-12, the size of what the circle's points leave out, and where hundreds of errors are allowed to 1e-10, by rounding.
    """
    # Points in powers of two: tests of neighbouring thresholds, whose errors differ by a few, then share a circle.
    circle = _circle(2 ** math.ceil(math.log2(4 * (errors + 1))), min(max(sizes.alike, _APART), _TOGETHER), limit)
    terms = np.real(np.exp(circle.log_generating(sizes)) / (1.0 - circle.z) * circle.z ** (-errors))
    weight = np.full(len(circle.z), 2.0)
    weight[0] = weight[-1] = 1.0  # the other half of the circle is the mirror image
    return float(np.clip(weight @ terms / circle.points, 0.0, 1.0))


class _Circle:
    """Generating functions of the errors of groups of every size, at the points of one circle.

    A group of s ads has 2F1(-s, a; c; 1 - z) with c = (1 - alike) / alike and a = rate * c; the next s follows from the last two
    (Abramowitz and Stegun 1964, 15.2.10).
    """

    def __init__(self, points: int, alike: float, rate: float) -> None:
        self.points = points
        radius = _ALIASING ** (1.0 / points)  # terms from beyond the circle's points are at most this factor to the power of their number
        self.z: NDArray[np.complex128] = radius * np.exp(2j * np.pi * np.arange(points // 2 + 1) / points)
        self._c = (1.0 - alike) / alike
        self._a = rate * self._c
        self._by_size = np.stack([np.ones(len(self.z), dtype=np.complex128), 1.0 - rate * (1.0 - self.z)])

    def log_generating(self, sizes: Sizes) -> NDArray[np.complex128]:
        """Of all errors, complex128 (points // 2 + 1,)."""
        by_size = self._up_to(min(int(sizes.size[-1]), max(1, _KEPT // len(self.z))))
        kept = sizes.size < len(by_size)
        total: NDArray[np.complex128] = np.asarray(sizes.count[kept] @ np.log(by_size[sizes.size[kept]]))
        larger = dict(zip(sizes.size[~kept].tolist(), sizes.count[~kept].tolist(), strict=True))
        before, now = by_size[-2], by_size[-1]
        for size in range(len(by_size), max(larger, default=0) + 1):
            before, now = now, self._next(size, before, now)
            if size in larger:
                total += larger[size] * np.log(now)
        return total

    def _up_to(self, largest: int) -> NDArray[np.complex128]:
        """By size from 0, as far as that at least."""
        known = self._by_size
        if largest < len(known):
            return known
        grown = np.concatenate([known, np.empty((largest + 1 - len(known), len(self.z)), dtype=np.complex128)])
        for size in range(len(known), largest + 1):
            grown[size] = self._next(size, grown[size - 2], grown[size - 1])
        self._by_size = grown  # in one piece: threads that ask at the same time may both work it out, and neither sees half of it
        return grown

    def _next(self, size: int, before: NDArray[np.complex128], now: NDArray[np.complex128]) -> NDArray[np.complex128]:
        """From those of the two sizes before."""
        s, c, z = size - 1, self._c, self.z
        return ((2 * s + c - (s + self._a) * (1.0 - z)) * now - s * z * before) / (c + s)


@lru_cache(maxsize=16)
def _circle(points: int, alike: float, rate: float) -> _Circle:
    return _Circle(points, alike, rate)
