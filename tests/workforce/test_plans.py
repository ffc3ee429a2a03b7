"""From a ledger to a plan, beside a change, on record, and scored: each step says what it rests on."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import numpy as np
import pytest

from adverdict.decisions.files.read import read_policies
from adverdict.domain.errors import InvalidInput, NotFound
from adverdict.domain.verdict import Verdict
from adverdict.ledger.store import Ledger
from adverdict.ledger.verify import verify
from adverdict.review.tasks.settings import ReviewSettings
from adverdict.simulation.demand import Setup, simulate
from adverdict.workforce.capacity import roster_capacity
from adverdict.workforce.change import Change
from adverdict.workforce.effects import Shares, change_of, partly
from adverdict.workforce.forecast.forecast import forecast
from adverdict.workforce.known import known
from adverdict.workforce.operations.events import Event
from adverdict.workforce.operations.read import Operations
from adverdict.workforce.operations.roster import Shift
from adverdict.workforce.operations.rules import Shrinkage, Targets
from adverdict.workforce.outlook import Known, Week, outlook
from adverdict.workforce.plans.score import Part, PlannedWeek, RealisedWeek, score
from adverdict.workforce.plans.store import plans, save, score_plans, scores
from adverdict.workforce.returns import counted
from adverdict.workforce.scenario import launch_of, of_reviews, refusal, refusal_beside, scenario, stage_refusal
from adverdict.workforce.suggest import suggestions
from adverdict.workforce.told import told
from adverdict.workforce.volume.history import Queue
from tests.ledger.made import an_ad, decided, minutes
from tests.workforce.conftest import TODAY
from tests.workforce.worlds import START, history_of

NOW = datetime.combine(TODAY, time(12), UTC)
SE = Queue("SE", "review")


def team(people: float = 1.0, **skills: object) -> Shift:
    return Shift("all", people, tuple(range(7)), time(0), time(0), "UTC", 40.0, senior=True, **skills)  # type: ignore[arg-type]  # of a roster


def made_known(ledger: Ledger, operations: Operations | None = None, now: datetime = NOW) -> Known:
    return known(ledger, operations or Operations(), read_policies(None), ReviewSettings(), now)


def test_an_outlook_says_tasks_hours_and_people_and_where_they_come_from(lived_ledger: Ledger) -> None:
    operations = Operations(roster=(team(2),), shrinkage=Shrinkage({"leave": 0.1}))
    made = outlook(made_known(lived_ledger, operations), 2)
    week = made.weeks[0]
    assert week.start == TODAY
    assert week.low < week.tasks < week.high
    (cell,) = [cell for cell in week.cells if cell.queue == SE]
    assert cell.took.pool == "review in SE"
    assert cell.hours == pytest.approx(cell.tasks * cell.took.seconds / 3600)
    assert week.odds is not None
    assert week.odds.met == week.odds.draws, "two people around the clock keep up with some tasks a day"
    assert week.staffing.rostered == pytest.approx(2 * 168 / 40)
    figures = told(made)["weeks"][0]
    assert figures["kept"]["of"] == week.odds.draws
    assert refusal(made) is None


def test_a_roster_without_the_skill_is_refused_in_a_sentence(lived_ledger: Ledger) -> None:
    operations = Operations(roster=(team(1, markets=("SE",)),))
    made = outlook(made_known(lived_ledger, operations), 1)
    why = refusal(made)
    assert why is not None
    assert why.startswith("nobody on the roster may take the tasks of DE in de")


def test_where_people_suffice_and_their_hours_do_not_the_refusal_says_so_and_that_it_was_so_before(lived_ledger: Ledger) -> None:
    weekdays = replace(team(20, markets=("DE",)), days=(0, 1), starts=time(9), ends=time(17))
    few = replace(weekdays, team="north", people=0.01, markets=("SE",))
    base = made_known(lived_ledger, Operations(roster=(weekdays, few)))
    why = refusal_beside(scenario(base, 1, of_reviews(base.history, {"SE": 30.0})))
    assert why is not None
    assert "enough in all, but not on the right shifts (north needs" in why
    assert "comes due while nobody who may take it is there" in why
    assert why.endswith("too few as well")


def test_a_change_is_planned_beside_what_stands_and_its_absence_costs_people(lived_ledger: Ledger) -> None:
    base = made_known(lived_ledger, Operations(roster=(team(1),), shrinkage=Shrinkage({"leave": 0.1})))
    found = scenario(base, 2, replace(of_reviews(base.history, {"SE": 3.0}), absence=0.4))
    week = found.weeks[0]
    before, after = ({cell.queue: cell.tasks for cell in one.cells} for one in (week.before, week.after))
    assert after[SE] == pytest.approx(3 * before[SE])
    assert after[Queue("DE", "review")] == pytest.approx(before[Queue("DE", "review")])
    assert week.fte > week.before.staffing.fte * 0.5
    nothing = scenario(base, 1, Change())
    assert nothing.weeks[0].tasks == 0


def test_a_stage_is_refused_when_the_roster_cannot_carry_its_part_of_the_change(lived_ledger: Ledger) -> None:
    base = made_known(lived_ledger, Operations(roster=(team(0.2),), shrinkage=Shrinkage({"leave": 0.1})))
    change = Change("everything to people", tasks=dict.fromkeys(base.history.queues, 200.0))
    assert stage_refusal(base, change, 0.0, 1) is None
    why = stage_refusal(base, change, 0.5, 1)
    assert why is not None
    assert "full-time people are needed" in why
    assert partly(change, 0.5).tasks[SE] == pytest.approx(100.5)


def test_a_launch_has_the_week_of_its_like_grows_up_and_is_checked_with_all_mistakes(lived_ledger: Ledger) -> None:
    base = made_known(lived_ledger)
    found = scenario(base, 4, Change("FI opens", launch=launch_of(base.history, "FI", ["SE", "DE"], 100)), twin=False)
    tasks = [sum(cell.tasks for cell in week.after.cells if cell.queue.market == "FI") for week in found.weeks]
    assert tasks == sorted(tasks)
    assert tasks[-1] == pytest.approx(700 * 0.3, rel=0.35)
    with pytest.raises(InvalidInput) as caught:
        launch_of(base.history, "SE", ["XX"], None)
    assert [mistake.field for mistake in caught.value.mistakes] == ["launch", "like", "ads_per_day"]
    with pytest.raises(InvalidInput, match="of those on record, and none is: the ledger has no submissions yet"):
        launch_of(replace(base.history, series=()), "FI", [], 100)


def test_a_launch_has_the_reviews_that_ads_of_it_had_when_they_were_decided_beforehand(lived_ledger: Ledger) -> None:
    base = made_known(lived_ledger)
    decided = {Verdict.REVIEW: 180, Verdict.APPROVE: 120}
    like, own = (
        scenario(base, 4, Change("FI opens", launch=launch_of(base.history, "FI", ["SE", "DE"], 100, told)), twin=False).weeks[-1].after
        for told in (None, decided)
    )
    assert tasks_of(own, "FI", "review") == pytest.approx(0.6 * 700, rel=0.12), "nearly grown up"
    ratio = tasks_of(own, "FI", "review") / tasks_of(like, "FI", "review")
    assert tasks_of(own, "FI", "double") == pytest.approx(ratio * tasks_of(like, "FI", "double"))
    with pytest.raises(InvalidInput, match="at least 30 of the market's ads that go to people"):
        launch_of(base.history, "FI", ["SE"], 100, {Verdict.REVIEW: 2, Verdict.APPROVE: 20})


def tasks_of(week: Week, market: str, kind: str) -> float:
    return sum(cell.tasks for cell in week.cells if cell.queue == Queue(market, kind))


def test_what_was_measured_both_ways_becomes_tasks_appeals_and_what_comes_back() -> None:
    shares = Shares("SE", ads=1000, reviewed_before=100, reviewed_after=150, rejected_before=50, rejected_after=70, seconds=1.2)
    change = change_of("stricter", [shares], rejected_by_people=0.2, come_back=0.5)
    assert change.tasks[SE] == 1.5
    assert change.tasks[Queue("SE", "audit")] == pytest.approx(850 / 900)
    assert change.tasks[Queue("SE", "appeal")] == pytest.approx(100 / 70)
    assert change.submissions["SE"] == pytest.approx(1 + 0.5 * 30 / 1000)
    assert change.seconds[SE] == 1.2
    assert 0.04 < change.doubt < 0.05


def test_rejections_that_come_back_within_a_week_are_counted_beyond_what_comes_again_anyway(ledger: Ledger) -> None:
    day = 24 * 60
    with ledger.write() as writing:
        for number, (minute, verdict, creative) in enumerate(
            [
                (1, Verdict.REJECT, "a"),
                (2, Verdict.REJECT, "b"),
                (3, Verdict.APPROVE, "c"),
                (2 * day, Verdict.APPROVE, "a"),  # comes back
                (3 * day, Verdict.APPROVE, "c"),  # was never rejected
                (12 * day, Verdict.APPROVE, "b"),  # too late to be the same
            ]
        ):
            made = decided(an_ad(number, creative_id=creative, submitted_at=minutes(minute)), verdict)
            writing.append(made.decision.decision_id, made, minutes(minute))
    found = counted(ledger.read(), minutes(20 * day))
    assert (found.rejections, found.usual, found.settled) == (2, 0.25, 0)
    assert found.come_back == pytest.approx((0.5 - 0.25) / (1 - 0.25))


def test_a_plan_goes_on_record_and_is_scored_when_its_weeks_are_over_and_once_only(lived_ledger: Ledger) -> None:
    early = NOW - timedelta(days=7)
    operations = Operations(roster=(team(1),), shrinkage=Shrinkage({"leave": 0.1}))
    plan_id = save(lived_ledger, outlook(made_known(lived_ledger, operations, early), 2, twin=False), "spring", "paul", early)
    ((_, _, body),) = plans(lived_ledger)
    assert (body.name, len(body.weeks), body.weeks[0].absence) == ("spring", 2, 0.1)
    history = made_known(lived_ledger).history
    (scored,) = score_plans(lived_ledger, history, operations, 900, "paul", NOW)
    assert (scored.plan, scored.week) == (plan_id, TODAY - timedelta(days=7))
    assert scored.tasks == history.opened[:, -7:].sum()
    assert scored.absence is not None
    assert np.prod([1 + one for one in scored.by_cause.values()]) == pytest.approx(1 + scored.fte_error, rel=1e-4)
    assert score_plans(lived_ledger, history, operations, 900, "paul", NOW) == []
    assert list(scores(lived_ledger)) == [plan_id]
    assert verify(lived_ledger).found == 0
    with pytest.raises(NotFound, match="no plan pln-0"):
        score_plans(lived_ledger, history, operations, 900, "paul", NOW, "pln-0")
    with pytest.raises(InvalidInput, match="a name by which people will know it"):
        save(lived_ledger, outlook(made_known(lived_ledger), 1, twin=False), "  ", "paul", NOW)


@pytest.mark.parametrize(
    ("cause", "came", "absence"),
    [
        ("volume", Part(130, 1300, 40), 0.1),
        ("conversion", Part(130, 1000, 40), 0.1),
        ("time", Part(100, 1000, 52), 0.1),
        ("absence", Part(100, 1000, 40), 0.3),
        (None, Part(101, 1000, 40), 0.1),
    ],
)
def test_scoring_names_what_went_otherwise_than_planned(cause: str | None, came: Part, absence: float) -> None:
    found = score(PlannedWeek({SE: Part(100, 1000, 40)}, {SE: (85, 115)}, 0.1), RealisedWeek({SE: came}, absence))
    assert found is not None
    assert found.cause == cause
    needed = came.tasks * came.seconds / (1 - absence)
    assert found.fte_error == pytest.approx(100 * 40 / 0.9 / needed - 1)


def test_days_that_nothing_explains_are_suggested_once_and_declared_ones_are_not() -> None:
    demand = simulate(Setup(seed=9, days=90, markets=3, undeclared_a_year=0, happenings=()))
    history = history_of(demand)
    history.submissions[0:4, 50:52] *= 2.2
    (found,) = suggestions(history, ())
    assert (found.markets, (found.ends - found.starts).days) == (("US",), 1)
    assert found.starts == START + timedelta(days=50)
    assert found.factor == pytest.approx(2.2, rel=0.2)
    assert suggestions(history, [Event("x", "sale", found.starts, found.ends, ("US",))]) == []


def test_the_limit_on_severe_content_and_a_high_target_reach_the_plan(lived_ledger: Ledger) -> None:
    base = made_known(lived_ledger, Operations(roster=(team(1),)))
    severe = {
        queue: replace(shape, lanes=tuple(replace(lane, severe=True) for lane in shape.lanes)) for queue, shape in base.shapes.items()
    }
    limited = replace(base, shapes=severe, operations=replace(base.operations, targets=Targets(severe_minutes=5)))
    told_of = forecast(base.history, (), 1)
    free, tight = (outlook(one, 1, twin=False, told=told_of).weeks[0].staffing for one in (base, limited))
    assert tight.binds[0] == "wellness"
    assert tight.fte > free.fte


def test_a_roster_has_time_for_as_many_reviews_as_its_hours_shrinkage_cap_and_other_tasks_leave(lived_ledger: Ledger) -> None:
    operations = Operations(roster=(team(2),), shrinkage=Shrinkage({"leave": 0.2}), targets=Targets(occupancy=0.8))
    bare = roster_capacity(operations, None, 900, 45)
    assert bare.hours == pytest.approx(2 * 24 * 0.8 * 0.8)
    assert bare.reviews == pytest.approx(bare.hours * 80)
    measured = roster_capacity(operations, lived_ledger, 900, 45)
    assert measured.measured
    assert 0.8 < measured.for_reviews < 1
    assert measured.reviews == pytest.approx(measured.hours * measured.for_reviews * 3600 / measured.seconds)
    with pytest.raises(InvalidInput, match="people on a roster"):
        roster_capacity(Operations(), None, 900, 45)
