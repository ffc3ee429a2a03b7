"""Everything ``adverdict benchmark clusters`` measures."""

from __future__ import annotations

from typing import Any

from adverdict.benchmarks.clusters.finding import finding
from adverdict.benchmarks.shared.machine import machine
from adverdict.domain.progress import Progress

ADS, QUICK_ADS = 1_000_000, 100_000


def run(quick: bool, seed: int, progress: Progress) -> dict[str, Any]:
    """All figures, ready for JSON; all of them simulated. ``quick``: a tenth of the ads."""
    found = finding(QUICK_ADS if quick else ADS, seed, progress)
    return {"simulated": True, "quick": quick, "seed": seed, "machine": machine(), **found}
