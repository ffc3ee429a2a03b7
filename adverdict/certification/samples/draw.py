"""Draw ads to label by chance, every ad alike, and of as many advertisers as can be.

A certificate counts errors among the ads a threshold decides, so it needs a random part of those. Uncertainty sampling, which is right for
training, would label the ads around the thresholds: the hardest ones, among which errors are many times as frequent. And labelling every
ad of an advertiser says little more than labelling one, as they stand or fall together: at equal validity that takes five times the labels.

So advertisers are drawn with probability proportional to their ads, and then one of their ads at random: each ad comes with the same
probability, and no advertiser twice unless it has more than its share of all ads (systematic sampling in random order: Madow 1949, Annals
of Mathematical Statistics 20, 333-354). One ad of every advertiser, each alike, would be a sample of advertisers: it measures another rate
(twice the leakage in simulation), and certifies advertisers, not ads.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.intp]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Drawn:
    """``rows`` intp (n,), in the order to label in; ``inclusion`` float64 (n,), the probability in (0, 1] with which each was drawn."""

    rows: Rows
    inclusion: Floats

    def __len__(self) -> int:
        return len(self.rows)


def draw(rows: Rows, group: NDArray[np.int64], ads: int, rng: np.random.Generator, views: Floats | None = None) -> Drawn:
    """``ads`` of ``rows``; all of them where there are not as many.

    ``group`` int64, one entry a row: the ad's advertiser. ``views`` float64, not negative, one entry a row: what an ad counts for, such as
    the impressions expected; an ad is then drawn in proportion to it, at most once. None: all alike.
    """
    ads = min(ads, len(rows))
    weight = np.ones(len(rows)) if views is None else views.astype(np.float64)
    if not ads or not weight.sum():
        return Drawn(np.zeros(0, dtype=np.intp), np.zeros(0))
    inclusion = _inclusion(weight, ads)
    order = _side_by_side(group, rng)
    reached = np.cumsum(inclusion[order])
    hits = np.floor(reached - rng.random() + 1.0)
    chosen = order[np.diff(hits, prepend=0.0) > 0]
    chosen = rng.permutation(chosen)
    return Drawn(rows[chosen], inclusion[chosen])


def ads_needed(group: NDArray[np.int64], draws: int) -> int | None:
    """How many ads, taken as ``draw`` takes them, are worth ``draws`` independent ones; None where all of them are not.

    ``group`` int64 (n,): the advertiser of each ad there is.
    """
    sizes = np.bincount(np.unique(group, return_inverse=True)[1]) if len(group) else np.zeros(0, dtype=np.int64)
    low, high = min(draws, len(group)), len(group)
    if not high or _worth(sizes, high) < draws:
        return None
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if _worth(sizes, middle) >= draws else (middle + 1, high)
    return high


def _worth(sizes: NDArray[np.int64], ads: int) -> float:
    """Kish's effective number (see ``bounds.Sizes.draws``) of a draw of so many ads, if those of an advertiser are all alike."""
    hits = sizes * (ads / sizes.sum())
    return float(ads**2 / np.maximum(hits, hits**2).sum())


def _inclusion(weight: Floats, ads: int) -> Floats:
    """Probabilities in proportion to ``weight`` that add up to ``ads``, none above 1."""
    inclusion = np.zeros(len(weight))
    sure = np.zeros(len(weight), dtype=np.bool_)
    while True:
        left = weight[~sure].sum()
        inclusion[~sure] = np.minimum((ads - sure.sum()) * weight[~sure] / left, 1.0) if left else 0.0
        inclusion[sure] = 1.0
        more = ~sure & (inclusion >= 1.0)
        if not more.any():
            return inclusion
        sure |= more


def _side_by_side(group: NDArray[np.int64], rng: np.random.Generator) -> Rows:
    """Rows in random order, but those of a group next to each other: so a step takes two of them only where they fill it."""
    names, number = np.unique(group, return_inverse=True)
    place = rng.permutation(len(names))[number]
    return np.lexsort((rng.random(len(group)), place)).astype(np.intp)
