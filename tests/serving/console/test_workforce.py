"""The workforce page: the next weeks, a scenario beside them, plans; and what it says while one is being made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from adverdict.domain.errors import InvalidInput
from adverdict.serving.console.parts import Parts
from adverdict.serving.console.workforce import FIELDS, arguments
from adverdict.serving.worker.planner import Planner
from tests.ledger.made import plan
from tests.serving.console.conftest import Visitor, log_in, token

QUEUE = {
    "market": "SE", "kind": "review", "tasks": 120.4, "low": 90.0, "high": 150.0, "hours": 1.5, "seconds": 44.0,
    "measured_on": "review in SE", "last_week": 110.0, "least_error": 0.07, "wait_target_hours": 12.0,
    "wait_p50_hours": 1.5, "wait_p90_hours": 30.0,
}  # fmt: skip
WEEK = {
    "week": "2026-03-02", "tasks": 120.4, "low": 90.0, "high": 150.0, "hours": 1.5, "people_needed": 3.4, "people_rostered": 2.0,
    "decided_by": ["occupancy"], "kept": {"weeks": 4, "of": 20, "interval": [0.1, 0.4], "busy": 0.8}, "in_time": {"review": 0.7},
    "queues": [QUEUE], "late": [], "untaken": [{"market": "GR", "language": "el", "senior": False, "hours": 2.0}], "events": ["Sale (SE)"],
}  # fmt: skip
OUTLOOK = {
    "change": "as planned", "counted": 900, "operations": "f" * 64, "rostered": True, "wape": 0.08, "wape_naive": 0.2, "wape_floor": 0.05,
    "weeks": [WEEK],
}  # fmt: skip


class Fake:
    """A command that knows its answers."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, ...]] = []

    def __call__(self, told: Sequence[str]) -> Mapping[str, Any]:
        self.asked.append(tuple(told))
        if told[0] == "scenario":
            after = {**OUTLOOK, "change": "FI opens", "weeks": [{**WEEK, "tasks": 400.0}]}
            return {"before": OUTLOOK, "after": after, "refusal": "nobody on the roster may take the tasks of FI"}
        return {"plan_id": "pln-2"} if told[0] == "plan" else OUTLOOK


@pytest.fixture
def command() -> Fake:
    return Fake()


@pytest.fixture
def parts(empty: Parts, command: Fake) -> Parts:
    return replace(empty, planner=Planner(command, empty.clock))


def test_the_page_shows_weeks_queues_gaps_and_marks_what_is_not_kept(parts: Parts, visit: Visitor) -> None:
    plan(parts.ledger)
    text = log_in(visit(parts)).get("/console/workforce").text
    told = ("120", "90 to 150", "3.4", '<span class="mark reject">4 of 20</span>', "occupancy", "Sale (SE)", "review in SE",
            "30.0 h of 12.0",
            "Greece (GR) in el: nobody on the roster may take it", "off by 8.0 %", "spring", "+10.0 %", "volume")  # fmt: skip
    assert [one for one in told if one not in text] == []


def test_a_scenario_is_shown_beside_what_stands_with_why_the_roster_cannot_carry_it(parts: Parts, command: Fake, visit: Visitor) -> None:
    client = log_in(visit(parts))
    text = client.get("/console/workforce/scenario?launch=fi&like=se,de&ads=500").text
    assert command.asked[-1] == ("scenario", "--weeks", "8", "--launch=FI", "--like=SE,DE", "--ads-per-day=500")
    assert [one for one in ("FI opens", "400", "cannot carry it: nobody on the roster") if one not in text] == []
    assert client.get("/console/workforce/scenario").status_code == 400


def test_a_plan_is_saved_under_its_name_and_by_whom(parts: Parts, command: Fake, visit: Visitor) -> None:
    client = log_in(visit(parts))
    answer = client.post("/console/workforce/save", data={"csrf": token(client, "/console/workforce"), "name": "--week 9"})
    assert answer.status_code == 303
    assert command.asked[-1] == ("plan", "save", "--name=--week 9", "--weeks", "8", "--by=local")
    assert client.post("/console/workforce/save", data={"csrf": token(client, "/console/workforce"), "name": " "}).status_code == 400


def test_while_a_plan_is_made_the_page_says_so(empty: Parts, visit: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    import threading

    from adverdict.serving.console import workforce

    go = threading.Event()
    monkeypatch.setattr(workforce, "PATIENCE", 0.01)

    def slow(_: Sequence[str]) -> Mapping[str, Any]:
        go.wait(10)
        return OUTLOOK

    client = log_in(visit(replace(empty, planner=Planner(slow, empty.clock))))
    assert "are being planned" in client.get("/console/workforce").text
    go.set()


def test_before_there_is_enough_to_forecast_from_the_page_says_what_is_missing(empty: Parts, visit: Visitor) -> None:
    def too_early(_: Sequence[str]) -> Mapping[str, Any]:
        raise InvalidInput("nothing can be forecast yet:\n  - days = 3; expected at least 14 whole days on record")

    answer = log_in(visit(replace(empty, planner=Planner(too_early, empty.clock)))).get("/console/workforce")
    assert answer.status_code == 200
    assert "Nothing can be forecast yet" in answer.text
    assert "at least 14 whole days" in answer.text


def test_the_form_s_fields_become_the_command_s_options() -> None:
    blank = dict.fromkeys(FIELDS, "")
    assert arguments({**blank, "reviews": "se", "factor": "1.3", "absence": "0.1"}) == ["--reviews=SE=1.3", "--absence=0.1"]
    assert arguments({**blank, "rollout": "rol-1"}) == ["--rollout=rol-1"]
