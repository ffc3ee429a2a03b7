"""What goes wrong in practice, each done on purpose to a real run: how it ends, what it says, and whether a row is lost or there twice."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from adverdict.benchmarks.rescore.case import SECONDS, FaultCase, case, told
from adverdict.benchmarks.rescore.ledger_faults import locked, unreachable
from adverdict.benchmarks.shared.processes import OWN, RunningCommand, environment, markers, resumed
from adverdict.benchmarks.shared.testbed import SimulatedTestBed, ids
from adverdict.domain.errors import NotFound

Figures = dict[str, Any]

SMALL_DISK = "320k"


def faults(testbed: SimulatedTestBed, write: Callable[[Figures], None], advance: Callable[[], None]) -> Figures:
    """By fault: ``exit_code``, ``said`` (its first line), ``rows_lost`` (good rows without a decision) and ``rows_twice``; where a fault
    can be mended, the same ``after`` going on. ``left_out`` says why one could not be tried."""
    found: Figures = {"left_out": {}}
    for name, fault in FAULTS.items():
        try:
            found[name] = fault(case(testbed, name))
        except NotFound as error:
            found["left_out"][name] = str(error)
        advance()
        write(found)
    return found


def unreadable_footer(case: FaultCase) -> Figures:
    """A file that was only half copied."""
    return _spoilt(case, lambda path: os.truncate(path, path.stat().st_size // 2))


def unreadable_pages(case: FaultCase) -> Figures:
    """A file whose rows were overwritten on the disk, its footer whole."""

    def spoil(path: Path) -> None:
        with path.open("r+b") as file:
            file.seek(path.stat().st_size // 8)
            file.write(os.urandom(path.stat().st_size // 2))

    return _spoilt(case, spoil)


def column_missing(case: FaultCase) -> Figures:
    """A file from before there was a market."""
    return _spoilt(case, lambda path: pq.write_table(pq.read_table(path).drop_columns(["market"]), path))


def column_of_another_type(case: FaultCase) -> Figures:
    """A file whose submission times became numbers."""

    def spoil(path: Path) -> None:
        table = pq.read_table(path)
        place = table.column_names.index("submitted_at")
        pq.write_table(table.set_column(place, "submitted_at", pa.array(range(table.num_rows), pa.float64())), path)

    return _spoilt(case, spoil)


def _spoilt(case: FaultCase, spoil: Callable[[Path], None]) -> Figures:
    path = case.ads / "ads-01.parquet"
    good = [one for one in ids(case.ads) if one not in set(ids(path))]
    spoil(path)
    ran = case.run()
    reasons = sorted({one["reason"] for one in markers(case.asked.out) if one.get("reason")}) if case.asked.out.exists() else []
    return {**told(ran, case.asked.out, good), "reasons": [reason[:300] for reason in reasons[:3]]}


def disk_full(case: FaultCase) -> Figures:
    """No room for the results; then there is some, and the run goes on. Raises NotFound where no small disk can be made."""
    disk = case.folder / "disk"
    disk.mkdir()
    if (
        os.geteuid() != 0
        or subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SMALL_DISK}", "tmpfs", str(disk)], check=False).returncode
    ):
        raise NotFound("only root can make a small disk (tmpfs) to fill")
    try:
        asked = replace(case.asked, out=disk / "out")
        found = told(case.run(asked), asked.out, ids(case.ads))
        subprocess.run(["mount", "-o", "remount,size=200m", str(disk)], check=True)
        return {**found, "after": told(case.run(resumed(asked)), asked.out, ids(case.ads))}
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=False)


def worker_killed(case: FaultCase) -> Figures:
    """One of two workers dies while it works, as when memory runs out."""
    log = case.folder / "rescore.log"
    with RunningCommand(case.asked.command(), environment(case.folder / "home"), log) as running:
        end = time.monotonic() + SECONDS
        while not running.ended and time.monotonic() < end and not any((case.asked.out / OWN / "done").glob("*.json")):
            time.sleep(0.002)
        workers = _working(case.asked.out, running)
        if not workers:
            raise NotFound("no worker could be told from the rest before the run had ended")
        os.kill(workers[0], signal.SIGKILL)
        ran = running.wait(SECONDS)
    outcome = told(ran, case.asked.out, ids(case.ads))
    return outcome if ran.code == 0 else {**outcome, "after": told(case.run(resumed(case.asked)), case.asked.out, ids(case.ads))}


def _working(out: Path, running: RunningCommand) -> list[int]:
    """Processes that have published a shard, as its marker tells: a worker is named HOST:PID."""
    named = {int(one["worker"].rpartition(":")[2]) for one in markers(out) if one["worker"].rpartition(":")[2].isdigit()}
    return sorted(named & set(running.children()))


def bundle_missing(case: FaultCase) -> Figures:
    """The model's folder is not there: nothing must have been begun."""
    asked = replace(case.asked, model=case.folder / "no-such-bundle")
    ran = case.run(asked)
    return {**told(ran, asked.out, []), "left_behind": sorted(os.listdir(asked.out)) if asked.out.exists() else []}


FAULTS: dict[str, Callable[[FaultCase], Figures]] = {
    "unreadable_footer": unreadable_footer,
    "unreadable_pages": unreadable_pages,
    "column_missing": column_missing,
    "column_of_another_type": column_of_another_type,
    "disk_full": disk_full,
    "worker_killed": worker_killed,
    "bundle_missing": bundle_missing,
    "ledger_unreachable": unreachable,
    "ledger_locked": locked,
}
