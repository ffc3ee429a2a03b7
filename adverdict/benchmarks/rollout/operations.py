"""What happens while workers decide as fast as they can: roll-outs are aborted, sets swapped and taken back; and all of it replayed."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from adverdict.benchmarks.rollout.field import OTHER, Field, model_of, working
from adverdict.certification.statistics.intervals import clopper_pearson
from adverdict.decisions.files.read import read_texts
from adverdict.domain.progress import SILENT, Progress
from adverdict.ledger.columns import arm_column
from adverdict.ledger.entries import DecisionMade, Entry
from adverdict.ledger.history import end_of
from adverdict.ledger.in_force.policy_sets import keep_set, put, roll_back
from adverdict.ledger.schema import contents
from adverdict.ledger.store import Ledger, now
from adverdict.scoring.replay import replay

Fresh = Callable[[], AbstractContextManager[str]]

SHARE = 0.5
DECIDED_BY_IT = 5
"""Decisions of the candidate that are waited for before it is aborted."""
AFTERWARDS = 0.3
"""Seconds in which the dead arm is looked for."""
PATIENCE = 30.0
SWAPS = 20


def under_load(new: Fresh, folder: Path, aborts: int, decisions: int, progress: Progress) -> dict[str, Any]:
    """Four workers, ``aborts`` roll-outs started and aborted, every second of a model, sets swapped and taken back; then a replay.

    ``decisions``: at least so many are made.
    """
    with new() as url:
        field = Field(url, folder)
        try:
            with working(field):
                seconds, dead = _aborts(field, aborts, progress)
                swaps = _swaps(field)
                while _decisions(field.ledger) < decisions:
                    time.sleep(0.5)
            return {**_told(seconds, dead), **swaps, **_replayed(field.ledger)}
        finally:
            field.close()


def _aborts(field: Field, aborts: int, progress: Progress) -> tuple[list[float], int]:
    """Seconds from each abort's entry to the last decision of its candidate, 0 where none came after; and those that knew of it."""
    seconds, dead = [], 0
    for number in range(aborts):
        its_id = field.start(SHARE, model=number % 2 == 1)
        _wait(lambda its_id=its_id: _of_candidate(field.ledger, its_id) >= DECIDED_BY_IT)  # type: ignore[misc]
        seq, at = field.abort(its_id)
        time.sleep(AFTERWARDS)
        after = _after(field.ledger, its_id, seq)
        dead += sum((made.decision.history_seq or 0) >= seq for made in after)
        seconds.append(max((made.decision.decided_at.timestamp() - at for made in after), default=0.0))
        progress.advance()
    return [max(one, 0.0) for one in seconds], dead


def _swaps(field: Field) -> dict[str, Any]:
    """Sets put in force and taken back, one after the other; ads decided by neither, or marked as if one could not be had."""
    with field.ledger.look() as connection:
        before = end_of(connection)
    with field.ledger.write() as writing:
        files = keep_set(writing.connection, field.candidate, read_texts(field.candidate_folder), now())
        put(writing, field.candidate.hash, files, "a benchmark", "benchmark", now())
    for _ in range(SWAPS):
        time.sleep(0.1)
        with field.ledger.write() as writing:
            roll_back(writing, "a benchmark", "benchmark", now())
    time.sleep(0.5)
    made = [entry.body for entry in field.ledger.read(before, kinds=[DecisionMade.kind]) if isinstance(entry.body, DecisionMade)]
    sets = Counter(one.decision.policy_hash for one in made)
    degraded = sum(bool(one.decision.degraded) for one in made)
    return {"swaps": SWAPS + 1, "swap_decisions": len(made), "swap_sets": len(sets), "swap_degraded": degraded}


def _replayed(ledger: Ledger) -> dict[str, Any]:
    """Every decision, arms, bundles and verdicts."""
    found = replay(ledger, model_of, progress=SILENT)
    total = found.same + found.different + sum(found.skipped.values())
    low, high = clopper_pearson(found.same, total) if total else (0.0, 1.0)
    with ledger.look() as connection:
        in_arms = connection.scalar(select(func.count()).where(contents.c.arm.is_not(None)))
        by_other = sum(1 for entry in ledger.read(kinds=[DecisionMade.kind]) if _by_other(entry))
    return {
        "replayed": total,
        "replayed_in_arms": in_arms,
        "replayed_by_a_candidate_model": by_other,
        "replay_share": found.same / total if total else 0.0,
        "replay_interval": [low, high],
        "replay_differences": [f"{one.field}: {one.recorded} -> {one.replayed}" for one in found.differences[:5]],
    }


def _by_other(entry: Entry) -> bool:
    return isinstance(entry.body, DecisionMade) and entry.body.decision.bundle_version == OTHER


def _told(seconds: list[float], dead: int) -> dict[str, Any]:
    return {"aborts": len(seconds), "dead_arm_decisions": dead, "brake_seconds_max": max(seconds, default=0.0)}


def _of_candidate(ledger: Ledger, its_id: str) -> int:
    with ledger.look() as connection:
        return connection.scalar(select(func.count()).where(contents.c.arm == arm_column(its_id, "candidate"))) or 0


def _after(ledger: Ledger, its_id: str, seq: int) -> list[DecisionMade]:
    """The candidate's decisions recorded after an entry."""
    found = (entry.body for entry in ledger.read(seq, kinds=[DecisionMade.kind]))
    return [
        one
        for one in found
        if isinstance(one, DecisionMade) and one.decision.arm and (one.decision.arm.rollout, one.decision.arm.side) == (its_id, "candidate")
    ]


def _decisions(ledger: Ledger) -> int:
    with ledger.look() as connection:
        return connection.scalar(select(func.count()).where(contents.c.submitted_at.is_not(None))) or 0


def _wait(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not holds():
        if time.monotonic() > end:
            raise RuntimeError("no worker decided by the candidate in time")
        time.sleep(0.01)
