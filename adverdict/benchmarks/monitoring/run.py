"""Everything ``adverdict benchmark monitoring`` measures."""

from __future__ import annotations

from typing import Any

from adverdict.benchmarks.monitoring.alarms import alarms
from adverdict.benchmarks.monitoring.drifts import drifts
from adverdict.benchmarks.monitoring.following import following
from adverdict.benchmarks.monitoring.kinds import kinds
from adverdict.domain.progress import Progress

YEARS, CHANGES, WINDOWS = 50, 300, 200
QUICK_WINDOWS = 40
DECISIONS, QUICK_DECISIONS = 100_000, 10_000
"""Followed."""


def run(quick: bool, seed: int, progress: Progress) -> dict[str, Any]:
    """All figures, ready for JSON. ``quick`` tries fewer windows, a smaller marketplace and a shorter ledger; no fewer years."""
    found = alarms(YEARS, CHANGES, seed, progress)
    found |= drifts(QUICK_WINDOWS if quick else WINDOWS, seed, progress)
    found |= following(QUICK_DECISIONS if quick else DECISIONS, seed, progress)
    return found | kinds(quick, seed, progress)
