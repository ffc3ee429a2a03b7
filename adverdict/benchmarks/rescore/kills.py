"""A run killed again and again, whole, at moments that nothing prepares for, and resumed: is what it leaves what it would have been?"""

from __future__ import annotations

import os
import random
import shutil
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from adverdict.benchmarks.shared.processes import (
    OWN,
    PER_RUN,
    CommandResult,
    RescoreCommand,
    RunningCommand,
    decided,
    differences,
    environment,
    markers,
    resumed,
    run,
)
from adverdict.benchmarks.shared.testbed import SimulatedTestBed, moment_after, pieces
from adverdict.domain.errors import Unavailable

Figures = dict[str, Any]

ADS, QUICK_ADS = 2000, 600
FILES, SHARD = 4, 32
PATIENCE = 300.0
KNOWN, COUNTED = "that are known: done", "counting what is known: done"
"""What a run says when it has begun to freeze the history, and when it is done."""
ANY_TIME, AT_A_WRITE, FREEZING, AT_THE_START = "any time", "at a write", "freezing", "at the start"
MOMENTS = {ANY_TIME: 0.3, AT_A_WRITE: 0.4, FREEZING: 0.2, AT_THE_START: 0.1}
"""Kinds of moments, and how often each is drawn. At a write: just after a file has appeared, so in the middle of publishing a shard;
freezing: after the history's scratch folder has; at the start: just after the run's own folder has."""


@dataclass
class KillTally:
    """What happened so far."""

    kills: int = 0
    runs: int = 0
    strays: int = 0
    mismatches: int = 0
    phases: Counter[str] = field(default_factory=Counter)
    columns: Counter[str] = field(default_factory=Counter)
    refused: list[str] = field(default_factory=list)


def kills(testbed: SimulatedTestBed, count: int, seed: int, write: Callable[[Figures], None], advance: Callable[[], None]) -> Figures:
    """``resume_mismatches``: rows missing, too many, or with any column other than in the run that nobody killed. ``decided_at`` is
    when a run began: it is checked to be one moment in all rows of a run."""
    bundle, ads = testbed.bundle(encoder=False), testbed.ads(QUICK_ADS if testbed.quick else ADS)
    split, home = testbed.folder / "kills-ads", testbed.home("kills")
    if not split.exists():
        pieces(ads, split, FILES)
    asked = RescoreCommand(split, _fresh(testbed, 0), bundle, testbed.rules(bundle, ads), moment_after(ads), "local", 2, ads, SHARD)
    whole = run(asked.command(), environment(home), home / "whole.log", PATIENCE)
    if whole.code:
        raise Unavailable(f"adverdict rescore ended with {whole.code}: {whole.said[-1500:]}")
    reference, draw, tally = decided(asked.out), random.Random(seed), KillTally()

    def told() -> Figures:
        return {
            "kills": tally.kills,
            "resume_mismatches": tally.mismatches,
            "resumed_runs": tally.runs,
            "rows": reference.num_rows,
            "shards": len(markers(asked.out)),
            "seconds_uninterrupted": whole.seconds,
            "killed_while": dict(sorted(tally.phases.items())),
            "columns_that_differ": dict(tally.columns),
            "processes_that_left_the_group": tally.strays,
            "refused_to_resume": tally.refused[:20],
        }

    while tally.kills < count:
        tally.runs += 1
        target = _fresh(testbed, tally.runs)
        ended = _to_the_end(replace(asked, out=target), home, whole.seconds, count, draw, tally, advance, lambda: write(told()))
        judge(tally, reference, target, ended)
        shutil.rmtree(target, ignore_errors=True)
        write(told())
    return told()


def judge(tally: KillTally, reference: pa.Table, out: Path, ended: CommandResult) -> None:
    """Count what differs from the run that nobody killed."""
    if ended.code:
        tally.refused.append(f"exit code {ended.code}: {ended.line}")
    table = decided(out)
    differing = differences(reference, table)
    tally.columns.update(differing)
    tally.mismatches += sum(differing.values())
    for name in PER_RUN:
        moments = len(set(table[name].to_pylist())) if name in table.column_names else 0
        if moments > 1:
            tally.columns[f"{name} within a run"] += moments - 1
            tally.mismatches += moments - 1


def _to_the_end(
    asked: RescoreCommand,
    home: Path,
    usual: float,
    count: int,
    draw: random.Random,
    tally: KillTally,
    advance: Callable[[], None],
    write: Callable[[], None],
) -> CommandResult:
    """Start, kill, resume; the last of these is left alone. Ends early when a run ends by itself."""
    scratch, log = home / "scratch", home / "killed.log"
    while True:
        attempt = resumed(asked)
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir()
        with RunningCommand(attempt.command(), environment(home, TMPDIR=str(scratch)), log, watch_memory=False) as running:
            if tally.kills >= count or not _came(running, asked.out, scratch, usual, draw):
                return running.wait(PATIENCE)
            tally.strays += running.kill()
        tally.kills += 1
        tally.phases[phase(asked.out, log.read_text(encoding="utf-8", errors="replace"))] += 1
        advance()
        write()


def _came(running: RunningCommand, out: Path, scratch: Path, usual: float, draw: random.Random) -> bool:
    """Wait for a moment drawn at random; False when the run had ended by then."""
    kind = draw.choices(list(MOMENTS), list(MOMENTS.values()))[0]
    before = _written(out)
    came: dict[str, Callable[[], bool]] = {
        ANY_TIME: lambda: True,
        AT_A_WRITE: lambda: bool(_written(out) - before),
        FREEZING: lambda: scratch.is_dir() and any(scratch.iterdir()),
        AT_THE_START: out.exists,
    }
    after = {
        ANY_TIME: draw.uniform(0.0, usual),
        AT_A_WRITE: draw.choice((0.0, draw.uniform(0.0, 0.01), draw.uniform(0.0, 0.1))),
        FREEZING: draw.uniform(0.0, usual / 8),
        AT_THE_START: draw.choice((0.0, draw.uniform(0.0, 0.02))),
    }
    while not running.ended and not came[kind]():
        time.sleep(0.0005)
    end = time.monotonic() + after[kind]
    while not running.ended and time.monotonic() < end:
        time.sleep(min(0.002, max(0.0, end - time.monotonic())))
    return not running.ended


def phase(out: Path, said: str) -> str:
    """What a run was about when it was killed, by what it has left and what it had said."""
    if KNOWN in said and COUNTED not in said:
        return "freezing the history"
    if not (out / OWN / "run.json").is_file():
        return "beginning the folder" if out.exists() else "starting"
    done = markers(out)
    vouched = {name for one in done for name in one["files"]}
    loose = {path for path in _written(out) if not path.startswith(OWN) and path not in vouched}
    if loose or any(Path(path).name.startswith(".") or path.endswith((".part", ".tmp")) for path in _written(out)):
        return "publishing"
    if "-->" not in said:
        return "starting again"
    if not done:
        return "before the first shard"
    return "ending" if (out / OWN / "summary.json").is_file() else "between shards"


def _written(out: Path) -> set[str]:
    return {os.path.relpath(os.path.join(folder, name), out) for folder, _, names in os.walk(out) for name in names}


def _fresh(testbed: SimulatedTestBed, number: int) -> Path:
    path = testbed.folder / "kills-out" / str(number)
    shutil.rmtree(path, ignore_errors=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    return path
