"""The queues page, which must not tell a reviewer what kind of task they hold."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from adverdict.decisions.policy import PolicyBook
from adverdict.ledger.store import Ledger
from adverdict.review.cases.answers import Answer
from adverdict.review.queue import LeasedTask, Queue, QueueDepth
from adverdict.review.tasks.settings import ReviewSettings
from adverdict.serving.console.tasks.queues import without_kinds
from adverdict.serving.worker.planner import Planner
from tests.serving.console.conftest import Visitor, log_in
from tests.serving.console.filled import NOW, World, fill
from tests.serving.console.test_pages import keyed


@pytest.fixture
def waiting(ledger: Ledger, packaged: PolicyBook, tmp_path: object) -> World:
    """Forty decisions that nobody has read; half of what is claimed is golden."""
    queue = Queue(ledger, packaged, ReviewSettings(golden_share=0.5), lambda: NOW)
    return fill(ledger, packaged, tmp_path, 40, answered=0.0, queue=queue)  # type: ignore[arg-type]  # pytest's path


def claims(queue: Queue) -> list[LeasedTask]:
    """Of as many reviewers as it takes to find nothing."""
    found: list[LeasedTask] = []
    for number in range(200):
        leased = queue.claim(f"reader-{number}")
        if leased is None:
            break
        found.append(leased)
    return found


def test_what_a_reviewer_sees_of_the_queues_is_the_same_whatever_they_are_given(waiting: World, visit: Visitor) -> None:
    client = log_in(visit(keyed(waiting.parts, "review")), "adj_k")
    before = client.get("/console/queues").text
    kinds = set()
    for number in range(40):
        leased = waiting.parts.queue.claim(f"reader-{number}")
        assert leased is not None
        kinds.add(leased.task.kind)
        assert client.get("/console/queues").text == before, leased.task.kind
    assert {"review", "audit", "double", "golden"} <= kinds


def test_a_reviewer_finds_no_kind_in_the_queues_that_their_task_would_not_tell_them(waiting: World, visit: Visitor) -> None:
    told = {
        scope: log_in(visit(keyed(waiting.parts, scope)), "adj_k").get("/console/queues").text for scope in ("review", "policy", "admin")
    }
    hidden = re.compile(r"audit|double|golden|being read", re.IGNORECASE)
    assert hidden.findall(told["review"]) == []
    assert "Unanswered" in told["review"]
    for scope in ("policy", "admin"):
        assert {one.lower() for one in hidden.findall(told[scope])} == {"audit", "double", "golden", "being read"}


def test_an_answer_takes_its_task_out_of_what_a_reviewer_sees(waiting: World) -> None:
    queue = waiting.parts.queue
    before = sum(one.open for one in without_kinds(queue.depths()))
    leased = next(one for one in claims(queue) if one.task.kind == "audit")
    outcome = queue.answer(leased.task.task_id, str(leased.task.reviewer), leased.token, Answer("approve"))
    assert sum(one.open for one in without_kinds(queue.depths())) == before - 1 + len(outcome.opened)


def test_kinds_that_look_alike_are_added_up_and_others_stay_apart() -> None:
    def depth(kind: str, opened: int, leased: int, oldest: float, overdue: int, market: str = "SE") -> QueueDepth:
        return QueueDepth(market, "sv", kind, ("adult",), kind in ("senior", "appeal"), opened, leased, oldest, overdue)

    given = [depth("review", 3, 1, 60.0, 1), depth("audit", 2, 2, 90.0, 0), depth("double", 1, 0, 30.0, 1), depth("senior", 1, 1, 5.0, 0)]
    given += [depth("appeal", 0, 1, 4.0, 1), depth("audit", 1, 0, 2.0, 0, "DE")]
    assert without_kinds(given) == [
        depth("review", 9, 0, 90.0, 2),
        depth("senior", 2, 0, 5.0, 0),
        depth("appeal", 1, 0, 4.0, 1),
        depth("review", 1, 0, 2.0, 0, "DE"),
    ]


def test_whoever_plans_sees_what_will_be_past_due_and_a_reviewer_does_not(waiting: World, visit: Visitor) -> None:
    marks = [{"hours": 2, "p50": 12.0, "p90": 20.0, "queues": [{"market": "SE", "kind": "review", "tasks": 9.2}]}]
    planner = Planner(lambda told: {"marks": marks} if told[0] == "due" else {}, waiting.parts.clock)
    planner.get("due", patience=5.0)
    parts = replace(waiting.parts, planner=planner)
    told = {scope: log_in(visit(keyed(parts, scope)), "adj_k").get("/console/queues").text for scope in ("review", "plan")}
    assert "SE review 9" in told["plan"]
    assert "Past due in the next hours" not in told["review"]
