"""The benchmark's parts, as small as they may be: what they measure is what they say."""

from __future__ import annotations

from adverdict.benchmarks.workforce.accuracy import accuracy
from adverdict.benchmarks.workforce.bounds import Case, _compared
from adverdict.benchmarks.workforce.causes import causes
from adverdict.benchmarks.workforce.changes import changes
from adverdict.benchmarks.workforce.order import order
from adverdict.domain.progress import SILENT


def test_the_twin_takes_tasks_in_the_order_of_the_real_queue() -> None:
    found = order(400, 3, SILENT)
    assert (found["order_same"], found["order_claims"]) == (400, 400)
    assert found["order_nothing_to_take"] < 40


def test_forecasts_of_a_small_world_are_between_chance_and_seasonal_naive() -> None:
    found = accuracy(1, 5, SILENT)
    assert found["floor_wape"] < found["weekly_wape"] < found["naive_wape"]
    assert found["coverage_cells"] >= 500


def test_a_bound_is_no_more_than_a_head_from_the_twin_where_there_are_few() -> None:
    found = _compared(Case(2_000, "7x16", 24.0), 1)
    assert abs(found["bound"] - found["twin"]) <= 1
    assert found["met"] > 0.94


def test_changes_and_causes_are_foreseen_and_named_more_often_than_not() -> None:
    assert changes(2, 11, SILENT)["change_wape"] < 0.25
    assert causes(4, 12, SILENT)["cause_right"] >= 0.5
