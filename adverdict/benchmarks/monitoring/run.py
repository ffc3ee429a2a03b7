"""Everything ``adverdict benchmark monitoring`` measures."""

from __future__ import annotations

from typing import Any

from adverdict.benchmarks.monitoring.alarms import alarms
from adverdict.benchmarks.monitoring.drifts import drifts
from adverdict.benchmarks.monitoring.following import following
from adverdict.benchmarks.monitoring.kinds import kinds
from adverdict.benchmarks.monitoring.launches import launches
from adverdict.domain.progress import Progress

YEARS, CHANGES, WINDOWS = 50, 300, 200
QUICK_WINDOWS = 40
DECISIONS, QUICK_DECISIONS = 100_000, 10_000
"""Followed."""
LAUNCHES, QUICK_LAUNCHES = 150, 50


def run_launches(count: int, seed: int, progress: Progress) -> dict[str, Any]:
    """Those of launches alone."""
    return launches(count, seed, progress)


def run(quick: bool, seed: int, progress: Progress) -> dict[str, Any]:
    """All figures, ready for JSON. ``quick`` tries fewer windows and launches, smaller worlds; no fewer years."""
    found = alarms(YEARS, CHANGES, seed, progress)
    found |= drifts(QUICK_WINDOWS if quick else WINDOWS, seed, progress)
    found |= following(QUICK_DECISIONS if quick else DECISIONS, seed, progress)
    found |= launches(QUICK_LAUNCHES if quick else LAUNCHES, seed, progress)
    return found | kinds(quick, seed, progress)
