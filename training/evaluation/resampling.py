"""Ranking quality under a bootstrap over clusters, for many resamples at once.

A resample is a multiplicity for each cluster, so nothing is copied or sorted twice: the ads are put in order once, merged into the few
segments between positives, and a sparse product turns multiplicities into the weight of each segment.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

Floats = NDArray[np.float64]

LEVEL = 0.95
"""Coverage the intervals aim at."""

MIN_DEFINED = 0.9
"""Share of the resamples that must define a figure for it to get an interval: about three clusters holding a positive."""

CELLS = 2_000_000
"""Most cells of one intermediate matrix; more resamples than fit are done in turns, so memory stays bounded."""


def draw(n_clusters: int, resamples: int, seed: int) -> Floats:
    """How often each cluster is in each resample, ``float64 (n_clusters, resamples)``; every column sums to ``n_clusters``.

    The same arguments give the same resamples, which is what pairs two models.
    """
    rng = np.random.default_rng([seed, n_clusters])
    counts = np.empty((n_clusters, resamples))
    turn = max(1, CELLS // max(n_clusters, 1))
    for start in range(0, resamples, turn):
        width = min(turn, resamples - start)
        cells = rng.integers(0, n_clusters, (n_clusters, width)) * width + np.arange(width)
        counts[:, start : start + width] = np.bincount(cells.ravel(), minlength=n_clusters * width).reshape(n_clusters, width)
    return counts


def ranking(y: NDArray[np.bool_], p: Floats, clusters: NDArray[np.intp], counts: Floats) -> tuple[Floats, Floats]:
    """Average precision and AUROC in each resample, two ``float64 (resamples,)``; NaN where a resample has one class only.

    ``y``, ``p`` and ``clusters`` (index into the rows of ``counts``) are ``(n_ads,)``. Equal scores are one threshold, as in scikit-learn's
    ``average_precision_score(y, p, sample_weight=...)``; in the AUROC a tie counts one half.
    """
    n_clusters = counts.shape[0]
    segment, n_segments = _segments(y, p)
    positive, negative = (
        sparse.csr_matrix((np.ones(int(mask.sum())), (segment[mask], clusters[mask])), shape=(n_segments, n_clusters)) for mask in (y, ~y)
    )
    ap, auroc = (np.empty(counts.shape[1]) for _ in range(2))
    for turn in _turns(counts.shape[1], n_segments):
        weights = np.ascontiguousarray(counts[:, turn])
        ap[turn], auroc[turn] = _areas(positive @ weights, negative @ weights)
    return ap, auroc


def weighted_mean(values: Floats, clusters: NDArray[np.intp], counts: Floats) -> Floats:
    """Mean over the ads in each resample, ``float64 (resamples,)``; NaN where a resample is empty."""
    n_clusters = counts.shape[0]
    total = np.bincount(clusters, weights=values, minlength=n_clusters) @ counts
    n = np.bincount(clusters, minlength=n_clusters) @ counts
    return _ratio(total, n)


def interval(resampled: Floats) -> list[float] | None:
    """Percentile interval ``[low, high]`` of LEVEL coverage.

    Resamples that leave the figure undefined (one class only) are set aside; when they are more than ``1 - MIN_DEFINED`` of all, so few
    clusters hold one of the classes that no resampling can say how the figure varies, and there is no interval: ``None``.
    """
    defined = resampled[~np.isnan(resampled)]
    if defined.size == 0 or defined.size < MIN_DEFINED * resampled.size:
        return None
    tail = (1 - LEVEL) / 2
    return [float(end) for end in np.quantile(defined, [tail, 1 - tail])]


def _segments(y: NDArray[np.bool_], p: Floats) -> tuple[NDArray[np.intp], int]:
    """Segment of each ad, from the highest score down: one for each distinct score with a positive, one for each run of scores between.

    Where inside a run without positives a negative lies changes neither figure, so a run is one segment.
    """
    _, block = np.unique(-p, return_inverse=True)
    has_positive = np.bincount(block, weights=y) > 0
    starts = has_positive | np.concatenate([[True], has_positive[:-1]])
    of_block = np.cumsum(starts) - 1
    return of_block[block], int(of_block[-1]) + 1


def _areas(positive: Floats, negative: Floats) -> tuple[Floats, Floats]:
    """From the weight of both classes in each segment, ``(n_segments, resamples)``."""
    found, passed = np.cumsum(positive, axis=0), np.cumsum(negative, axis=0)
    all_positive, all_negative = found[-1], passed[-1]
    precision = found / np.maximum(found + passed, 1)  # weights are whole numbers: below 1 means 0, where no positive is either
    below = all_negative - passed + negative / 2
    ap = _ratio((positive * precision).sum(axis=0), all_positive)
    return ap, _ratio((positive * below).sum(axis=0), all_positive * all_negative)


def _ratio(above: Floats, below: Floats) -> Floats:
    ratio = np.full(above.shape, np.nan)
    np.divide(above, below, out=ratio, where=below > 0)
    return ratio


def _turns(resamples: int, height: int) -> Iterator[slice]:
    width = max(1, CELLS // max(height, 1))
    return (slice(start, start + width) for start in range(0, resamples, width))
