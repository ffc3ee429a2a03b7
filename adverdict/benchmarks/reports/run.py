"""Everything ``adverdict benchmark reports`` measures."""

from __future__ import annotations

from typing import Any

from adverdict.benchmarks.reports.flood import flood
from adverdict.benchmarks.reports.kinds import kinds
from adverdict.domain.progress import Progress


def run(quick: bool, seed: int, progress: Progress) -> dict[str, Any]:
    """All figures, ready for JSON."""
    return {"emerging": kinds(quick, seed, progress), "flood": flood(seed, progress)}
