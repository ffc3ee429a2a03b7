"""Workforce over HTTP: figures of the command line, plans on record, and 503 with the reason while there is nothing to plan from."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from adverdict.domain.errors import InvalidInput, NotFound
from adverdict.ledger.store import Ledger, now
from adverdict.serving.assembly import assemble
from adverdict.serving.http.endpoint import Call
from adverdict.serving.http.endpoints import workforce
from adverdict.serving.http.errors import Refused
from adverdict.serving.http.operations import SavePlanRequest
from adverdict.serving.worker.planner import Planner
from tests.ledger.made import plan
from tests.scoring.fakes import FakeRegistry, open_fake
from tests.serving.conftest import Serve, usual
from tests.serving.console.test_workforce import OUTLOOK

KEYS = ",".join(f"{name}:{name}:{hashlib.sha256(name.encode()).hexdigest()}" for name in ("score", "policy", "plan"))


def answers(told: Sequence[str]) -> Mapping[str, Any]:
    if told[0] == "staff":
        raise InvalidInput("nothing can be forecast yet")
    return {"plan_id": "pln-9"} if told[0] == "plan" else OUTLOOK


@pytest.fixture
def call(tmp_path: Path, policy_folder: Path) -> Call:
    runtime = assemble(usual(tmp_path, policy_folder), FakeRegistry(), open_fake)
    return Call(replace(runtime, planner=Planner(answers, now)), "paul")


def test_the_figures_are_those_of_the_command_line_and_what_cannot_be_planned_says_why(call: Call) -> None:
    found = asyncio.run(workforce.forecast(call))
    assert (found.counted, found.weeks[0]["people_needed"]) == (900, 3.4)
    with pytest.raises(Refused, match="nothing can be forecast yet"):
        asyncio.run(workforce.staffing(call))
    assert asyncio.run(workforce.save(call, SavePlanRequest(name="week 9"))).plan_id == "pln-9"
    with pytest.raises(NotFound):
        asyncio.run(workforce.forecast(replace(call, runtime=replace(call.runtime, planner=None))))


def test_plans_on_record_come_with_their_scores_for_policy_keys_alone(serve: Serve, tmp_path: Path) -> None:
    with serve(ADVERDICT_API_KEYS=KEYS) as client:
        opened = Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}", create=False)
        plan(opened)
        opened.close()
        found = client.get("/v1/workforce/plans", headers={"X-API-Key": "policy"}).json()["plans"]
        assert [(one["plan"]["name"], one["scores"][0]["cause"]) for one in found] == [("spring", "volume")]
        assert client.get("/v1/workforce/plans", headers={"X-API-Key": "score"}).status_code == 403
        refused = client.post("/v1/workforce/plans", json={"name": "", "weeks": 99}, headers={"X-API-Key": "policy"})
        assert refused.status_code == 400
        assert {one["field"] for one in refused.json()["error"]["mistakes"]} == {"name", "weeks"}


@pytest.mark.slow
def test_a_service_without_enough_days_on_record_says_how_many_it_needs(serve: Serve) -> None:
    with serve() as client:
        answer = client.get("/v1/workforce/forecast")
        assert answer.status_code == 503
        assert "at least 14 whole days on record" in answer.json()["error"]["message"]


def test_an_event_that_was_declared_is_known_to_plans_until_it_is_called_off_and_all_mistakes_come_at_once(serve: Serve) -> None:
    sale = {"name": "Winter sale", "kind": "sale", "starts": "2026-12-05", "ends": "2026-12-06", "markets": ["SE"], "expected_factor": 2.5}
    planner = {"X-API-Key": "plan"}
    with serve(ADVERDICT_API_KEYS=KEYS) as client:
        assert client.post("/v1/workforce/events", json=sale, headers={"X-API-Key": "score"}).status_code == 403
        assert client.post("/v1/workforce/events", json=sale, headers=planner).json()["event_id"].startswith("evt-")
        assert client.post("/v1/workforce/events", json={**sale, "expected_factor": 3}, headers=planner).status_code == 200
        [found] = client.get("/v1/workforce/events", headers={"X-API-Key": "policy"}).json()["events"]
        assert (found["name"], found["starts"], found["expected_factor"]) == ("Winter sale", "2026-12-05", 3.0)
        wrong = client.post("/v1/workforce/events", json={**sale, "kind": "Sale!", "ends": "2026-12-01"}, headers=planner)
        assert wrong.status_code == 400
        assert "kind" in wrong.text
        assert "ends" in wrong.text
        unknown = client.post("/v1/workforce/events", json={**sale, "market": "SE"}, headers=planner)
        assert unknown.json()["error"]["field"] == "market"
        assert unknown.json()["error"]["expected"] == "no such field here; is it 'markets'?"
        assert client.post("/v1/workforce/events", json={**sale, "takes_place": False}, headers=planner).status_code == 200
        assert client.get("/v1/workforce/events", headers=planner).json()["events"] == []
        assert client.post("/v1/workforce/events", json={**sale, "takes_place": False}, headers=planner).status_code == 404
        assert client.get("/v1/workforce/plans", headers=planner).status_code == 200
