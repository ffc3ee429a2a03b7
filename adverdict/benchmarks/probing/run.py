"""Everything ``adverdict benchmark probing`` measures."""

from __future__ import annotations

from typing import Any

from adverdict.benchmarks.probing.climbers import climbs, false_notices
from adverdict.benchmarks.probing.model import LEAKAGE, platform
from adverdict.domain.progress import Progress

ADS, QUICK_ADS = 40_000, 12_000
CLIMBERS, QUICK_CLIMBERS = 400, 200


def run(quick: bool, seed: int, progress: Progress) -> dict[str, Any]:
    """All figures, ready for JSON."""
    made = platform(QUICK_ADS if quick else ADS, seed, progress)
    found: dict[str, Any] = {"approve_below": made.approve_below, "leakage": LEAKAGE, "ads": len(made.ads)}
    found["climbers"] = climbs(made, QUICK_CLIMBERS if quick else CLIMBERS, seed, progress)
    return found | {"false_notices": false_notices(made)}
