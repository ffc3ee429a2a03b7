"""Which ads of a new market to label first, so that thresholds can be certified with the labels.

A certificate counts errors among the ads a threshold decides, so it needs a random part of those. Uncertainty sampling, which is right for
training, would label the ads around the thresholds instead: the hardest ones, among which errors are many times as frequent, and none
of the ads that are decided with ease and are most of what is approved. Such labels make every threshold look bad, or, weighted back,
leave a handful of ads to speak for thousands. So here chance chooses, only not everywhere equally often:

1. ads that a threshold would approve, as many as the leakage bound needs;
2. ads that nothing would decide, at least as large a part of them as of the others;
3. ads that a threshold would reject, as many as the bound on wrongful rejections needs.

The order is the order to label in, a stratum whole before the next. Then labels are fit for ``sequence.fixed_sequence_test`` after each
stratum, without weights: a threshold bolder than those planned for takes in ads that were sampled as densely or more so, and is judged too
severely, never too kindly. A stratum half done is not fit: leave its labels out, or weight each by one over its inclusion probability.

Within a stratum one ad of every advertiser comes before a second of any, because a second tells less.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from adverdict.certification.markets.cells import numbered

Ints = NDArray[np.int64]


class Part(StrEnum):
    """A stratum of the sample."""

    APPROVE = "approve"
    UNDECIDED = "undecided"
    REJECT = "reject"
    ALL = "all"
    """The whole market: nothing is known that would tell parts of it apart."""


@dataclass(frozen=True)
class Draw:
    """One ad to label."""

    row: int
    part: Part
    inclusion: float
    """Probability in (0, 1] that an ad of this part, with as many others of its advertiser in it, is on the list."""


def draw(part: Part, rows: NDArray[np.intp], groups: Ints, ads: int, rng: np.random.Generator) -> list[Draw]:
    """``ads`` of ``rows`` in random order, one of each group before a second of any; all of them where there are not as many.

    ``groups`` int64, one entry a row.
    """
    ads = min(ads, len(rows))
    if not ads:
        return []
    group = numbered(groups)
    shuffled = rng.permutation(len(rows))
    turn = _turns(group[shuffled])
    chosen = shuffled[np.lexsort((rng.random(len(rows)), turn))][:ads]
    sizes = np.bincount(group)
    whole, left = _rounds(sizes, ads)
    next_round = int((sizes > whole).sum())
    share = left / next_round if next_round else 0.0
    inclusion = (np.minimum(whole, sizes) + (sizes > whole) * share) / sizes
    return [Draw(int(rows[i]), part, float(inclusion[group[i]])) for i in chosen]


def ads_needed(groups: Ints, draws: int) -> int | None:
    """How many ads, taken as ``draw`` takes them, are worth ``draws`` independent ones; None where all of them are not."""
    sizes = np.bincount(numbered(groups)) if len(groups) else np.zeros(0, dtype=np.int64)
    if draws <= len(sizes):
        return draws
    low, high = len(sizes), len(groups)
    if _worth(sizes, high) < draws:
        return None
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if _worth(sizes, middle) >= draws else (middle + 1, high)
    return high


def _worth(sizes: Ints, ads: int) -> float:
    """Kish's effective number (see ``bounds.Sizes.draws``) of the first ``ads``."""
    if not ads:
        return 0.0
    whole, left = _rounds(sizes, ads)
    squares = float((np.minimum(sizes, whole) ** 2).sum()) + left * (2 * whole + 1)
    return ads**2 / squares


def _rounds(sizes: Ints, ads: int) -> tuple[int, int]:
    """Rounds done in full, each one ad of every group that still has one, and the ads of the round after."""
    in_round = np.array([int((sizes > k).sum()) for k in range(int(sizes.max()))])
    upto = np.concatenate([[0], np.cumsum(in_round)])
    whole = int(np.searchsorted(upto, ads, side="right")) - 1
    return whole, ads - int(upto[whole])


def _turns(groups: NDArray[np.intp]) -> NDArray[np.intp]:
    """Of each entry, how many of its group come before it."""
    order = np.argsort(groups, kind="stable")
    ordered = groups[order]
    first = np.concatenate([[0], np.flatnonzero(np.diff(ordered)) + 1])
    turn = np.empty(len(groups), dtype=np.intp)
    turn[order] = np.arange(len(groups)) - np.repeat(first, np.diff(np.append(first, len(groups))))
    return turn


def as_dense(ads: int, of: int, others: int) -> int:
    """As large a part of ``others`` as ``ads`` are of ``of``."""
    return math.ceil(ads / of * others) if of else 0
