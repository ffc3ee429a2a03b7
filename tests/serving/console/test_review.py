"""Reviewing by plain forms: what is shown, what is recorded, what is refused."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update
from starlette.testclient import TestClient

from adverdict.decisions.policy import PolicyBook
from adverdict.ledger.entries import Answered
from adverdict.ledger.schema import tasks
from adverdict.ledger.store import Ledger
from adverdict.review.queue import Queue
from adverdict.review.tasks.routing import Reviewer
from adverdict.serving.console.parts import Parts
from adverdict.serving.console.tasks.day import in_words, takeable
from adverdict.serving.console.tasks.view import shown
from tests.serving.console.conftest import Visitor, log_in
from tests.serving.console.filled import NOW, SETTINGS, Clock, World, fill, made_parts


@pytest.fixture(scope="module")
def filled(packaged: PolicyBook, tmp_path_factory: pytest.TempPathFactory) -> World:
    """Thirty decisions of which nobody has read the last third; to copy."""
    folder = tmp_path_factory.mktemp("filled")
    ledger = Ledger.open(f"sqlite:///{folder / 'ledger.db'}")
    world = fill(ledger, packaged, folder, 30, answered=0.6)
    ledger.close()
    return world


@pytest.fixture
def fresh(filled: World, packaged: PolicyBook, tmp_path: Path) -> Iterator[World]:
    """The same, for one test."""
    shutil.copy(str(filled.parts.ledger.engine.url.database), tmp_path / "ledger.db")
    ledger = Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}", create=False)
    yield World(made_parts(ledger, packaged, tmp_path), filled.decisions)
    ledger.close()


def form_of(text: str) -> dict[str, str]:
    return dict(re.findall(r'<input type="hidden" name="([a-z]+)" value="([^"]*)">', text.split('<form id="task"')[1]))


def answers(parts: Parts, reviewer: str = "local") -> list[Answered]:
    return [
        entry.body for entry in parts.ledger.read(kinds=("answer",)) if isinstance(entry.body, Answered) and entry.body.reviewer == reviewer
    ]


def test_tasks_are_answered_one_after_the_other_and_none_twice(fresh: World, visit: Visitor) -> None:
    client = log_in(visit(fresh.parts))
    seen = []
    for number in range(5):
        form = form_of(client.get("/console/review").text)
        seen.append(form["task"])
        policies = re.findall(r'name="violated" value="([a-z_]+)"', client.get("/console/review").text)
        given = (
            {"verdict": "reject", "violated": policies[0], "severity": "mild", "reason": "says so"}
            if number % 2
            else {"verdict": "approve"}
        )
        assert client.post("/console/review/answer", data={**form, **given}).status_code == 303
    assert len(set(seen)) == 5
    told = answers(fresh.parts)
    assert [one.task_id for one in told] == seen
    assert [one.verdict for one in told] == ["approve", "reject", "approve", "reject", "approve"]
    assert (told[1].severity, told[1].reason, len(told[1].violated)) == ("mild", "says so", 1)


def test_the_number_answered_today_is_right_on_every_page_though_what_waits_is_counted_seldom(fresh: World, visit: Visitor) -> None:
    client = log_in(visit(fresh.parts))
    for number in range(3):
        text = client.get("/console/review").text
        assert f"<b>{number}</b> answered today" in text
        client.post("/console/review/answer", data={**form_of(text), "verdict": "approve"})


def test_the_time_from_being_shown_to_being_answered_is_recorded(fresh: World, visit: Visitor) -> None:
    clock = Clock(NOW)
    parts = Parts(**{**vars(fresh.parts), "clock": clock, "queue": Queue(fresh.parts.ledger, fresh.parts.book, SETTINGS, clock)})
    client = log_in(visit(parts))
    for started, expected in (("", 42.5), ("-5", None), ("99999999999999999999999", None)):
        form = form_of(client.get("/console/review").text)
        clock.now += timedelta(seconds=42.5)
        client.post("/console/review/answer", data={**form, **({"started": started} if started else {}), "verdict": "approve"})
        assert answers(parts)[-1].seconds == expected


def test_reloading_or_a_second_window_shows_the_task_that_is_held(fresh: World, visit: Visitor) -> None:
    client = log_in(visit(fresh.parts))
    assert len({form_of(client.get("/console/review").text)["task"] for _ in range(3)}) == 1


def test_what_was_ticked_before_the_reviewer_changed_their_mind_is_not_recorded(fresh: World, visit: Visitor) -> None:
    client = log_in(visit(fresh.parts))
    form = form_of(client.get("/console/review").text)
    given = {"verdict": "approve", "violated": "deceptive", "severity": "extreme"}
    assert client.post("/console/review/answer", data={**form, **given}).status_code == 303
    assert (answers(fresh.parts)[-1].violated, answers(fresh.parts)[-1].severity) == ((), None)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({}, "verdict"),
        ({"verdict": "maybe"}, "verdict"),
        ({"verdict": "reject"}, "violated"),
        ({"verdict": "reject", "violated": "nothing"}, "violated"),
        ({"verdict": "reject", "violated": "deceptive", "severity": "terrible"}, "severity"),
        ({"verdict": "approve", "reason": "x" * 2001}, "reason"),
    ],
)
def test_an_answer_that_cannot_be_used_comes_back_with_what_is_wrong(
    given: dict[str, str], told: str, fresh: World, visit: Visitor
) -> None:
    client = log_in(visit(fresh.parts))
    form = form_of(client.get("/console/review").text)
    answer = client.post("/console/review/answer", data={**form, **given})
    assert answer.status_code == 400
    assert re.search(rf"Not recorded.*{told}", answer.text, re.S)
    assert form_of(answer.text)["task"] == form["task"]
    assert answers(fresh.parts) == []


def test_an_answer_under_a_lost_lease_is_said_and_not_recorded(fresh: World, visit: Visitor) -> None:
    client = log_in(visit(fresh.parts))
    form = form_of(client.get("/console/review").text)
    fresh.parts.queue.release(form["task"], "local", int(form["token"]))
    assert client.post("/console/review/renew", data=form).json()["held"] is False
    answer = client.post("/console/review/answer", data={**form, "verdict": "approve"})
    assert answer.status_code == 409
    assert "was not recorded" in answer.text
    assert "it was given back" in answer.text
    assert answers(fresh.parts) == []


@pytest.mark.parametrize(
    ("state", "told"),
    [("open", "given back"), ("leased", "somebody else"), ("withdrawn", "no longer needed")],
)
@pytest.mark.parametrize("given", [{"verdict": "approve"}, {"verdict": "maybe"}])
def test_why_an_answer_was_not_recorded_is_said_as_it_is(
    given: dict[str, str], state: str, told: str, fresh: World, visit: Visitor
) -> None:
    client = log_in(visit(fresh.parts))
    form = form_of(client.get("/console/review").text)
    with fresh.parts.ledger.change() as connection:
        connection.execute(update(tasks).where(tasks.c.task_id == form["task"]).values(state=state, reviewer="bo", token=tasks.c.token + 1))
        connection.execute(update(tasks).where(tasks.c.state == "open", tasks.c.task_id != form["task"]).values(state="withdrawn"))
    answer = client.post("/console/review/answer", data={**form, **given})
    assert (answer.status_code, answers(fresh.parts)) == (409, [])
    assert re.search(rf'role="alert">[^<]*not recorded: [^<]*{told}', answer.text)


def test_another_answer_to_an_answered_task_is_told_that_it_is_answered(fresh: World, visit: Visitor) -> None:
    client = log_in(visit(fresh.parts))
    form = form_of(client.get("/console/review").text)
    assert client.post("/console/review/answer", data={**form, "verdict": "approve"}).status_code == 303
    answer = client.post("/console/review/answer", data={**form, "verdict": "approve", "reason": "on second thoughts"})
    assert (answer.status_code, len(answers(fresh.parts))) == (409, 1)
    assert re.search(r'role="alert">[^<]*not recorded: [^<]*answered already', answer.text)


def test_an_answer_sent_twice_counts_once(fresh: World, visit: Visitor) -> None:
    client = log_in(visit(fresh.parts))
    form = form_of(client.get("/console/review").text)
    for _ in range(2):
        assert client.post("/console/review/answer", data={**form, "verdict": "approve"}).status_code == 303
    assert len(answers(fresh.parts)) == 1


def test_a_lease_is_renewed_while_the_page_is_open_and_given_back_on_request(fresh: World, visit: Visitor) -> None:
    client = log_in(visit(fresh.parts))
    form = form_of(client.get("/console/review").text)
    assert client.post("/console/review/renew", data=form).json() == {"held": True, "seconds": 900}
    assert client.post("/console/review/release", data=form).headers["location"] == f"/console/review?besides={form['task']}"
    another = form_of(client.get(f"/console/review?besides={form['task']}").text)
    assert another["task"] != form["task"], "somebody who put it back is not given it at once"
    assert fresh.parts.queue.task(form["task"]).state in ("open", "withdrawn")


@pytest.mark.parametrize("token", ["", "x", "-1", "9" * 30, "٣"])
def test_a_token_that_is_no_number_is_refused(token: str, fresh: World, visit: Visitor) -> None:
    client = log_in(visit(fresh.parts))
    form = form_of(client.get("/console/review").text)
    assert client.post("/console/review/answer", data={**form, "token": token, "verdict": "approve"}).status_code == 400


def test_the_next_task_is_shown_ahead_without_being_taken(fresh: World, visit: Visitor) -> None:
    client = log_in(visit(fresh.parts))
    form = form_of(client.get("/console/review").text)
    ahead = client.get("/console/review/next", params={"besides": form["task"]})
    promised = form_of(ahead.text)
    assert promised["task"] != form["task"]
    assert promised["token"] == ""
    assert fresh.parts.queue.held("local")[0].task.task_id == form["task"]
    client.post("/console/review/answer", data={**form, "verdict": "approve"})
    assert form_of(client.get("/console/review").text)["task"] == promised["task"]


def test_nothing_tells_a_golden_task_or_a_second_reading_from_a_first(fresh: World, visit: Visitor) -> None:
    """Neither the page's shape nor its words; and no other reader's name is on it."""
    client = log_in(visit(fresh.parts))
    found: dict[str, set[str]] = {}
    for _ in range(14):
        text = client.get("/console/review").text
        if '<form id="task"' not in text:
            break
        form = form_of(text)
        kind = fresh.parts.queue.task(form["task"]).kind
        assert re.search(r"golden|audit|second reading|\b(ana|bo|cy|sen)\b", re.sub(r"<[^>]*>", " ", text)) is None
        if kind not in ("appeal", "senior"):
            found.setdefault(kind, set()).add(shape(text))
        client.post("/console/review/answer", data={**form, "verdict": "approve"})
    assert len(found) >= 2
    assert len(set.union(*found.values())) == 1


def shape(text: str) -> str:
    """What does not depend on the ad: headings, the verdicts offered, and whether each question has a risk."""
    asked = len(re.findall(r'name="violated"', text)), len(re.findall(r'<div class="riskline">', text))
    return str((re.findall(r"<h[12][^>]*>(.*?)</h", text), re.findall(r'name="verdict" value="(\w+)"', text), asked[0] == asked[1]))


def test_an_appeal_shows_what_the_advertiser_says_and_asks_for_a_ruling(fresh: World) -> None:
    with fresh.parts.ledger.look() as connection:
        task_id = connection.scalars(select(tasks.c.task_id).where(tasks.c.kind == "appeal", tasks.c.state == "open")).first()
        told = shown(fresh.parts, connection, fresh.parts.queue.task(str(task_id)))
    assert told.kind == "appeal"
    assert "refurbished originals" in "".join(piece.text for piece in told.statement)


def test_neither_the_ads_own_decisions_nor_its_labels_are_shown_beside_it(fresh: World) -> None:
    with fresh.parts.ledger.look() as connection:
        for task_id in connection.scalars(select(tasks.c.task_id).where(tasks.c.kind != "golden")).all():
            task = fresh.parts.queue.task(task_id)
            assert task.about not in {one.decision_id for one in shown(fresh.parts, connection, task).similar}


def test_a_reviewer_without_tasks_is_told_so(empty: Parts, visit: Visitor) -> None:
    client: TestClient = log_in(visit(empty))
    assert "Nothing to review" in client.get("/console/review").text
    assert client.get("/console/review/next").status_code == 204


def test_a_reviewer_sees_their_own_day_and_nothing_tells_golden_tasks_by_what_is_left(fresh: World, visit: Visitor) -> None:
    client = log_in(visit(fresh.parts))
    form = form_of(client.get("/console/review").text)
    client.post("/console/review/answer", data={**form, "verdict": "approve"})
    text = client.get("/console/review/day").text
    assert "<b>1</b> answered since midnight UTC" in text
    assert re.search(r"\b(ana|bo|cy|sen)\b", re.sub(r"<[^>]*>", " ", text)) is None
    assert [in_words(number) for number in (0, 1, 9, 10, 14, 15, 96, 1234)] == [
        "none", "fewer than 10", "fewer than 10", "about 10", "about 10", "about 20", "about 100", "about 1,200",
    ]  # fmt: skip


def test_a_reviewer_may_take_what_their_skills_are_for(fresh: World) -> None:
    depths = fresh.parts.queue.depths()
    assert takeable(depths, Reviewer("lead", senior=True)) == depths
    assert len(takeable(depths, Reviewer("ana", policies=("gambling",)))) < len(depths)
    assert {one.market for one in takeable(depths, Reviewer("ana", markets=(depths[0].market,)))} <= {depths[0].market}
    assert takeable(depths, Reviewer("gone", active=False)) == []


def test_the_wait_in_which_an_answer_could_be_undone_is_nobody_s_reading(fresh: World, visit: Visitor) -> None:
    client = log_in(visit(fresh.parts))
    form = form_of(client.get("/console/review").text)
    form["started"] = str(int(form["started"]) - 20_000_000)
    client.post("/console/review/answer", data={**form, "verdict": "approve", "held": "4000", "before": "1500"})
    [entry] = [
        one for one in fresh.parts.ledger.read(kinds=["answer"]) if isinstance(one.body, Answered) and one.body.task_id == form["task"]
    ]
    assert isinstance(entry.body, Answered)
    assert entry.body.seconds == pytest.approx(20 - 4 + 1.5, abs=0.01)
