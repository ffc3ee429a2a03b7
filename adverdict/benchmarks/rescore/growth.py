"""How rescoring grows: simulated ads with their own history, two workers, with the encoder and without; one row of figures a size."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from adverdict.benchmarks.rescore.speed import rescore
from adverdict.benchmarks.shared.testbed import SimulatedTestBed
from adverdict.benchmarks.truth.scale import exponent

Figures = dict[str, Any]
WORKERS = 2
TO_THE_END = 24 * 3600.0
"""Seconds: longer than any size takes."""


@dataclass(frozen=True)
class GrowthPlan:
    """Ads without and with the encoder. A size that is not done after ``seconds`` is extrapolated from the one before."""

    plain: Sequence[int] = (10_000, 100_000, 1_000_000)
    encoded: Sequence[int] = (1000, 10_000, 100_000)
    seconds: float = 1800.0


FULL = GrowthPlan()
QUICK = GrowthPlan(plain=(1000, 10_000), encoded=(300, 600), seconds=90.0)


def steps(plan: GrowthPlan) -> int:
    return len(plan.plain) + len(plan.encoded)


def growth(testbed: SimulatedTestBed, plan: GrowthPlan, write: Callable[[Figures], None], advance: Callable[[], None]) -> Figures:
    """``plain`` and ``encoded``: a row a size; and the slope of seconds over ads, both in logarithms, of the sizes that were run."""
    found: Figures = {"workers": WORKERS, "plain": [], "encoded": []}
    for kind, sizes in {"plain": plan.plain, "encoded": plan.encoded}.items():
        rows: list[Figures] = found[kind]
        if not sizes:
            continue
        bundle = testbed.bundle(encoder=kind == "encoded")
        for size in sizes:
            try:
                rows.append({**rescore(testbed, bundle, size, "local", WORKERS, True, plan.seconds), "extrapolated": False})
            except subprocess.TimeoutExpired:
                rows.append(extrapolated(rows, size, plan.seconds))
            measured = [one for one in rows if not one["extrapolated"]]
            if len(measured) > 1:
                found[f"exponent_{kind}"] = exponent([one["size"] for one in measured], [one["seconds"] for one in measured])
            advance()
            write(found)
    return found


def extrapolated(rows: Sequence[Figures], size: int, limit: float) -> Figures:
    """What a size would take at the rate of the last one that was run; nobody has seen it, and its memory is not guessed."""
    known = [one for one in rows if not one["extrapolated"]]
    rate = known[-1]["rows_per_s"] if known else None
    return {
        "size": size,
        "extrapolated": True,
        "stopped_after_s": limit,
        "rows_per_s": rate,
        "seconds": size / rate if rate else None,
        "peak_mib": None,
    }
