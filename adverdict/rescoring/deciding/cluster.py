"""The engine for many machines: Ray Data streams the shards through a pool of actors, each of them one worker.

Ray is asked for nothing but to run: no dashboard, no usage statistics, no packages. The shards' results are markers in the run's folder,
whatever becomes of Ray; what has none after a pass killed its actor and is tried again alone.
"""

from __future__ import annotations

import json
import logging
import math
import os
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import asdict
from importlib.util import find_spec
from typing import Any

from adverdict.domain import errors
from adverdict.domain.errors import AdverdictError, NotFound, Unavailable
from adverdict.rescoring.deciding import threads
from adverdict.rescoring.deciding.job import RescoringJob, give_up
from adverdict.rescoring.deciding.local import ATTEMPTS, OnDone
from adverdict.rescoring.deciding.start import Make, make_worker
from adverdict.rescoring.folder.manifest import RunFolder, ShardReport
from adverdict.rescoring.input.plan import Shard

CPUS = 0.5
"""Of a core, reserved for an actor: reading and writing take turns with scoring."""
OBJECT_STORE = 100 * 2**20
"""Bytes of shared memory of a Ray in place: shards and reports are small."""
QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_DATA_DISABLE_PROGRESS_BARS": "1", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}
MISSING = "Ray is not installed: pip install 'adverdict[ray]', or use --engine local"
Row = dict[str, list[str]]
"""One row for Ray: a report as JSON, or the name of an error with what it says."""


def run(
    job: RescoringJob,
    shards: Sequence[Shard],
    workers: int,
    on_done: OnDone,
    *,
    say: Callable[[str], None] = lambda _: None,
    make: Make = make_worker,
) -> None:
    """Decide ``shards`` on ``RAY_ADDRESS``, or on a Ray started here and ended here. Like ``rescoring.deciding.local.run`` in all else.

    Raises NotFound where Ray is not installed, Unavailable where it does not answer.
    """
    with _ray(workers):
        for shard in _pass(job, shards, workers, on_done, make):
            for death in range(2, ATTEMPTS + 1):
                say(f"{shard.name} killed the worker that had it; it is tried again, alone ({death} of {ATTEMPTS})")
                if not _pass(job, [shard], 1, on_done, make):
                    break
            else:
                on_done(give_up(RunFolder.open(job.out), shard, f"{ATTEMPTS} workers died of it", "driver"))


class _Actor:
    """A worker as Ray Data calls it: rows in, rows out. What ends the run comes back as a row too, or Ray would drop it with its block."""

    def __init__(self, make: Make, job: RescoringJob) -> None:
        self.error: Row | None = None
        try:
            self.worker = make(job)
        except Exception as error:  # told with the first shard: the driver raises it, whatever it is
            self.error = _told(error)

    def __call__(self, batch: dict[str, Any]) -> Row:
        if self.error is not None:
            return self.error
        try:
            report = self.worker(Shard(**json.loads(batch["shard"][0])))
        except MemoryError:
            os._exit(1)  # a death like any other
        except Exception as error:  # as above
            return _told(error)
        return {"report": [report.model_dump_json()], "error": [""], "said": [""]}


def _pass(job: RescoringJob, shards: Sequence[Shard], workers: int, on_done: OnDone, make: Make) -> list[Shard]:
    """Decide the shards; those that killed their actor are returned."""
    from ray import data

    left = {shard.name: shard for shard in shards}
    rows = data.from_items([{"shard": json.dumps(asdict(shard))} for shard in shards], override_num_blocks=len(shards))
    decided = rows.map_batches(
        _Actor,
        batch_size=1,
        batch_format="numpy",
        fn_constructor_args=(make, job),
        num_cpus=CPUS,
        compute=data.ActorPoolStrategy(size=min(workers, len(shards)), max_tasks_in_flight_per_actor=1),  # so that only what ran is lost
        max_restarts=-1,
        max_task_retries=0,
    )
    for row in decided.iter_rows():
        if not row["report"]:
            raise _raised(row["error"], row["said"])
        report = ShardReport.model_validate_json(row["report"])
        if left.pop(report.shard, None) is not None:  # Ray may work twice when a machine is lost
            on_done(report)
    return list(left.values())


def _told(error: Exception) -> Row:
    known = isinstance(error, AdverdictError)
    return {"report": [""], "error": [type(error).__name__ if known else ""], "said": [str(error) if known else traceback.format_exc()]}


def _raised(name: str, said: str) -> Exception:
    """What an actor told, as an error of this process."""
    kind = getattr(errors, name, None) if name else None
    return kind(said) if kind is not None else RuntimeError(f"a worker failed:\n{said}")


@contextmanager
def _ray(workers: int) -> Iterator[None]:
    """A Ray to run on: the one this process is connected to, else that of ``RAY_ADDRESS``, else one in place. Ends what it began."""
    os.environ.update(QUIET)
    with warnings.catch_warnings(), redirect_stdout(sys.stderr):  # Ray prints what dies to standard output, which is for results
        ray, context = _imported()
        warnings.simplefilter("ignore")  # it deprecates what it itself uses, and asks for that to be shown when it is imported
        ours = not ray.is_initialized()
        if ours:
            _begin(workers)
        before = context.enable_progress_bars, context.max_errored_blocks
        context.enable_progress_bars, context.max_errored_blocks = False, -1  # a shard that is lost is seen by its absence
        logging.getLogger("ray.data").setLevel(logging.CRITICAL)
        try:
            yield
        finally:
            context.enable_progress_bars, context.max_errored_blocks = before
            if ours:
                ray.shutdown()


def _imported() -> tuple[Any, Any]:
    try:
        import ray
        from ray.data import DataContext
    except ImportError:
        raise NotFound(MISSING) from None
    return ray, DataContext.get_current()


def refuse_missing() -> None:
    """Before anything is written. Raises NotFound where Ray is not installed."""
    if find_spec("ray") is None:
        raise NotFound(MISSING)


def _begin(workers: int) -> None:
    import ray

    address = os.environ.get("RAY_ADDRESS") or None
    in_place: dict[str, Any] = {}
    if address is None:
        in_place = {"num_cpus": max(os.cpu_count() or 1, math.ceil(workers * CPUS) + 1), "object_store_memory": OBJECT_STORE}
    variables = threads.ONE_THREAD | QUIET
    try:
        ray.init(
            address=address or "local",
            include_dashboard=None if address else False,
            logging_level=logging.CRITICAL,
            log_to_driver=False,
            configure_logging=False,
            runtime_env={"env_vars": variables},
            **in_place,
        )
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise Unavailable(f"Ray at {address or 'this machine'} does not answer: {error}") from error
