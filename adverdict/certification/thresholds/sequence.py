"""The furthest threshold that labelled ads certify: fixed-sequence testing of one threshold after the other, stopping at the first failure.

Learn then Test (Angelopoulos et al. 2021, arXiv 2110.01052, section 3.2): thresholds form a fixed grid, each is the hypothesis "the rate of
errors it leads to is above the limit", and they are tested in an order that labels have no part in, each at the full level, until one
cannot be rejected. The chance that any certified threshold is beyond the limit is then at most the level, however many were tested.

The order runs from cautious to bold. It begins where the calibrated risks promise the surest test, as in Pareto testing (Laufer-Goldshtein
et al. 2023, arXiv 2210.07913), and not before there are ads enough to forgive an error. Risks and numbers of ads only choose the order:
where they mislead, the certificate is weaker, never false.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

from adverdict.certification.statistics.alikeness import alikeness
from adverdict.certification.statistics.borrowed import Draws, borrowed_p, borrowed_upper
from adverdict.certification.statistics.bounds import Sizes, p_value, upper_bound
from adverdict.certification.statistics.sequential import supporting
from adverdict.certification.words import Side as Side

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]


FORGIVEN = 1
"""Errors that the first test must be able to pass with."""


def _grid() -> Floats:
    logits = np.arange(-230, 231) / 20.0
    low = [float(f"{1 / (1 + np.exp(-z)):.3g}") for z in logits if z < 0]
    return np.array(sorted({*low, 0.5, *(round(1 - p, 8) for p in low)}))


GRID = _grid()
"""Every threshold there can be, float64 increasing in (0, 1): 1/20 apart in log-odds, rounded to three digits that a person can read."""


@dataclass(frozen=True)
class LabelledAds:
    """The labelled ads of one question: a policy in one or several markets under one set of targets."""

    risk: Floats
    """float64 (n,), calibrated P(violates), in [0, 1]."""
    violating: Bools
    """bool (n,), the raters' majority."""
    group: Ints
    """int64 (n,), from 0: ads of one advertiser, or that share a creative, are one group."""
    alike: float | None = None
    """How alike the ads of a group are taken to be, in [0, 1]; None: as these ads show, at most."""
    elsewhere: float = 1.0
    """The same where these have too few groups to show anything."""

    @cached_property
    def alikeness(self) -> float:
        """``alike``, or the upper confidence limit of the correlation of violations within these groups."""
        return alikeness(self.violating, self.group, self.elsewhere) if self.alike is None else self.alike

    def __len__(self) -> int:
        return len(self.risk)

    def turned(self) -> LabelledAds:
        """The same ads with the opposite labels, as alike as they are."""
        return LabelledAds(self.risk, ~self.violating, self.group, self.alikeness)

    def part(self, rows: Bools | NDArray[np.intp]) -> LabelledAds:
        return LabelledAds(self.risk[rows], self.violating[rows], self.group[rows], self.alike, self.elsewhere)


@dataclass(frozen=True)
class ThresholdCount:
    """What a threshold decides of the labelled ads."""

    threshold: float
    errors: int
    sizes: Sizes

    @property
    def ads(self) -> int:
        return self.sizes.ads


@dataclass(frozen=True)
class FixedSequenceTest:
    """One side's test: what was begun with, how far it came and what stopped it."""

    side: Side
    limit: float
    """The rate of errors that labels may show: the target, lowered for what raters miss."""
    level: float
    """The chance of error that this side may spend."""
    first: ThresholdCount | None
    """The first threshold tested and passed; None: not even that one, and ``stopped`` says why."""
    last: ThresholdCount | None
    """The furthest certified."""
    stopped: ThresholdCount | None
    """The first that failed; None when the grid, or the ads, ended before any did."""

    @property
    def certified(self) -> bool:
        return self.last is not None


class Counts:
    """Numbers of ads and errors at every threshold of the grid, for one side; group sizes where they are asked for."""

    def __init__(self, ads: LabelledAds, side: Side) -> None:
        order = np.argsort(ads.risk, kind="stable")
        below = np.searchsorted(ads.risk[order], GRID, side="left")
        if side is Side.REJECT:
            order = order[::-1]
        error = ads.violating[order] if side is Side.APPROVE else ~ads.violating[order]
        expected = ads.risk[order] if side is Side.APPROVE else 1.0 - ads.risk[order]
        self.ads, self.side = ads, side
        self._uppers: dict[tuple[int, float], float] = {}
        self.decided: NDArray[np.intp] = below if side is Side.APPROVE else len(ads) - below
        self.errors = np.concatenate([[0], np.cumsum(error)])[self.decided]
        self.expected = np.concatenate([[0.0], np.cumsum(expected)])[self.decided]
        """Errors the calibrated risks foresee."""
        self._group = np.unique(ads.group, return_inverse=True)[1][order]  # numbered from 0 here, so that counting them is short
        self._alike = ads.alikeness

    @cached_property
    def worth(self) -> Draws:
        """Errors and ads at every threshold, float64 (len(GRID),), as the independent draws they are worth (``bounds.Sizes.draws``)."""
        squares = np.concatenate([[0], np.cumsum(2 * _earlier(self._group) + 1)])[self.decided]
        ads = np.maximum(self.decided, 1)
        share = 1.0 / (1.0 + (np.maximum(squares / ads, 1.0) - 1.0) * self._alike)
        return Draws(self.errors * share, self.decided * share)

    def at(self, index: int) -> ThresholdCount:
        """At ``GRID[index]``."""
        return ThresholdCount(float(GRID[index]), int(self.errors[index]), Sizes.of(self._group[: self.decided[index]], self._alike))

    def p_value(self, index: int, limit: float, errors: int | None = None) -> float:
        """Small values speak for a rate under ``limit`` at ``GRID[index]``; as if there were ``errors``, where they are given."""
        here = self.at(index)
        return p_value(here.errors if errors is None else errors, here.sizes, limit)

    def upper(self, index: int, level: float) -> float:
        """Upper confidence bound of the rate of errors at ``GRID[index]``; kept, as markets taken together ask for the same."""
        if (index, level) not in self._uppers:
            self._uppers[index, level] = self._upper(index, level)
        return self._uppers[index, level]

    def _upper(self, index: int, level: float) -> float:
        here = self.at(index)
        return upper_bound(here.errors, here.sizes, level)

    def cautious_to_bold(self) -> NDArray[np.intp]:
        """Indices of the grid, fewest ads decided first; of thresholds that decide the same ads only the most cautious, so that nothing is
        decided far beyond the risks that were seen."""
        indices = np.arange(len(GRID))
        indices = indices if self.side is Side.APPROVE else indices[::-1]
        decided = self.decided[indices]
        first = np.append(True, decided[1:] != decided[:-1])
        return indices[first & (decided > 0)]


class BettingCounts(Counts):
    """The same for labels that are looked at more than once: evidence by betting holds whenever one looks (``statistics.sequential``)."""

    def p_value(self, index: int, limit: float, errors: int | None = None) -> float:
        ads = int(self.decided[index])
        if not ads or not 0 < limit < 1:
            return 1.0
        worth = float(self.worth.draws[index])
        counted = int(self.errors[index]) if errors is None else min(errors, ads)
        return min(1.0, 1.0 / float(supporting(min(counted / ads, 1.0) * worth, worth, limit)))

    def _upper(self, index: int, level: float) -> float:
        ends = 1e-9, 1 - 1e-9
        if self.p_value(index, ends[1]) >= level:
            return 1.0
        return float(optimize.brentq(lambda limit: self.p_value(index, limit) - level, *ends, xtol=1e-7, rtol=1e-6))


class BorrowingCounts(Counts):
    """The same where other markets' labels speak too (``statistics.borrowed``): the numbers of ads and errors are the market's own."""

    def __init__(self, ads: LabelledAds, side: Side, lenders: Sequence[Draws]) -> None:
        """``lenders``: ``worth`` of each other market's ads."""
        super().__init__(ads, side)
        self._lenders = Draws(*(np.stack([getattr(one, name) for one in lenders], axis=1) for name in ("errors", "draws")))

    def p_value(self, index: int, limit: float, errors: int | None = None) -> float:
        return float(borrowed_p(self._own(index, errors), self._lent(index), np.array([limit]))[0])

    def _upper(self, index: int, level: float) -> float:
        return float(borrowed_upper(self._own(index), self._lent(index), np.array([level]))[0])

    def _own(self, index: int, errors: int | None = None) -> Draws:
        worth, ads = self.worth.draws[index], int(self.decided[index])
        counted = int(self.errors[index]) if errors is None else min(errors, ads)
        return Draws.of([min(counted / max(ads, 1), 1.0) * worth], [worth])

    def _lent(self, index: int) -> Draws:
        return Draws(self._lenders.errors[None, index], self._lenders.draws[None, index])


def fixed_sequence_test(
    counts: Counts, limit: float, level: float, *, furthest: float | None = None, aim: float | None = None
) -> FixedSequenceTest:
    """Certify as much of one side as the labels support.

    With probability at least ``1 - level`` over the draw of the advertisers, no threshold from ``first`` to ``last`` leads to a rate of
    errors above ``limit``. No threshold bolder than ``furthest`` is tested, and the first test is not bolder than ``aim``, even if not one
    error could be forgiven there: what lies beyond it would not be used. Both are settled without labels; None: the grid's end. Raises
    nothing: too few labels are an answer.
    """
    side, way = counts.side, counts.cautious_to_bold()
    if furthest is not None:
        way = way[_not_bolder(side, way, furthest)]
    start = max(_surest(counts, way, limit), _forgiving(counts, way, limit, level))
    if aim is not None:
        start = min(start, max(int(_not_bolder(side, way, aim).sum()) - 1, 0))
    first = last = stopped = None
    for index in way[start:].tolist():
        here = counts.at(index)
        if counts.p_value(index, limit) > level:
            stopped = here
            break
        first, last = first or here, here
    return FixedSequenceTest(side, limit, level, first, last, stopped)


def _not_bolder(side: Side, way: NDArray[np.intp], threshold: float) -> Bools:
    """Which thresholds of the way decide no more than one at ``threshold``."""
    return GRID[way] <= threshold if side is Side.APPROVE else GRID[way] >= threshold


def _earlier(group: NDArray[np.intp]) -> NDArray[np.intp]:
    """Of each ad, how many of its group come before it."""
    order = np.argsort(group, kind="stable")
    ordered = group[order]
    first = np.flatnonzero(np.diff(ordered, prepend=-1))
    earlier = np.empty(len(group), dtype=np.intp)
    earlier[order] = np.arange(len(group)) - np.repeat(first, np.diff(np.append(first, len(group))))
    return earlier


def _surest(counts: Counts, way: NDArray[np.intp], limit: float) -> int:
    """Where on the way the calibrated risks foresee the smallest p-value. Uses no label."""
    if not len(way):
        return 0
    share = counts.expected[way] / counts.decided[way]
    # The exponent of the binomial's tail (Chernoff): ads decided, times how far the rate foreseen lies under the limit.
    return int(np.argmax(counts.decided[way] * np.where(share < limit, _divergence(share, limit), -1.0)))


def _forgiving(counts: Counts, way: NDArray[np.intp], limit: float, level: float) -> int:
    """Where enough ads are decided for ``FORGIVEN`` errors to pass: before it the test is lost whatever the ads are, and the risks, if they
    are too modest, might begin there. Uses numbers of ads alone; past the end where there never are enough."""
    return bisect_left(range(len(way)), True, key=lambda i: counts.p_value(int(way[i]), limit, FORGIVEN) <= level)


def _divergence(rate: Floats, limit: float) -> Floats:
    """Kullback-Leibler divergence of Bernoulli(rate) from Bernoulli(limit), in nats."""
    limit = min(max(limit, 1e-12), 1 - 1e-12)
    safe = np.clip(rate, 1e-12, 1 - 1e-12)
    return np.asarray(safe * np.log(safe / limit) + (1 - safe) * np.log((1 - safe) / (1 - limit)))
