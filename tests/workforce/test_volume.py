"""What is counted from the ledger: each entry once, again the same, and waits that do not forget who waits still."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import numpy as np
import pytest
from sqlalchemy import func, select, text

from adverdict.decisions.policy import MarketRules, PolicyBook, Thresholds
from adverdict.domain.errors import InvalidInput
from adverdict.domain.verdict import Verdict
from adverdict.ledger.in_force.steering import brake, release
from adverdict.ledger.schema import volumes
from adverdict.ledger.store import Ledger
from adverdict.review.period import Period
from adverdict.workforce import redecided
from adverdict.workforce.redecided import Rules
from adverdict.workforce.volume import opened, projection, waits
from adverdict.workforce.volume.history import Queue, Series
from adverdict.workforce.volume.read import read_past
from tests.decisions.build import POLICY
from tests.ledger.made import a_step, an_ad, answered, append_decisions, braked, decided, minutes
from tests.workforce.conftest import TODAY

NOW = datetime.combine(TODAY, time(12), UTC)


def rows(ledger: Ledger) -> list[tuple[object, ...]]:
    with ledger.look() as connection:
        return [tuple(row) for row in connection.execute(select(volumes).order_by(*volumes.primary_key))]


def test_submissions_and_answers_are_counted_once_and_rescorings_submit_nothing(ledger: Ledger) -> None:
    a_step(ledger)
    before = ledger.end()[0]
    projection.follow(ledger)
    submitted = counted(ledger).get("submission", 0)
    again = decided(an_ad(41), first=False, decision_id="dec-w-again")
    append_decisions(ledger, decided(an_ad(41)), decided(an_ad(42, surface="Kids Video", language=None)))
    with ledger.write() as writing:
        writing.append("dec-w-again", again, minutes(4))
        writing.append("ans-w1", answered(again), minutes(5))
        writing.append("ans-w2", answered(again, kind="golden", task_id="tsk-2"), minutes(6))
    assert projection.follow(ledger) == ledger.end()[0] > before
    assert counted(ledger) == {"submission": submitted + 2, "answer/review": 1}
    whole = rows(ledger)
    projection.follow(ledger)
    assert rows(ledger) == whole
    projection.rebuild(ledger)
    assert rows(ledger) == whole


def counted(ledger: Ledger) -> dict[str, int]:
    with ledger.look() as connection:
        found = connection.execute(select(volumes.c.what, func.sum(volumes.c.count)).group_by(volumes.c.what))
        return {what: int(count) for what, count in found}


def test_counting_goes_on_where_it_stopped_and_pages_do_not_matter(lived_ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    projection.follow(lived_ledger)
    whole = rows(lived_ledger)
    monkeypatch.setattr(projection, "PAGE", 7)
    projection.rebuild(lived_ledger)
    assert [row[:6] for row in rows(lived_ledger)] == [row[:6] for row in whole]
    append_decisions(lived_ledger, decided(an_ad(90_001)))
    projection.follow(lived_ledger)
    assert sum(int(str(row[5])) for row in rows(lived_ledger)) == sum(int(str(row[5])) for row in whole) + 1


def test_the_history_has_every_submission_and_every_task_of_whole_days(lived_ledger: Ledger) -> None:
    past = read_past(lived_ledger, NOW)
    with lived_ledger.look() as connection:
        submitted = connection.execute(text("SELECT count(*) FROM contents WHERE submission IS NOT NULL")).scalar_one()
        tasks = connection.execute(text("SELECT count(*) FROM tasks")).scalar_one()
    history = past.history
    assert (history.submissions.sum(), history.opened.sum()) == (submitted, tasks)
    assert (history.days, history.end) == (21, TODAY)
    assert Series("SE", "feed") in history.series
    assert Queue("DE", "review") in history.queues
    shape = past.shapes[Queue("SE", "review")]
    assert shape.hours.sum() == pytest.approx(1)
    assert [lane.language for lane in shape.lanes] == ["sv"]
    assert 0 < shape.due_hours.min() <= shape.due_hours.max() <= 24.5


def test_a_severe_policy_and_one_that_teams_are_limited_to_tell_lanes_apart(lived_ledger: Ledger) -> None:
    past = read_past(lived_ledger, NOW, ["deceptive"], by_policy=True)
    (lane,) = past.shapes[Queue("SE", "review")].lanes
    assert (lane.severe, lane.policies) == (True, ("deceptive",))


def test_days_with_a_brake_on_are_marked_in_its_market_alone(lived_ledger: Ledger) -> None:
    at = datetime.combine(TODAY, time(3), UTC) - timedelta(days=5)
    with lived_ledger.write() as writing:
        brake_id, _ = brake(writing, braked(market="SE"), at)
        writing.flush()
        release(writing, brake_id, "over", "olga", at + timedelta(days=1))
    history = read_past(lived_ledger, NOW).history
    by = {queue: np.flatnonzero(history.braked[row]).tolist() for row, queue in enumerate(history.queues)}
    assert by[Queue("SE", "review")] == [16, 17]
    assert by[Queue("DE", "review")] == []


def test_withdrawn_tasks_and_planned_samples_are_nobody_s_forecast(lived_ledger: Ledger) -> None:
    since, until = NOW - timedelta(days=30), NOW
    before = sum(one.number for one in opened.opened(lived_ledger, since, until))
    with lived_ledger.change() as connection:
        connection.execute(text("UPDATE tasks SET state = 'withdrawn' WHERE task_id IN (SELECT task_id FROM tasks LIMIT 2)"))
        connection.execute(
            text("UPDATE tasks SET kind = 'sample' WHERE task_id IN (SELECT task_id FROM tasks WHERE state = 'done' LIMIT 3)")
        )
    assert sum(one.number for one in opened.opened(lived_ledger, since, until)) == before - 5


def test_waits_count_those_who_wait_still(ledger: Ledger) -> None:
    append_decisions(ledger, *(decided(an_ad(number)) for number in range(1, 5)), decided(an_ad(5), Verdict.APPROVE))
    found = {(one.market, one.how): one for one in waits.measured(ledger, Period(), minutes(24 * 60))}
    assert (found["SE", "review"].p50, found["SE", "review"].waiting) == (None, 4)
    assert (found["SE", "all"].decided, found["SE", "all"].waiting) == (1, 4)
    assert found["SE", "automatic"].p90 == 0.0


def test_the_median_wait_is_kaplan_and_meier_s() -> None:
    hours, over = np.array([1.0, 2.0, 3.0, 4.0, 5.0]), np.array([True, False, True, True, False])
    assert waits.quantile(hours, over, 0.2) == 1.0
    assert waits.quantile(hours, over, 0.5) == 4.0
    assert waits.quantile(hours, over, 0.9) is None


def test_another_policy_folder_is_tried_on_the_risks_on_record_and_ads_without_them_say_nothing(ledger: Ledger) -> None:
    """The risk of every ad is .5: what lets those below .6 through leaves none to people, what asks for below .1 leaves all."""

    def book(approve_below: float) -> PolicyBook:
        policy = replace(POLICY, name="deceptive", thresholds=Thresholds(approve_below, 0.9), max_risk=0.99)
        return PolicyBook(names=("deceptive",), rules={"SE": MarketRules((policy,))})

    append_decisions(ledger, *(decided(an_ad(number)) for number in range(1, 61)))
    (found,) = redecided.shares(ledger, Period(), Rules(book(0.6)), Rules(book(0.1)))
    assert (found.ads, found.reviewed_before, found.reviewed_after) == (60, 0, 60)
    other = PolicyBook(names=("weapons",), rules={"SE": MarketRules((replace(POLICY, name="weapons"),))})
    with pytest.raises(InvalidInput, match="ads = 0; expected at least 50 submissions of one market"):
        redecided.shares(ledger, Period(), Rules(book(0.6)), Rules(other))
