"""Too much at once, and too little time, over HTTP: refused in the one shape, counted, and nothing of it on record."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from adverdict.serving.http.messages import ErrorBody
from adverdict.serving.worker.admission import AdmissionControl
from tests.scoring.ads import ad
from tests.serving.conftest import Serve
from tests.serving.test_metrics import key, samples
from tests.serving.test_recording import decisions


@contextmanager
def crowded(waiting: int = 1000) -> Iterator[AdmissionControl]:
    """The service in this process, with so many single ads in line, of which 16 lately took 16 ms."""
    from adverdict.serving.service import slot

    assert slot.runtime is not None
    line = slot.runtime.intake.admission
    for ads in range(1, 17):
        line.learn("cascade", ads, ads / 1000)
        line.learn("early", ads, ads / 1000)
    for _ in range(waiting):
        line.joined(1)
    yield line
    line.left(waiting, waiting)


def test_a_crowded_service_refuses_at_once_and_records_nothing(serve: Serve, tmp_path: Path) -> None:
    with serve(ADVERDICT_MAX_WAIT_MS="250") as client:
        with crowded():
            # Not read, so not parsed either: the body's mistakes are not told.
            answers = [client.post("/v1/score", json=ad()), client.post("/v1/score", json={}), client.post("/v1/score/batch", json={})]
            probes = [client.get("/livez").status_code, client.get("/readyz").status_code]
        after = client.post("/v1/score", json=ad(ad_id="after"))
        counted = samples(client.get("/metrics").text)
    for answer in answers:
        error = ErrorBody.model_validate(answer.json()).error
        assert (answer.status_code, error.code, answer.headers["retry-after"]) == (429, "overloaded", "1")
    assert (probes, after.status_code) == ([200, 200], 200)
    assert counted[key("turned_away_requests_total", cause="overloaded")] == 3
    assert [made.ad.ad_id for made in decisions(tmp_path)] == ["after"]


def test_a_large_batch_is_refused_by_its_ads_when_single_ads_are_not(serve: Serve) -> None:
    with serve(ADVERDICT_MAX_WAIT_MS="250") as client, crowded(waiting=0) as line:
        for _ in range(2):
            line.joined(400)
        single = client.post("/v1/score", json=ad())
        batch = client.post("/v1/score/batch", json={"ads": [ad(ad_id=f"a{number}") for number in range(256)]})
        line.left(2, 800)
    assert (single.status_code, batch.status_code, batch.json()["error"]["code"]) == (200, 429, "overloaded")


def test_a_deadline_that_cannot_be_met_is_told_before_anything_is_decided(serve: Serve, tmp_path: Path) -> None:
    with serve(ADVERDICT_MAX_WAIT_MS="60000") as client:
        with crowded():
            late = client.post("/v1/score", json=ad(), headers={"X-Request-Timeout-Ms": "50"})
        in_time = client.post("/v1/score", json=ad(ad_id="in-time"), headers={"X-Request-Timeout-Ms": "60000"})
        counted = samples(client.get("/metrics").text)
    assert (late.status_code, late.json()["error"]["code"]) == (429, "deadline_missed")
    assert int(late.headers["retry-after"]) >= 1
    assert in_time.status_code == 200
    assert counted[key("turned_away_requests_total", cause="deadline_missed")] == 1
    assert [made.ad.ad_id for made in decisions(tmp_path)] == ["in-time"]


@pytest.mark.parametrize("told", ["0", "-1", "1.5", "80ms", "", "600001", "9" * 30])
def test_a_deadline_that_is_no_time_is_refused_with_its_value(client: TestClient, told: str) -> None:
    answer = client.post("/v1/score", json=ad(), headers={"X-Request-Timeout-Ms": told})
    error = answer.json()["error"]
    assert (answer.status_code, error["field"], error["value"]) == (400, "X-Request-Timeout-Ms", told)
    assert "milliseconds from 1 to 600000" in error["expected"]


def test_what_bentoml_declares_is_answered_by_our_application(client: TestClient, service: object) -> None:
    declared = client.get("/schema.json").json()["routes"]
    assert sorted(route["route"] for route in declared) == ["/v1/score", "/v1/score/batch"]
    for route in declared:
        assert client.post(route["route"], json={}).json()["error"]["code"] == "invalid_input"
