"""Everything ``adverdict benchmark monitoring`` measures."""

from __future__ import annotations

from typing import Any

from adverdict.benchmarks.monitoring.alarms import alarms
from adverdict.benchmarks.monitoring.drifts import drifts
from adverdict.benchmarks.monitoring.kinds import kinds
from adverdict.domain.progress import Progress

YEARS, CHANGES, WINDOWS = 50, 300, 200
QUICK_WINDOWS = 40


def run(quick: bool, seed: int, progress: Progress) -> dict[str, Any]:
    """All figures, ready for JSON. ``quick`` tries fewer windows and a smaller marketplace; no fewer years."""
    found = alarms(YEARS, CHANGES, seed, progress)
    found |= drifts(QUICK_WINDOWS if quick else WINDOWS, seed, progress)
    return found | kinds(quick, seed, progress)
