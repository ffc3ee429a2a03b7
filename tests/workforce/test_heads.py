"""How many people: the bound, the programme over several skills, and the twin say the same where they should."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import numpy as np
import pytest

from adverdict.review.tasks.routing import Reviewer
from adverdict.review.tasks.tasks import RoutingKey
from adverdict.workforce.heads.bound import Stream, heads_for_deadlines, in_time, needed, possible_share
from adverdict.workforce.heads.pool import Pool
from adverdict.workforce.heads.staffing import BLOCKS, Demand, staffing
from adverdict.workforce.heads.twin import Person, Tasks, answered
from adverdict.workforce.heads.when import mostly
from adverdict.workforce.operations.roster import Shift
from adverdict.workforce.operations.rules import Shrinkage, Targets
from adverdict.workforce.volume.history import Floats

MONDAY = date(2026, 11, 30)

SE = RoutingKey("SE", "sv", False, ())
DE = RoutingKey("DE", "de", False, ())
OFFICE = np.tile(np.concatenate([np.zeros(9), np.ones(8), np.zeros(7)]), 14)


def even(tasks_a_week: float, hours: int = 336) -> Floats:
    return np.full(hours, tasks_a_week / 168)


def shift(team: str = "a", days: tuple[int, ...] = tuple(range(7)), hours: tuple[int, int] = (9, 17), **skills: object) -> Shift:
    return Shift(team, 1, days, time(hours[0]), time(hours[1] % 24), "UTC", 40, **skills)  # type: ignore[arg-type]  # of a roster


def covers(shifts: list[Shift]) -> Floats:
    return np.array([one.hours_on(datetime(2026, 1, 5, tzinfo=UTC), 168).reshape(BLOCKS, 4).sum(axis=1) for one in shifts])


def test_the_bound_is_the_fullest_stretch_of_time() -> None:
    """One hour's work comes within the first hour, its last part due at hour five: a fifth of a person is enough."""
    burst = np.zeros(24)
    burst[0] = 40.0
    found = heads_for_deadlines([Stream(burst, np.array([4.0]), 90.0)], np.ones(24), safety=0)
    assert found == pytest.approx(1 / 5)


def test_more_time_or_more_people_never_makes_it_worse() -> None:
    heads = [heads_for_deadlines([Stream(even(7000), np.array([wait]), 90.0)], OFFICE, 0.95) for wait in (20.0, 30.0, 60.0)]
    assert heads == sorted(heads, reverse=True)
    met = [in_time([Stream(even(7000), np.array([20.0]), 90.0)], OFFICE, number) for number in (2, 4, 8)]
    assert met == sorted(met)


def test_where_nobody_is_there_in_time_no_number_is_enough_and_it_says_how_much_is_possible() -> None:
    nights = [Stream(even(7000), np.array([4.0]), 90.0)]
    assert heads_for_deadlines(nights, OFFICE, 0.95) == float("inf")
    assert 0.4 < possible_share(nights, OFFICE) < 0.7
    assert np.isfinite(heads_for_deadlines(nights, OFFICE, 0.4))


def test_it_says_what_decides_the_number() -> None:
    slack = needed([Stream(even(7000), np.array([72.0]), 90.0)], np.ones(336), 0.85)
    assert slack.binds == "occupancy"
    mornings = np.where(np.arange(336) % 24 == 9, 200.0, 0.0)
    tight = needed([Stream(mornings, np.array([4.0]), 90.0)], np.ones(336), 1.0)
    assert tight.binds == "deadline"
    severe = needed([Stream(even(7000), np.array([72.0]), 90.0)], np.ones(336), 0.85, severe=100, severe_hours=28)
    assert (severe.binds, severe.heads) == ("wellness", pytest.approx(100 / 28))


def test_the_twin_meets_the_target_with_the_bound_s_people_and_not_with_many_fewer() -> None:
    rng = np.random.default_rng(5)
    counts = rng.poisson(even(6000, 504))
    opened = np.sort(np.repeat(np.arange(504), counts) + rng.random(counts.sum()))
    seconds = rng.lognormal(np.log(90) - 0.25, 0.7, len(opened))
    tasks = Tasks(opened, opened + 24, seconds, np.zeros(len(opened), dtype=np.int64))
    heads = int(np.ceil(heads_for_deadlines([Stream(even(6000), np.array([24.0]), 90.0)], OFFICE, 0.95)))
    met = []
    for number in (heads, heads - 1):
        shifts = tuple((day * 24 + 9.0, day * 24 + 17.0) for day in range(21))
        found = answered(tasks, [Person(0, shifts)] * number, [SE], [Reviewer("a")], 504)
        judged = tasks.due < 480
        met.append(float((found.done <= tasks.due)[judged].mean()))
    assert met[0] > 0.95
    assert met[1] < met[0] - 0.2, "one fewer, and the queue never catches up"


def test_whoever_reads_an_ad_never_gets_it_again_and_the_earliest_due_comes_first() -> None:
    pool = Pool([SE, DE], [Reviewer("a"), Reviewer("b", markets=("DE",))], 4, ["y", "x", "x", "z"])
    for rank, lane in enumerate([1, 0, 0, 1]):
        pool.add(rank, lane)
    order = [pool.take(profile, who) for profile, who in [(0, "ann"), (0, "ann"), (1, "bob"), (0, "ann"), (0, "cid")]]
    assert order == [0, 1, 3, -1, 2]


def test_one_lane_and_one_shift_need_what_the_bound_says() -> None:
    work = even(7000, 168) * 90 / 3600
    found = staffing([Demand(SE, work, 24.0)], [shift()], covers([shift()]), Shrinkage({"leave": 0.2}), Targets(occupancy=1.0))
    (need,) = found.needs
    assert need.on_duty == pytest.approx(work.sum() / 56, rel=0.01)
    assert need.fte == pytest.approx(need.on_duty * 56 / (40 * 0.8))
    assert found.late == ()


def test_people_of_both_skills_cover_the_lanes_that_single_ones_do_not_and_a_lane_of_nobody_is_told() -> None:
    busy, calm = even(4000, 168) * 90 / 3600, even(400, 168) * 90 / 3600
    team = [shift("both"), shift("sv", markets=("SE",))]
    greek = RoutingKey("GR", "el", False, ())
    only = [shift("sv", markets=("SE",)), shift("de", markets=("DE",))]
    lanes = [Demand(SE, busy, 24.0), Demand(DE, calm, 24.0)]
    shared = staffing(lanes, team, covers(team), Shrinkage(), Targets(occupancy=1.0))
    assert shared.fte == pytest.approx((busy.sum() + calm.sum()) / 40, rel=0.02)
    apart = staffing([*lanes, Demand(greek, calm, 24.0)], only, covers(only), Shrinkage(), Targets(occupancy=1.0))
    assert apart.untaken == ((greek, pytest.approx(calm.sum())),)


def test_a_weekend_without_a_shift_leaves_work_late_whoever_works() -> None:
    weekdays = [shift(days=(0, 1, 2, 3, 4))]
    found = staffing([Demand(SE, even(7000, 168) * 90 / 3600, 24.0)], weekdays, covers(weekdays), Shrinkage(), Targets())
    ((lane, share),) = found.late
    assert lane == SE
    assert share == pytest.approx(2 / 7, abs=0.15), "what comes from Friday night on is due before Monday morning"
    assert found.late_when[SE].sum() == pytest.approx(share * found.work)
    assert "on Saturday and Sunday" in mostly(found.late_when[SE], MONDAY)


def test_the_hours_in_which_most_of_something_lies_are_named_across_midnight_and_even_ones_are_not() -> None:
    nights = np.tile([3.0, 0.0, 0.0, 0.0, 1.0, 4.0], 7)
    assert mostly(nights, MONDAY) == "88% of that 20:00-04:00 UTC"
    assert mostly(np.ones(42), MONDAY) == "at all hours"
    sunday = np.zeros(42)
    sunday[12:18] = 1.0
    assert mostly(sunday, MONDAY - timedelta(days=3)) == "100% of that on Saturday and Sunday"


def test_the_limit_on_severe_content_asks_for_more_people_than_the_work_does() -> None:
    work = even(3000, 168) * 90 / 3600
    free = staffing([Demand(SE, work, 24.0, severe=True)], [shift()], covers([shift()]), Shrinkage(), Targets())
    limited = staffing([Demand(SE, work, 24.0, severe=True)], [shift()], covers([shift()]), Shrinkage(), Targets(severe_minutes=60))
    assert free.binds == ("occupancy",)
    assert limited.binds[0] == "wellness"
    assert limited.fte > 2 * free.fte
