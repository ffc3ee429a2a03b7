"""Copies among simulated ads: how many are found, how many others are taken for some, how fast, and in how much memory."""

from __future__ import annotations

import resource
import sys
from collections.abc import Callable
from time import perf_counter, process_time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from adverdict.clusters.fingerprints import of_parts
from adverdict.clusters.index import ClusterIndex
from adverdict.domain.progress import Progress
from adverdict.simulation.copies import campaigns, copies

RESAMPLES = 300
INTERVAL = (2.5, 97.5)
Ints = NDArray[np.int64]


def finding(ads: int, seed: int, progress: Progress) -> dict[str, Any]:
    """``ads_per_s`` counts this process's seconds of one core for fingerprints and clusters, not the simulator's. ``peak_mib`` is the whole
    process's, simulator and libraries included."""
    told, index = campaigns(seed, ads), ClusterIndex()
    truth: list[int] = []
    seconds = wall = 0.0
    progress.stage("finding copies", ads)
    for block in copies(told):
        texts = [f"{ad.title}\n{ad.body}" for ad in block]
        pictures, domains = [ad.picture for ad in block], [ad.domain for ad in block]
        began, clock = process_time(), perf_counter()
        index.add(of_parts(texts, pictures, domains))
        seconds, wall = seconds + process_time() - began, wall + perf_counter() - clock
        truth += [ad.campaign for ad in block]
        progress.advance(len(block))
    found = index.roots(np.arange(index.size, dtype=np.int32)).astype(np.int64)
    figures = quality(np.array(truth, dtype=np.int64), found, seed)
    return {
        "ads": index.size,
        "campaigns": int(told.size.size),
        "clusters": int(np.unique(found).size),
        "largest_cluster": int(np.bincount(found).max()),
        "largest_campaign": int(told.size.max()),
        "ads_per_s": index.size / seconds,
        "ads_per_s_of_wall": index.size / wall,
        "peak_mib": _peak_mib(),
        **figures,
    }


def quality(truth: Ints, found: Ints, seed: int) -> dict[str, Any]:
    """Of pairs of ads: ``precision``, the share of those in one cluster that are of one campaign, and ``recall``, the share of those of one
    campaign that are in one cluster, with intervals (campaigns and clusters are drawn anew, not ads); and the same for the mean ad."""
    both = np.unique(np.column_stack([truth, found]), axis=0, return_counts=True)
    pairs = _pairs(both[1])
    rng = np.random.default_rng(seed)
    figures: dict[str, Any] = {}
    for name, unit, column in (("precision", found, 1), ("recall", truth, 0)):
        keys, sizes = np.unique(unit, return_counts=True)
        hit = np.bincount(np.searchsorted(keys, both[0][:, column]), weights=pairs, minlength=keys.size).astype(np.float64)
        whole = _pairs(sizes)
        figures[name] = float(hit.sum() / whole.sum())
        figures[f"{name}_interval"] = _interval(hit, whole, rng)
        share = both[1] / sizes[np.searchsorted(keys, both[0][:, column])]
        figures[f"{name}_of_the_mean_ad"] = float((share * both[1]).sum() / truth.size)
    return figures


def _pairs(counts: NDArray[Any]) -> NDArray[np.float64]:
    return np.asarray(counts * (counts - 1.0) / 2.0)


def _interval(hit: NDArray[np.float64], whole: NDArray[np.float64], rng: np.random.Generator) -> list[float]:
    """95 %, of a ratio of sums, by Poisson resampling of its units."""
    kept = whole > 0
    hit, whole = hit[kept], whole[kept]
    drawn = []
    for _ in range(RESAMPLES):
        weight = rng.poisson(1.0, hit.size)
        drawn.append(float((weight * hit).sum() / max(1.0, (weight * whole).sum())))
    return [float(one) for one in np.percentile(drawn, INTERVAL)]


def _peak_mib(scale: Callable[[], int] = lambda: 1 if sys.platform == "darwin" else 1024) -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale() / 2**20
