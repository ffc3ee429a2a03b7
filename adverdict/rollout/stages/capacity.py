"""Whether people can carry a roll-out's next stage: what it was predicted to do to the queues, held against who is rostered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from pydantic import JsonValue

from adverdict.decisions.policy import PolicyBook
from adverdict.decisions.rollout import Stage
from adverdict.domain.errors import InvalidInput
from adverdict.ledger.in_force.rollouts import Rollout
from adverdict.ledger.store import Ledger
from adverdict.review.tasks.settings import ReviewSettings
from adverdict.workforce.change import Change
from adverdict.workforce.effects import Shares, change_of
from adverdict.workforce.known import known
from adverdict.workforce.operations.read import read_operations
from adverdict.workforce.scenario import stage_refusal

AGAIN = timedelta(minutes=10)
"""After which a stage is judged anew: it takes seconds, and a watcher asks every minute."""


@dataclass(frozen=True)
class CapacityJudged:
    """What is said of a stage."""

    refused: bool
    said: str
    """Why it is refused, that people can carry it, or why nobody can tell."""


Capacity = Callable[[Rollout, Stage | None], CapacityJudged]
"""A roll-out and the stage that is to be entered; None: it is done. Raises Unavailable."""


def nobody_told(rollout: Rollout, stage: Stage | None) -> CapacityJudged:
    """Where there is no operations folder."""
    return CapacityJudged(False, "whether people can carry it was not judged: ADVERDICT_OPERATIONS names no operations folder")


def capacity_of(
    ledger: Ledger, operations: Path | None, book: Callable[[], PolicyBook], review: ReviewSettings, clock: Callable[[], datetime]
) -> Capacity:
    """Asks the operations folder, which is read anew each time: rosters change. Raises InvalidInput with every mistake in it."""
    if operations is None:
        return nobody_told
    folder, before = operations, dict[tuple[str, float], tuple[datetime, CapacityJudged]]()

    def judge(rollout: Rollout, stage: Stage | None) -> CapacityJudged:
        key = rollout.rollout_id, 1.0 if stage is None else stage.share
        if key not in before or clock() - before[key][0] > AGAIN:
            before[key] = clock(), anew(rollout, stage)
        return before[key][1]

    def anew(rollout: Rollout, stage: Stage | None) -> CapacityJudged:
        share = 1.0 if stage is None else stage.share
        change = change_predicted(rollout)
        if share == 0 or change is None:
            why = "nobody is decided for otherwise in this stage" if share == 0 else "it was proposed without ads to predict from"
            return CapacityJudged(False, f"whether people can carry it was not judged: {why}")
        told = known(ledger, read_operations(folder), book(), review, clock())
        if not told.rostered:
            return CapacityJudged(False, "whether people can carry it was not judged: the operations folder rosters nobody")
        try:
            refused = stage_refusal(told, change, share)
            if refused and not _adds(change) and stage_refusal(told, change, 0.0):
                return CapacityJudged(False, f"people are short without it, and it brings no more work: {refused}")
        except InvalidInput as error:
            return CapacityJudged(False, f"whether people can carry it was not judged: {error}")
        where = "when done" if stage is None else f"in stage {stage.name}"
        return CapacityJudged(refused is not None, refused or f"people can carry what it brings {where}, by the forecast of two weeks")

    return judge


def change_predicted(rollout: Rollout) -> Change | None:
    """What it was predicted to do to the queues, for all advertisers; None where nothing was."""
    told = rollout.proposal.predicted.get("markets")
    if not isinstance(told, dict) or not told:
        return None
    return change_of(rollout.rollout_id, [_shares(market, counts) for market, counts in told.items() if isinstance(counts, dict)])


def _adds(change: Change) -> bool:
    """Whether there is anything that it makes more of."""
    return any(factor > 1.0 for factor in (*change.tasks.values(), *change.submissions.values()))


def _shares(market: str, told: Mapping[str, JsonValue]) -> Shares:
    names = ("ads", "reviewed_before", "reviewed_after", "rejected_before", "rejected_after")
    counts = {name: int(told[name]) for name in names}  # type: ignore[arg-type]  # numbers, as a draft writes them
    return Shares(market, **counts)
