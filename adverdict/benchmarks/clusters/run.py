"""Everything ``adverdict benchmark clusters`` measures."""

from __future__ import annotations

from typing import Any

from adverdict.benchmarks.clusters.carrying import carrying
from adverdict.benchmarks.clusters.finding import finding
from adverdict.benchmarks.clusters.unwinding import unwinding
from adverdict.benchmarks.shared.machine import machine
from adverdict.domain.progress import Progress

ADS, QUICK_ADS = 1_000_000, 100_000
CARRIED, QUICK_CARRIED = 160_000, 80_000
"""Ads among which verdicts are carried."""
COPIES, QUICK_COPIES = 10_000, 2_000
"""To which the verdict was carried that is taken back."""


def run(quick: bool, seed: int, progress: Progress) -> dict[str, Any]:
    """All figures, ready for JSON; all of them simulated. ``quick``: a tenth of the ads to find copies among, a fifth to unwind."""
    found = finding(QUICK_ADS if quick else ADS, seed, progress)
    found |= carrying(QUICK_CARRIED if quick else CARRIED, seed, progress)
    found |= unwinding(QUICK_COPIES if quick else COPIES, progress)
    return {"simulated": True, "quick": quick, "seed": seed, "machine": machine(), **found}
