"""Entering the next stage: the one way for the watcher, the command line, the console and HTTP."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from pydantic import JsonValue

from adverdict.domain.errors import Conflict
from adverdict.ledger.bodies.rollout import StageEntered
from adverdict.ledger.in_force.rollouts import rollouts_now
from adverdict.ledger.store import Ledger, Writing
from adverdict.rollout.stages import steps
from adverdict.rollout.stages.capacity import Capacity, CapacityJudged
from adverdict.rollout.stages.freezes import Freeze


def enter(
    ledger: Ledger,
    its_id: str,
    why: str,
    by: str,
    clock: Callable[[], datetime],
    evidence: Callable[[], dict[str, JsonValue]],
    *,
    capacity: Capacity,
    freezes: Sequence[Freeze] = (),
    expected: int | None = None,
    emergency: bool = False,
    first: Callable[[Writing], bool] = lambda writing: True,
) -> StageEntered | None:
    """What is not allowed is refused before ``evidence`` is gathered and ``capacity`` asked, which take their time, and again in the
    transaction that enters the stage. ``first`` is asked in that transaction, too: where it says no, nothing is done, and None returned.

    Raises NotFound, InvalidInput without a reason, Conflict with what is in the way, or Unavailable.
    """
    with ledger.look() as connection:
        steps.refused(connection, its_id, why, clock(), freezes=freezes, expected=expected, emergency=emergency)
    judged = _judged(ledger, its_id, capacity)
    if judged.refused:
        raise Conflict(f"people cannot carry the next stage: {judged.said}")
    told = {**evidence(), "capacity": judged.said}
    with ledger.write() as writing:
        if not first(writing):
            return None
        return steps.advance(writing, its_id, why, by, clock(), freezes=freezes, evidence=told, expected=expected, emergency=emergency)


def _judged(ledger: Ledger, its_id: str, capacity: Capacity) -> CapacityJudged:
    told = rollouts_now(ledger)[its_id]
    number, stages = (0 if told.stage is None else told.stage.number + 1), told.proposal.plan.stages
    return capacity(told, stages[number] if number < len(stages) else None)
