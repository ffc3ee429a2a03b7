"""``adverdict benchmark rollout``: the statistics of roll-outs by simulation, and what they do to a service by doing it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

from adverdict.benchmarks.rollout import cost, guards, kills, operations, requests, shadow
from adverdict.benchmarks.shared.databases import fresh, postgres_server
from adverdict.benchmarks.shared.parts import Write, headlined, in_turn
from adverdict.domain.errors import NotFound
from adverdict.domain.progress import Progress

Figures = dict[str, Any]
Fresh = Callable[[], AbstractContextManager[str]]
PARTS = ("guards", "shadow", "kills", "load", "requests", "cost")
HEADLINES = {
    "false_abort_max": "guards",
    "median_units_x3": "guards",
    "median_units_x5": "guards",
    "leaks_seen_x3": "guards",
    "aborted_before_1pct": "guards",
    "shadow_right": "shadow",
    "shadow_wrong": "shadow",
    "watcher_kills": "kills",
    "stages_lost": "kills",
    "brake_seconds_max": "load",
    "dead_arm_decisions": "load",
    "replay_share": "load",
    "failed_requests": "requests",
    "to_people_for_it": "requests",
    "cpu_share": "cost",
}


@dataclass(frozen=True)
class RolloutBenchmark:
    """How much of each."""

    harmless: int = 1000
    """Roll-outs a cell."""
    harmful: int = 1000
    shadows: int = 1000
    kills: int = 200
    aborts: int = 200
    """Under load, on each database."""
    decisions: int = 100_000
    """Under load, in all, replayed."""
    changes: int = 20
    """Of what decides, of each kind, under requests over HTTP."""
    rounds: int = 400
    seed: int = 0
    postgres: str | None = None
    parts: Sequence[str] = PARTS


QUICK = RolloutBenchmark(harmless=200, harmful=300, shadows=200, kills=60, aborts=15, decisions=3000, changes=6, rounds=100)


def quick(job: RolloutBenchmark) -> RolloutBenchmark:
    """The same parts in less than eight minutes."""
    return replace(QUICK, seed=job.seed, postgres=job.postgres, parts=job.parts)


def run(job: RolloutBenchmark, progress: Progress, write: Write = lambda figures: None) -> Figures:
    """Headline figures, and everything beneath."""

    def measure(part: str, unfinished: Write) -> Figures:
        return _MEASURED[part](job, progress)

    return in_turn([part for part in PARTS if part in job.parts], measure, lambda parts: headlined(parts, HEADLINES), write)


def _guards(job: RolloutBenchmark, progress: Progress) -> Figures:
    return {
        **guards.false_aborts(job.harmless, job.seed, progress),
        **guards.units_until(job.harmful, job.seed, progress),
        **guards.slower(job.harmful // 4 + 1, job.seed, progress),
        **guards.concentrated(job.harmful, job.seed, progress),
        **guards.before_a_share(job.harmful, job.seed, progress),
    }


def _shadow(job: RolloutBenchmark, progress: Progress) -> Figures:
    return shadow.verdicts(job.shadows, job.seed, progress)


def _kills(job: RolloutBenchmark, progress: Progress) -> Figures:
    progress.stage("killing the watcher", job.kills)
    with tempfile.TemporaryDirectory(prefix="adverdict-rollout-") as folder:
        return kills.watcher_kills(_sqlite(Path(folder)), job.kills, progress)


def _load(job: RolloutBenchmark, progress: Progress) -> Figures:
    """On both databases; the worst of either first."""
    with tempfile.TemporaryDirectory(prefix="adverdict-rollout-") as folder, ExitStack() as stack:
        databases: dict[str, Fresh] = {"sqlite": _sqlite(Path(folder))}
        left_out: dict[str, str] = {}
        try:
            server = stack.enter_context(postgres_server(job.postgres))
            databases["postgres"] = lambda: fresh(server)
        except NotFound as error:
            left_out["postgres"] = str(error)
        found: Figures = {}
        for name, new in databases.items():
            progress.stage(f"{name}: aborting under load", job.aborts)
            found[name] = operations.under_load(new, Path(folder) / name, job.aborts, job.decisions // len(databases), progress)
    return {
        "brake_seconds_max": max(one["brake_seconds_max"] for one in found.values()),
        "dead_arm_decisions": sum(one["dead_arm_decisions"] for one in found.values()),
        "replay_share": min(one["replay_share"] for one in found.values()),
        "replayed": sum(one["replayed"] for one in found.values()),
        "databases": found,
        "left_out": left_out,
    }


def _requests(job: RolloutBenchmark, progress: Progress) -> Figures:
    progress.stage("requests while what decides changes", 4 * job.changes)
    with tempfile.TemporaryDirectory(prefix="adverdict-rollout-") as folder, _sqlite(Path(folder))() as url:
        return requests.requests_meanwhile(url, Path(folder) / "requests", job.changes, progress)


def _cost(job: RolloutBenchmark, progress: Progress) -> Figures:
    with tempfile.TemporaryDirectory(prefix="adverdict-rollout-") as folder:
        return cost.cost(_sqlite(Path(folder)), Path(folder) / "policies", job.rounds, progress)


_MEASURED: dict[str, Callable[[RolloutBenchmark, Progress], Figures]] = {
    "guards": _guards,
    "shadow": _shadow,
    "kills": _kills,
    "load": _load,
    "requests": _requests,
    "cost": _cost,
}


def _sqlite(folder: Path) -> Fresh:
    @contextmanager
    def new() -> Iterator[str]:
        path = folder / f"{uuid4().hex[:12]}.db"
        yield f"sqlite:///{path}"
        for rest in folder.glob(f"{path.name}*"):
            rest.unlink()

    return new
