"""BentoML's own endpoints: whoever goes past our application gets the same decisions, on the same record."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import bentoml
import pytest
import yaml
from starlette.testclient import TestClient

from adverdict.domain.ad import Ad
from adverdict.serving.http.errors import NotDecided
from tests.serving.conftest import Serve
from tests.serving.test_recording import decisions
from tests.serving.test_score import ad

THEIR_OWN = {"decision_id", "decided_at", "history_seq", "audit", "cluster"}
"""What no two decisions of one ad share; the second may already know the first as its copy."""


Ask = Callable[[TestClient, str, dict[str, Any]], Any]


def in_process(client: TestClient, endpoint: str, body: dict[str, Any]) -> Any:
    """As code in the worker calls an endpoint."""
    from adverdict.serving.service import PlainBatch

    assert client.portal is not None
    taken = Ad.model_validate(body) if endpoint == "score" else PlainBatch.model_validate(body)
    return client.portal.call(getattr(bentoml.get_current_service(), endpoint).local, taken).model_dump(mode="json")


def through_bentoml(client: TestClient, endpoint: str, body: dict[str, Any]) -> Any:
    """As the service calls itself through BentoML, over BentoML's own routes."""
    assert client.portal is not None
    answer = client.portal.call(getattr(bentoml.get_current_service().to_async, endpoint), body)
    return answer if isinstance(answer, dict) else answer.model_dump(mode="json")


@pytest.mark.parametrize("ask", [in_process, through_bentoml])
def test_an_ad_gets_the_decision_it_gets_over_http_and_it_is_on_record(serve: Serve, tmp_path: Path, ask: Ask) -> None:
    with serve() as client:
        over_http = client.post("/v1/score", json=ad(title="scam")).json()
        told = ask(client, "score", ad(title="scam"))
    assert {key: told[key] for key in told if key not in THEIR_OWN} == {key: over_http[key] for key in told if key not in THEIR_OWN}
    assert [made.decision.decision_id for made in decisions(tmp_path)] == [over_http["decision_id"], told["decision_id"]]


@pytest.mark.parametrize("ask", [in_process, through_bentoml])
def test_a_batch_gets_one_result_an_ad_in_order(serve: Serve, ask: Ask) -> None:
    with serve() as client:
        results = ask(client, "score_batch", {"ads": [ad(ad_id="a", title="scam"), ad(ad_id="b", title="Fresh bread")]})["results"]
    assert [(one["ad_id"], one["verdict"]) for one in results] == [("a", "reject"), ("b", "approve")]


def test_an_ad_that_cannot_be_scored_is_an_error_of_ours(client: TestClient) -> None:
    with pytest.raises(NotDecided):
        in_process(client, "score", ad(title="stumble"))


def test_bentoml_describes_the_endpoints_by_its_own_generator(service: Any) -> None:
    written = yaml.safe_load(yaml.dump(service.openapi_spec))
    assert {"/v1/score", "/v1/score/batch"} <= set(written["paths"])


def test_a_browser_is_led_from_the_address_to_the_console_and_a_program_is_told_that_nothing_is_there(client: TestClient) -> None:
    led = client.get("/", headers={"accept": "text/html,*/*"}, follow_redirects=False)
    assert (led.status_code, led.headers["location"]) == (307, "/console")
    told = client.get("/", headers={"accept": "application/json"})
    assert (told.status_code, told.json()["error"]["code"]) == (404, "not_found")
    sign = client.get("/favicon.ico")
    assert sign.headers["content-type"] == "image/svg+xml"
