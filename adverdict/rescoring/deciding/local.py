"""The engine for one machine: a process a worker, each with one shard in hand, so that whoever dies is known with what it held."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from types import TracebackType
from typing import Self

from adverdict.domain.errors import AdverdictError, Unavailable
from adverdict.rescoring import memory
from adverdict.rescoring.deciding import threads
from adverdict.rescoring.deciding.job import RescoringJob, give_up
from adverdict.rescoring.deciding.start import Make, make_worker
from adverdict.rescoring.folder.manifest import RunFolder, ShardReport
from adverdict.rescoring.input.plan import Shard
from adverdict.rescoring.memory import Budget

ATTEMPTS = 3
"""Workers that a shard may kill before it is quarantined."""
STILLBORN = 3
"""Workers in a row that may die while they load."""
PATIENCE = 5.0
"""Seconds for a worker to leave by itself."""

OnDone = Callable[[ShardReport], None]


def run(
    job: RescoringJob,
    shards: Sequence[Shard],
    workers: int,
    on_done: OnDone,
    *,
    budget: Budget | None = None,
    say: Callable[[str], None] = lambda _: None,
    make: Make = make_worker,
) -> None:
    """Decide ``shards`` with up to ``workers`` processes; ``on_done`` hears of each as it is published.

    A shard that kills its worker is tried again when all others are done, and then alone on the machine: whatever kills a worker then is
    that shard. At the third death it is quarantined. With a ``budget`` the first shard runs alone, and its peak says how many workers fit.
    Raises what ends the whole run for a worker: a model that is not the run's, a place that cannot be written.
    """
    with threads.for_children(), _WorkerPool(job, workers, on_done, budget, say, make) as pool:
        for shard in pool.work(shards):
            pool.alone()
            for death in range(2, ATTEMPTS + 1):
                say(f"{shard.name} killed the worker that had it; it is tried again, alone ({death} of {ATTEMPTS})")
                if not pool.work([shard]):
                    break
            else:
                on_done(give_up(RunFolder.open(job.out), shard, f"{ATTEMPTS} workers died of it: {pool.last_death}", "driver"))


@dataclass(frozen=True, slots=True)
class _Ready:
    """A worker has loaded everything."""


@dataclass(frozen=True, slots=True)
class _Finished:
    report: ShardReport
    in_use: int
    """Bytes the worker holds after it."""


@dataclass(frozen=True, slots=True)
class _Failed:
    """What ends the run."""

    error: AdverdictError | None
    trace: str


@dataclass(eq=False, slots=True)
class _WorkerProcess:
    """One worker as the driver sees it."""

    process: BaseProcess
    pipe: Connection
    shard: Shard | None = None
    ready: bool = False


@dataclass
class _WorkerPool:
    """The workers there are. Only as many as there is work for; they stay between calls of ``work``."""

    job: RescoringJob
    workers: int
    on_done: OnDone
    budget: Budget | None
    say: Callable[[str], None]
    make: Make
    last_death: str = ""
    _processes: list[_WorkerProcess] = field(default_factory=list)
    _failed_starts: int = 0
    _share: int | None = None
    """Bytes a worker may hold, once measured."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for worker in list(self._processes):
            self._dismiss(worker, at_once=kind is not None)

    def alone(self) -> None:
        """From now on one worker."""
        self.workers, self._share = 1, None if self._share is None or self.budget is None else self.budget.workers
        for worker in self._processes[1:]:
            self._dismiss(worker)

    def work(self, shards: Iterable[Shard]) -> list[Shard]:
        """Decide the shards; those that killed their worker are returned."""
        todo, suspects = deque(shards), list[Shard]()
        while todo or any(worker.shard for worker in self._processes):
            self._start_workers(len(todo) + sum(worker.shard is not None for worker in self._processes))
            for worker in self._processes:
                if worker.ready and worker.shard is None and todo:
                    self._assign(worker, todo)
            for pipe in wait([worker.pipe for worker in self._processes if worker.shard is not None or not worker.ready]):
                worker = next(worker for worker in self._processes if worker.pipe is pipe)
                self._receive(worker, suspects)
        return suspects

    def _start_workers(self, work: int) -> None:
        measured = self.budget is None or self._share is not None
        for _ in range(min(self.workers if measured else 1, work) - len(self._processes)):
            context = multiprocessing.get_context("spawn")
            ours, theirs = context.Pipe()
            process = context.Process(target=_live, args=(self.make, self.job, theirs), daemon=True, name="adverdict-rescore")
            process.start()
            theirs.close()  # so that its death is the end of the pipe
            self._processes.append(_WorkerProcess(process, ours))

    def _assign(self, worker: _WorkerProcess, todo: deque[Shard]) -> None:
        shard = todo.popleft()
        try:
            worker.pipe.send(shard)
        except OSError:  # it died idle: not of this shard
            todo.appendleft(shard)
            self._reap(worker)
        else:
            worker.shard = shard

    def _receive(self, worker: _WorkerProcess, suspects: list[Shard]) -> None:
        try:
            said = worker.pipe.recv()
        except (EOFError, OSError):
            self._reap(worker)
            if worker.shard is not None:
                suspects.append(worker.shard)
            elif not worker.ready:
                self._count_failed_start()
            return
        match said:
            case _Ready():
                worker.ready, self._failed_starts = True, 0
            case _Finished(report, in_use):
                worker.shard = None
                self.on_done(report)
                self._measure(worker, report, in_use)
            case _Failed(error, trace):
                raise error if error is not None else RuntimeError(f"a worker failed:\n{trace}")

    def _measure(self, worker: _WorkerProcess, report: ShardReport, in_use: int) -> None:
        if self.budget is None:
            return
        if self._share is None:
            wanted = self.workers
            self.workers = self.budget.fit(wanted, int(report.peak_mib * memory.MIB))
            self._share = self.budget.workers // self.workers
            if self.workers < wanted:
                self.say(
                    f"{self.workers} of {wanted} workers fit into {memory.shown(self.budget.total)}: each needs {report.peak_mib:.0f} MiB"
                )
        elif in_use > self._share:
            self.say(f"a worker holds {memory.shown(in_use)}, more than its {memory.shown(self._share)}; another takes its place")
            self._dismiss(worker)

    def _dismiss(self, worker: _WorkerProcess, at_once: bool = False) -> None:
        self._processes.remove(worker)
        if not at_once and worker.shard is None and worker.ready:
            try:
                worker.pipe.send(None)
                worker.process.join(PATIENCE)
            except OSError:
                pass  # it is gone already
        worker.process.kill()
        worker.process.join()
        worker.pipe.close()

    def _reap(self, worker: _WorkerProcess) -> None:
        worker.process.join(PATIENCE)
        self.last_death = _how_it_ended(worker.process.exitcode)
        self._dismiss(worker, at_once=True)

    def _count_failed_start(self) -> None:
        self._failed_starts += 1
        if self._failed_starts >= STILLBORN:
            raise Unavailable(f"{STILLBORN} workers in a row died while they loaded the model: {self.last_death}")


def _how_it_ended(code: int | None) -> str:
    if code is not None and code < 0:
        name = signal.Signals(-code).name
        return f"{name}, as when memory runs out" if name == "SIGKILL" else name
    return f"exit code {code}"


def _live(make: Make, job: RescoringJob, pipe: Connection) -> None:
    """The life of a worker's process. It dies with its driver, whatever that dies of."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the driver says what happens
    threading.Thread(target=_die_with_the_driver, daemon=True).start()
    try:
        decide = make(job)
        pipe.send(_Ready())
        while (shard := pipe.recv()) is not None:
            pipe.send(_Finished(decide(shard), memory.in_use()))
    except (EOFError, MemoryError):
        os._exit(1)  # out of memory is a death like any other
    except AdverdictError as error:
        pipe.send(_Failed(error, ""))
    except Exception:
        # The driver must hear of it whatever it is: it raises it there.
        pipe.send(_Failed(None, traceback.format_exc()))


def _die_with_the_driver() -> None:
    driver = multiprocessing.parent_process()
    if driver is not None:
        driver.join()
        os._exit(1)
