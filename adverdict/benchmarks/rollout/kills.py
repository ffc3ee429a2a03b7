"""The watcher killed (SIGKILL) at every statement it sends to the database: no stage may be entered twice, and none skipped."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from adverdict.benchmarks.rollout.field import Field
from adverdict.benchmarks.shared.killing import killed, killed_at
from adverdict.decisions.rollout import Plan, Stage
from adverdict.domain.progress import Progress
from adverdict.ledger.in_force.rollouts import rollouts_now
from adverdict.ledger.store import Ledger, now
from adverdict.ledger.verify import verify
from adverdict.rollout.stages import steps
from adverdict.rollout.stages.watch import watch

Fresh = Callable[[], AbstractContextManager[str]]

PLAN = Plan(
    name="quick",
    stages=(
        *(Stage(name=f"s{number}", share=share) for number, share in enumerate((0.0, 0.01, 0.05, 0.25, 0.5))),
        Stage(name="full", share=1.0, holdout=0.01),
    ),
)
STATEMENTS = 200
"""More than a look ever sends."""


def watcher_kills(new: Fresh, wanted: int, progress: Progress) -> dict[str, Any]:
    """Roll-outs watched to their end, over and over, the watcher killed after its 1st, 2nd, … statement of each look."""
    killed = rollouts = lost = chain = ended = 0
    while killed < wanted:
        with new() as url, tempfile.TemporaryDirectory(prefix="adverdict-rollout-") as folder:
            field = Field(url, Path(folder))
            try:
                rollouts += 1
                its_id = field.propose(PLAN, now())
                with field.ledger.write() as writing:
                    steps.advance(writing, its_id, "a benchmark", "benchmark", now())
                killed += _watched_to_the_end(field, its_id, wanted - killed, progress)
                numbers = [entered.number for _, entered in rollouts_now(field.ledger)[its_id].entered]
                lost += numbers != list(range(len(PLAN.stages) + 1))
                chain += verify(field.ledger).found
                ended += _lease_ends(field)
            finally:
                field.close()
    return {
        "watcher_kills": killed,
        "kill_rollouts": rollouts,
        "stages_lost": lost,
        "kill_chain_problems": chain,
        "leases_that_did_not_end": ended,
    }


def _watched_to_the_end(field: Field, its_id: str, most: int, progress: Progress) -> int:
    """Kills until the roll-out is done."""
    killed, statement, at = 0, 1, now()
    while rollouts_now(field.ledger)[its_id].state == "under way":
        before = len(rollouts_now(field.ledger)[its_id].entered)
        at += timedelta(minutes=4)  # so that a killed watcher's own lease has run out
        told = rollouts_now(field.ledger)[its_id]
        if told.until is not None and at >= told.until:  # killed for three hours: the candidate decides nothing until a person says so
            with field.ledger.write() as writing:
                steps.resume(writing, its_id, "a benchmark", "benchmark", at)
        if _apart(field.url, at, statement if killed < most else STATEMENTS):
            killed += 1
            statement += 1
            progress.advance()
        elif len(rollouts_now(field.ledger)[its_id].entered) > before:
            statement = 1
    return killed


def _lease_ends(field: Field) -> bool:
    """Whether a candidate on trial whose watcher is gone still decides once its lease is over."""
    told = rollouts_now(field.ledger)
    if told.policies != field.candidate.hash:
        return True
    return any(one.arms(b"") is not None for one in told.by_id.values())


def _apart(url: str, at: datetime, statement: int) -> bool:
    """One look of a watcher in a process of its own, killed at that statement; whether it was killed."""
    return killed(_look, url, at, statement)


def _look(url: str, at: datetime, statement: int) -> None:
    ledger = Ledger.open(url, create=False)
    killed_at(ledger, statement)
    watch(ledger, f"watcher-{os.getpid()}", lambda: at)
    os._exit(0)
