"""Everything ``adverdict benchmark reading`` measures: 200 tasks read one by one, and with one answer for copies, on many mornings."""

from __future__ import annotations

import shutil
import tempfile
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from adverdict.benchmarks.reading.reader import Cleared, clear, finished, opinions
from adverdict.benchmarks.reading.worlds import Waiting, filled, opened
from adverdict.benchmarks.shared.machine import machine
from adverdict.decisions.files.read import read_policies
from adverdict.decisions.policy import PolicyBook
from adverdict.domain.progress import Progress
from adverdict.simulation.crew import Team, draw_crew

TASKS = 200
MORNINGS, QUICK_MORNINGS = 40, 4
RESAMPLES = 2000
INTERVAL = (2.5, 97.5)
WAYS = {"one_by_one": False, "together": True}

Floats = NDArray[np.float64]


def run(quick: bool, seed: int, progress: Progress) -> dict[str, Any]:
    """All figures, ready for JSON; all of them simulated. Each morning has ads, copies and a reader of its own, so mornings are what is
    drawn anew for the 95 % intervals. ``quick``: a tenth of the mornings."""
    mornings = QUICK_MORNINGS if quick else MORNINGS
    progress.stage("mornings", mornings)
    read: list[dict[str, float]] = []
    book = read_policies()
    for number in range(mornings):
        read.append(_morning(book, 10_000 * seed + number))
        progress.advance(1)
    columns = {name: np.array([one[name] for one in read]) for name in read[0]}
    rng = np.random.default_rng([seed, 41])
    return {
        "simulated": True,
        "quick": quick,
        "seed": seed,
        "machine": machine(),
        "mornings": mornings,
        "tasks": TASKS,
        **_figures(columns, rng),
    }


def _morning(book: PolicyBook, seed: int) -> dict[str, float]:
    """The same tasks and the same reader, both ways."""
    [who] = draw_crew([Team("readers", 1, 8, 8)], 1, seed, away=0.0)
    found: dict[str, float] = {}
    with tempfile.TemporaryDirectory(prefix="adverdict-reading-") as told:
        folder = Path(told)
        ledger = opened(folder, "one_by_one.db", create=True)
        waiting = filled(ledger, book, TASKS, seed)
        ledger.close()  # which writes everything into the one file
        shutil.copy(folder / "one_by_one.db", folder / "together.db")
        thinks = opinions(waiting, who, np.random.default_rng([seed, 43]))
        for way, together in WAYS.items():
            ledger = opened(folder, f"{way}.db")
            try:
                cleared = finished(clear(ledger, book, who, thinks, together=together), waiting)
            finally:
                ledger.close()
            found |= {f"{name}_{way}": value for name, value in _counts(cleared, waiting).items()}
    sizes: defaultdict[int, int] = defaultdict(int)
    for ad in waiting.values():
        sizes[ad.campaign] += 1
    found["tasks_with_copies"] = float(sum(size for size in sizes.values() if size > 1))
    found["campaigns_with_copies"] = float(sum(size > 1 for size in sizes.values()))
    return found


def _counts(cleared: Cleared, waiting: Mapping[str, Waiting]) -> dict[str, float]:
    ways: defaultdict[tuple[int, bool], set[bool]] = defaultdict(set)
    for decision_id, rejected in cleared.verdicts.items():
        ad = waiting[decision_id]
        ways[ad.campaign, ad.violates].add(rejected)
    wrong = {one: rejected != waiting[one].violates for one, rejected in cleared.verdicts.items()}
    return {
        "cards": cleared.cards,
        "along": cleared.along,
        "seconds": cleared.seconds,
        "contradictions": sum(len(said) > 1 for said in ways.values()),
        "told": cleared.told,
        "wrong": sum(wrong.values()),
        "campaigns_wrong": len({waiting[one].campaign for one, is_wrong in wrong.items() if is_wrong}),
    }


def _figures(columns: Mapping[str, Floats], rng: np.random.Generator) -> dict[str, Any]:
    """Means a morning, each way, and what one answer for copies changes. ``seconds_a_copy_may_take``: the glance at each copy that is
    answered along from which on nothing is saved."""
    found: dict[str, Any] = {}

    def put(name: str, of: Callable[[Mapping[str, Floats]], float]) -> None:
        found[name] = of(columns)
        found[f"{name}_interval"] = _interval(columns, of, rng)

    for name in columns:
        put(name, lambda some, name=name: float(some[name].mean()))  # type: ignore[misc]
    for name in ("cards", "seconds"):
        put(f"{name}_ratio", lambda some, name=name: float(some[f"{name}_together"].sum() / some[f"{name}_one_by_one"].sum()))  # type: ignore[misc]
    for name in ("contradictions", "wrong"):
        put(f"{name}_difference", lambda some, name=name: float((some[f"{name}_together"] - some[f"{name}_one_by_one"]).mean()))  # type: ignore[misc]
    put(
        "seconds_a_copy_may_take",
        lambda some: float((some["seconds_one_by_one"] - some["seconds_together"]).sum() / max(1.0, some["along_together"].sum())),
    )
    return found


def _interval(columns: Mapping[str, Floats], of: Callable[[Mapping[str, Floats]], float], rng: np.random.Generator) -> Sequence[float]:
    """95 %, mornings drawn anew."""
    size = len(next(iter(columns.values())))
    drawn = []
    for _ in range(RESAMPLES):
        rows = rng.integers(0, size, size)
        drawn.append(of({name: column[rows] for name, column in columns.items()}))
    return [float(one) for one in np.percentile(drawn, INTERVAL)]
