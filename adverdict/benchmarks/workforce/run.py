"""The benchmark as a whole. All figures are of simulated platforms."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

from adverdict.benchmarks.workforce.accuracy import accuracy
from adverdict.benchmarks.workforce.bounds import bounds
from adverdict.benchmarks.workforce.causes import causes
from adverdict.benchmarks.workforce.changes import changes
from adverdict.benchmarks.workforce.lived import Lived, lived
from adverdict.benchmarks.workforce.order import order
from adverdict.benchmarks.workforce.speed import speed
from adverdict.benchmarks.workforce.weeks import weeks
from adverdict.domain.progress import SILENT, Progress


@dataclass(frozen=True)
class WorkforceBenchmark:
    """What is run. ``quick``: fewer of each, as many as the figures need all the same."""

    quick: bool = False
    seed: int = 0


def run(job: WorkforceBenchmark, progress: Progress = SILENT) -> dict[str, Any]:
    """Every figure by its name; ``bound_configurations`` has the grid case by case."""
    quick, seed = job.quick, job.seed * 100_000
    figures: dict[str, Any] = {"simulated": True, "quick": quick, "seed": job.seed, "cores": os.cpu_count()}
    figures |= speed(seed + 1, progress)  # first: its peak memory is to be its own
    figures |= accuracy(24 if quick else 60, seed + 1_000, progress)
    figures |= changes(60 if quick else 240, seed + 2_000, progress)
    told = bounds(quick, seed + 3_000, progress)
    figures["bound_configurations"] = told.pop("cases")
    figures |= told
    figures |= weeks(216 if quick else 600, seed + 4_000, progress)
    figures |= causes(60 if quick else 240, seed + 5_000, progress)
    figures |= order(100_000, seed + 6_000, progress)
    figures |= lived(1 if quick else 6, Lived(weeks=5 if quick else 8, ads_a_day=80 if quick else 100, seed=seed + 7_000), progress)
    return figures
