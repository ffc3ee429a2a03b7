"""``adverdict rescore`` as an operator runs it: a process with children, what they take of memory, and what they leave behind."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq

MARK = "BENCHMARKED_RUN"
"""In the environment of a run and of everything it starts: that is how its processes are known, also those that left its group."""
SAMPLED_EVERY = 0.15
OWN = "_adverdict"
PER_RUN = ("decided_at",)
"""When a run began, so other in every run; all else follows from what the run was given."""
KEY = ("shard", "row")

Figures = dict[str, Any]


@dataclass(frozen=True)
class RescoreCommand:
    """One ``adverdict rescore``."""

    ads: Path
    out: Path
    model: Path
    rules: Path
    as_of: str | None
    engine: str = "local"
    workers: int = 1
    history: Path | None = None
    rows_per_shard: int = 8192
    resume: bool = False
    limit_memory: str | None = None

    def command(self) -> list[str]:
        given = {
            "--ads": self.ads,
            "--out": self.out,
            "--model": self.model,
            "--policies": self.rules,
            "--as-of": self.as_of,
            "--engine": self.engine,
            "--workers": self.workers,
            "--rows-per-shard": self.rows_per_shard,
            "--history": self.history,
            "--limit-memory": self.limit_memory,
        }
        options = [text for name, value in given.items() if value is not None for text in (name, str(value))]
        return adverdict("rescore", *options, *(["--resume"] if self.resume else []))


@dataclass(frozen=True)
class CommandResult:
    """How a command ended. ``peak_mib`` is the largest sum over its processes at one moment of their proportional memory (PSS, where a
    shared page counts once); ``hwm_mib`` the sum of each one's own largest (VmHWM, where it counts for each)."""

    code: int
    seconds: float
    said: str
    peak_mib: float
    hwm_mib: float
    processes: int

    @property
    def line(self) -> str:
        """The first line of what it says when it is through: of an error where there is one, else after what it says on its way."""
        lines = [line for line in self.said.splitlines() if line.strip() and not line.startswith(("-->", " "))]
        return next((line for line in lines if line.startswith("error")), lines[0] if lines else "")[:500]


def adverdict(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "adverdict.cli.main", *arguments]


def environment(home: Path, **more: str) -> dict[str, str]:
    """An operator's, with no ledger and one thread a worker; ``more`` on top."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("ADVERDICT_", "MLFLOW_", "BENTOML_"))}
    own = {
        "ADVERDICT_HOME": str(home),
        "ADVERDICT_DATABASE_URL": "none",
        "OMP_NUM_THREADS": "1",
        "RAY_USAGE_STATS_ENABLED": "0",
        "PYTHONSAFEPATH": "1",
        "COLUMNS": "400",
    }
    return {**kept, **own, **more}


class RunningCommand:
    """A command in a process group of its own, until it is waited for or killed. Use as a context manager: nothing of it survives."""

    def __init__(self, command: Sequence[str], around: Mapping[str, str], log: Path, *, watch_memory: bool = True) -> None:
        self.mark = uuid4().hex
        self._log = log
        log.parent.mkdir(parents=True, exist_ok=True)
        self._begin = time.perf_counter()
        with log.open("wb") as written:
            self.process = subprocess.Popen(
                list(command), env={**around, MARK: self.mark}, stdout=written, stderr=subprocess.STDOUT, start_new_session=True
            )
        self._memory = _Memory(self.mark)
        if watch_memory:
            self._memory.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.kill()

    @property
    def ended(self) -> bool:
        return self.process.poll() is not None

    def wait(self, seconds: float | None = None) -> CommandResult:
        """Raises subprocess.TimeoutExpired after ``seconds``; the command is then still running."""
        self.process.wait(seconds)
        took = time.perf_counter() - self._begin
        self._memory.stop()
        said = self._log.read_text(encoding="utf-8", errors="replace")
        peak, hwm, processes = self._memory.found()
        return CommandResult(self.process.returncode, took, said, peak, hwm, processes)

    def kill(self) -> int:
        """SIGKILL to the whole group at once, then to what had left it; how many those were."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self._memory.stop()
        strays = pids(self.mark)
        for pid in strays:
            _kill(pid)
        return len(strays)

    def children(self) -> list[int]:
        """Its other processes, newest last."""
        return sorted(set(pids(self.mark)) - {self.process.pid})


def run(command: Sequence[str], around: Mapping[str, str], log: Path, seconds: float | None = None) -> CommandResult:
    """Run to the end. Raises subprocess.TimeoutExpired, with everything killed."""
    with RunningCommand(command, around, log) as running:
        return running.wait(seconds)


@dataclass
class _Memory:
    """Looks at the memory of all processes of a mark, again and again."""

    mark: str
    known: dict[int, bool] = field(default_factory=dict)
    hwm: dict[int, float] = field(default_factory=dict)
    peak: float = 0.0
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def found(self) -> tuple[float, float, int]:
        return self.peak, sum(self.hwm.values()), len(self.hwm)

    def _watch(self) -> None:
        while not self._stop.is_set():
            total = 0.0
            for pid in pids(self.mark, self.known):
                total += _mib(Path(f"/proc/{pid}/smaps_rollup"), "Pss:")
                self.hwm[pid] = max(self.hwm.get(pid, 0.0), _mib(Path(f"/proc/{pid}/status"), "VmHWM:"))
            self.peak = max(self.peak, total)
            self._stop.wait(SAMPLED_EVERY)


def pids(mark: str, known: dict[int, bool] | None = None) -> list[int]:
    """Living processes with this mark. ``known``: what earlier looks found, kept here."""
    known = {} if known is None else known
    alive = {int(name) for name in os.listdir("/proc") if name.isdigit()}
    for gone in known.keys() - alive:
        del known[gone]
    # One that was not marked may have been looked at between fork and exec, so a no is not kept.
    known.update({pid: True for pid in alive - known.keys() if _marked(pid, mark)})
    return [pid for pid in sorted(known) if not _dead(pid)]


def _marked(pid: int, mark: str) -> bool:
    try:
        return f"{MARK}={mark}".encode() in Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return False


def _dead(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except OSError:
        return True


def _mib(path: Path, name: str) -> float:
    try:
        line = re.search(rf"^{name}\s+(\d+) kB", path.read_text(), re.MULTILINE)
    except OSError:
        return 0.0
    return int(line[1]) / 1024 if line else 0.0


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def markers(out: Path) -> list[Figures]:
    """The commit markers of a run, by shard."""
    return [json.loads(path.read_bytes()) for path in sorted((out / OWN / "done").glob("*.json"))]


def decided(out: Path) -> pa.Table:
    """Every decision that a marker vouches for, by shard and row, with the market its path tells."""
    tables = []
    for marker in markers(out):
        for name in marker["files"]:
            table = pq.ParquetFile(out / name).read()
            market = re.search(r"market=([^/]+)", name)
            tables.append(table.append_column("market", pa.array([market[1] if market else None] * table.num_rows, pa.string())))
    if not tables:
        return pa.table({name: pa.array([], pa.string()) for name in (*KEY, "ad_id")})
    return pa.concat_tables(tables).sort_by([(name, "ascending") for name in KEY])


def differences(one: pa.Table, other: pa.Table, leaving_out: Collection[str] = PER_RUN) -> Counter[str]:
    """Rows that are in one table only (``missing``, ``extra``), and cells that differ, by column."""
    left, right = _by_key(one), _by_key(other)
    differing = Counter({"missing": len(left.keys() - right.keys()), "extra": len(right.keys() - left.keys())})
    columns = [name for name in one.column_names if name not in leaving_out]
    differing.update(f"no column {name}" for name in set(columns) ^ {name for name in other.column_names if name not in leaving_out})
    for name in set(columns) & set(other.column_names):
        first, second = one[name].to_pylist(), other[name].to_pylist()
        differing[name] += sum(first[left[key]] != second[right[key]] for key in left.keys() & right.keys())
    return +differing


def _by_key(table: pa.Table) -> dict[tuple[Any, ...], int]:
    return {key: place for place, key in enumerate(zip(*(table[name].to_pylist() for name in KEY), strict=True))}


def lost_and_twice(table: pa.Table, ad_ids: Collection[str]) -> tuple[int, int]:
    """Ads without a decision, and decisions too many."""
    times = Counter(table["ad_id"].to_pylist())
    return len(set(ad_ids) - times.keys()), sum(times.values()) - len(times)


def resumed(asked: RescoreCommand) -> RescoreCommand:
    """The same, going on with what is there; from the beginning where nothing is."""
    return replace(asked, resume=asked.out.is_dir() and any(asked.out.iterdir()))
