"""A stage that people cannot carry is refused where it is entered; where nobody can tell, that is said."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import JsonValue

from adverdict.decisions.rollout import Stage
from adverdict.domain.errors import Conflict
from adverdict.ledger.in_force.rollouts import Rollout, rollouts_now
from adverdict.ledger.store import Ledger
from adverdict.review.tasks.settings import ReviewSettings
from adverdict.rollout.stages.capacity import Capacity, CapacityJudged, capacity_of, change_predicted, nobody_told
from adverdict.rollout.stages.entering import enter
from adverdict.rollout.stages.watch import watch
from adverdict.workforce.volume.history import Queue
from tests.rollout.rolling import BASE, WHEN, proposed, started
from tests.workforce.ledgers import lived

LATER = WHEN + timedelta(hours=2)
SE: dict[str, JsonValue] = {"ads": 1000, "reviewed_before": 100, "reviewed_after": 300, "rejected_before": 50, "rejected_after": 50}
PREDICTED: dict[str, JsonValue] = {"markets": {"SE": SE}}


@pytest.fixture
def ledger(tmp_path: Path, empty_ledger: Path) -> Iterator[Ledger]:
    path = tmp_path / "ledger.db"
    shutil.copy(empty_ledger, path)
    opened = Ledger.open(f"sqlite:///{path}", create=False)
    yield opened
    opened.close()


def too_few(rollout: Rollout, stage: Stage | None) -> CapacityJudged:
    return CapacityJudged(True, f"9 full-time people are needed for {stage.name if stage else 'all'} and 2 rostered")


def entering(ledger: Ledger, its_id: str, capacity: Capacity) -> None:
    enter(ledger, its_id, "go", "olga", lambda: LATER, dict, capacity=capacity)


def test_a_stage_that_the_roster_cannot_carry_is_refused_with_the_figures(ledger: Ledger) -> None:
    its_id = started(ledger)
    with pytest.raises(Conflict, match="people cannot carry the next stage: 9 full-time people are needed for full and 2 rostered"):
        entering(ledger, its_id, too_few)
    entering(ledger, its_id, nobody_told)
    [_, (_, entered)] = rollouts_now(ledger)[its_id].entered
    assert "was not judged" in str(entered.evidence["capacity"])


def test_a_watcher_that_may_not_go_on_for_want_of_people_lets_the_lease_go_on(ledger: Ledger) -> None:
    its_id = started(ledger, guards=())
    first = rollouts_now(ledger)[its_id].until
    assert watch(ledger, "one", lambda: LATER, capacity=too_few) == []
    told = rollouts_now(ledger)[its_id]
    assert first is not None
    assert told.until is not None
    assert (told.stage.name if told.stage else None, told.until > first) == ("canary", True)


def test_what_was_predicted_becomes_a_change_of_the_queues_and_nothing_predicted_none(ledger: Ledger) -> None:
    ids = [proposed(ledger, predicted=PREDICTED), proposed(ledger, predicted={})]
    change, nothing = (change_predicted(rollouts_now(ledger)[one]) for one in ids)
    assert nothing is None
    assert change is not None
    assert change.tasks[Queue("SE", "review")] == 3.0
    assert change.tasks[Queue("SE", "audit")] == pytest.approx(700 / 900)


@pytest.mark.parametrize(
    ("predicted", "share", "words"),
    [
        (PREDICTED, 0.0, "nobody is decided for otherwise"),
        ({}, 0.5, "without ads to predict from"),
        (PREDICTED, 0.5, "rosters nobody"),
    ],
)
def test_where_nobody_can_tell_that_is_said_and_nothing_refused(
    ledger: Ledger, tmp_path: Path, predicted: dict[str, JsonValue], share: float, words: str
) -> None:
    folder = tmp_path / "operations"
    folder.mkdir()
    judge = capacity_of(ledger, folder, lambda: BASE, ReviewSettings(), lambda: LATER)
    its_id = proposed(ledger, predicted=predicted)
    told = judge(rollouts_now(ledger)[its_id], Stage(name="one", share=share))
    assert (told.refused, "was not judged" in told.said, words in told.said) == (False, True, True)


@pytest.mark.slow
def test_by_the_forecast_of_a_ledger_of_weeks_a_roster_that_is_too_small_refuses_the_stage(ledger: Ledger, tmp_path: Path) -> None:
    today = datetime.now(UTC)
    lived(ledger, today.date(), days=21)
    its_id = proposed(ledger, today, predicted={"markets": {"SE": {**SE, "reviewed_before": 2, "reviewed_after": 900}}})
    (tmp_path / "roster.csv").write_text("team,people,days,starts,ends,weekly_hours,senior\nnorth,0.2,mon-fri,9,17,40,yes\n")
    judge = capacity_of(ledger, tmp_path, lambda: BASE, ReviewSettings(), lambda: today)
    told = judge(rollouts_now(ledger)[its_id], Stage(name="half", share=0.5))
    assert told.refused
    assert "full-time people are needed" in told.said
