"""Queues as a table of markets and policies count what waits, the visitor's own first."""

from __future__ import annotations

from adverdict.review.queue import QueueDepth
from adverdict.review.tasks.late import late_by_queue
from adverdict.review.tasks.settings import ReviewSettings
from adverdict.serving.console.tasks.heat import heat
from tests.serving.console.filled import NOW, World


def depth(market: str, policies: tuple[str, ...], tasks: int, kind: str = "review") -> QueueDepth:
    return QueueDepth(market, "sv", kind, policies, False, tasks, 0, 60.0 * tasks, 0)


GIVEN = [depth("DE", ("adult", "weapons"), 8), depth("DE", ("adult",), 4), depth("SE", ("weapons",), 2)]


def test_a_task_counts_once_for_its_market_and_under_each_policy_it_asks_about() -> None:
    found = heat(GIVEN, [], {"DE": 3})
    assert found.policies == ("adult", "weapons")
    assert [(line.market, line.tasks, line.late, [cell.tasks for cell in line.cells]) for line in found.lines] == [
        ("DE", 12, 3, [12, 8]),
        ("SE", 2, 0, [0, 2]),
    ]
    assert [[cell.heat for cell in line.cells] for line in found.lines] == [[4, 3], [0, 1]]


def test_the_visitors_markets_come_first() -> None:
    assert [(line.market, line.mine) for line in heat(GIVEN, GIVEN[2:], {}).lines] == [("SE", True), ("DE", False)]


def test_late_tasks_are_counted_by_the_deadline_of_their_kind_and_told_apart_by_nothing_to_the_blind(world: World) -> None:
    settings = ReviewSettings(review_deadline_hours=1, audit_deadline_hours=1e6, double_deadline_hours=1e6)
    with world.parts.ledger.look() as connection:
        told, blind = (late_by_queue(connection, settings, NOW, blind=blind) for blind in (False, True))
    assert {kind for _, _, kind, _, _ in told} == {"review"} | ({"appeal"} & {kind for _, _, kind, _, _ in told})
    assert sum(blind.values()) > sum(told.values()) > 0
