"""``adverdict benchmark start``: how long until a worker knows what is on record, and in how much memory, with a store and without.

Over a real ledger of some decisions both ways are taken, each in a process of its own, and must count the same. Over the synthetic
events of many more decisions there is a store and no ledger: what reading that would take is not measured but worked out.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from adverdict.benchmarks.history.synthetic import SyntheticAds, write_events, write_ledger
from adverdict.benchmarks.shared.machine import machine
from adverdict.domain.errors import InvalidSettings, Mistake, Unavailable
from adverdict.domain.progress import Progress
from adverdict.features.history.store.events import EventFolder
from adverdict.ledger.store import Ledger
from adverdict.ledger.stored.folder import MEMORY, HistoryFolder

Figures = dict[str, Any]
Write = Callable[[Figures], None]
READY_S, WORKER_MIB = 20.0, 1024.0
"""Aims, with ten million decisions on record."""


@dataclass(frozen=True)
class StartBenchmark:
    """``decisions``: of the synthetic store. ``ledger``: of the real ledger. ``starts``: processes of each kind."""

    decisions: int = 10_000_000
    ledger: int = 100_000
    starts: int = 3
    model: Path | None = None
    """Bundle that a process loads, too; None: the history alone."""
    work: Path | None = None
    memory: int = MEMORY


def run(job: StartBenchmark, progress: Progress, write: Write = lambda some: None) -> Figures:
    """Raises InvalidSettings, Unavailable."""
    wrong = [Mistake(name, getattr(job, name), "at least 1") for name in ("decisions", "ledger", "starts") if getattr(job, name) < 1]
    if wrong:
        raise InvalidSettings("there is nothing to measure:", wrong)
    found: Figures = {"machine": machine(), "aims": {"ready_s": READY_S, "worker_mib": WORKER_MIB}}
    if job.work is not None:
        job.work.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="start-", dir=job.work) as scratch:
        found["ledger"] = _ledger(job, Path(scratch), progress)
        write(found)
        found["store"] = _store(job, Path(scratch), progress)
        chain, read = found["ledger"]["chain"], found["ledger"]["decisions"]
        found["store"]["chain_would_take"] = {
            name: chain[name] / read * job.decisions for name in ("cpu_s", "private_mib") if chain[name] is not None
        }
        write(found)
    return found


def _ledger(job: StartBenchmark, scratch: Path, progress: Progress) -> Figures:
    """Both ways to know what a real ledger tells."""
    url, folder, ads = f"sqlite:///{scratch / 'ledger.db'}", HistoryFolder(scratch / "history"), SyntheticAds(job.ledger)
    ledger = Ledger.open(url)
    write_ledger(ads, ledger, progress)
    ledger.close()
    progress.stage("building its store", 1)
    built = _child("refresh", url, str(folder.folder), str(job.memory))
    progress.stage("starting over the real ledger", 2 * job.starts)
    ways: dict[str, list[Figures]] = {"chain": [], "store": []}
    for _ in range(job.starts):
        for way, all_ in ways.items():
            all_.append(_start(way, url, folder.folder, job.ledger, None))
            progress.advance()
    counts = {one["counts"] for all_ in ways.values() for one in all_}
    return {"decisions": job.ledger, "built": built, "same_counts": len(counts) == 1, **{way: _median(all_) for way, all_ in ways.items()}}


def _store(job: StartBenchmark, scratch: Path, progress: Progress) -> Figures:
    """The store of the synthetic events."""
    events, folder = EventFolder(scratch / "events"), scratch / "store"
    write_events(SyntheticAds(job.decisions), events, progress)
    progress.stage("building the synthetic store", 1)
    built = _child("build", str(events.folder), str(folder), str(job.memory))
    events.clear()
    size = sum(file.stat().st_size for file in folder.iterdir())
    progress.stage("starting over the synthetic store", job.starts)
    starts = []
    for _ in range(job.starts):
        starts.append(_start("folder", "", folder, job.decisions, job.model))
        progress.advance()
    shutil.rmtree(folder)
    return {"decisions": job.decisions, "synthetic": True, "bytes": size, "built": built, **_median(starts)}


def _start(way: str, url: str, folder: Path, n: int, model: Path | None) -> Figures:
    """One process, from nothing to knowing. Times are from before it was started."""
    begin = time.time()
    told = _child(way, url, str(folder), str(n), *([str(model)] if model else []))
    ready, loaded = told["scored"] if "scored" in told else told["known"], told["loaded"]
    return {
        "counts": told["counts"],
        "ready_s": ready["at"] - begin,
        "ready_cpu_s": ready["cpu_s"],
        "cpu_s": told["known"]["cpu_s"] - loaded["cpu_s"],
        "private_mib": told["known"]["private_mib"] - loaded["private_mib"],
        "worker_private_mib": told["after"]["private_mib"],
        "worker_mapped_mib": told["after"]["mapped_mib"],
        **{f"us, {name}": one for name, one in told["us"].items()},
    }


def _child(*arguments: str) -> Figures:
    """What a process of its own says in its last line."""
    command = [sys.executable, "-m", "adverdict.benchmarks.history.child", *arguments]
    done = subprocess.run(command, env={**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Unavailable(f"a process that was to know the history ended with {done.returncode}: {done.stderr[-1500:]}")
    told: Figures = json.loads(done.stdout.splitlines()[-1])
    return told


def _median(starts: list[Figures]) -> Figures:
    """Of each number the one in the middle, and all of them."""
    names = [name for name in starts[0] if name != "counts"]
    middle = {name: sorted(one[name] for one in starts)[len(starts) // 2] for name in names}
    return {**middle, "starts": starts}
