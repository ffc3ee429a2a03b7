"""What a service says of itself while it starts, without a model, and without a registry."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from adverdict.domain.errors import Unavailable
from adverdict.serving.worker.readiness import Readiness
from tests.scoring.ads import ad
from tests.scoring.fakes import FakeRegistry
from tests.serving.conftest import Serve, until


class SlowRegistry(FakeRegistry):
    def __init__(self) -> None:
        super().__init__()
        self.go = threading.Event()

    def resolve(self, model: str) -> str:
        self.go.wait(10)
        return super().resolve(model)


@pytest.fixture
def slow() -> SlowRegistry:
    return SlowRegistry()


class TestStarting:
    @pytest.fixture
    def registry(self, slow: SlowRegistry) -> FakeRegistry:
        return slow

    def test_nothing_is_ready_before_a_model_was_tried_and_everything_after(self, serve: Serve, slow: SlowRegistry) -> None:
        with serve(wait=False) as client:
            before, score = client.get("/readyz"), client.post("/v1/score", json=ad())
            alive = client.get("/livez")
            slow.go.set()
            until(lambda: client.get("/readyz").status_code == 200)
            after = client.get("/readyz")
        assert (before.status_code, before.json()["status"], alive.status_code) == (503, "starting", 200)
        assert (score.status_code, score.json()["error"]["code"], score.headers["retry-after"]) == (503, "unavailable", "1")
        ready = Readiness.model_validate(after.json())
        assert (ready.serving, ready.bundle_version, ready.policies, ready.swaps) == (
            "models:/adverdict/1",
            "v1",
            ("deceptive", "gambling"),
            1,
        )

    def test_bad_input_is_told_even_then(self, serve: Serve, slow: SlowRegistry) -> None:
        with serve(wait=False) as client:
            assert client.post("/v1/score", json={}).status_code == 400
            slow.go.set()


def test_without_a_model_people_decide_everything(serve: Serve, registry: FakeRegistry) -> None:
    registry.champion = "none"  # no such version: nothing can be fetched
    with serve() as client:
        ready = client.get("/readyz")
        decision = client.post("/v1/score", json=ad(title="Fresh bread")).json()
    assert (ready.status_code, ready.json()["status"]) == (503, "no_model")
    assert (decision["verdict"], decision["bundle_version"]) == ("review", None)
    assert "no_model" in decision["degraded"]


def test_a_registry_that_goes_away_degrades_decisions_and_stops_none(serve: Serve, registry: FakeRegistry) -> None:
    with serve() as client:
        registry.away = Unavailable("no answer")
        until(lambda: client.get("/readyz").json()["degraded"] != [])
        during = client.post("/v1/score", json=ad(title="Fresh bread")).json()
        ready = client.get("/readyz").status_code
        registry.away = None
        until(lambda: client.get("/readyz").json()["degraded"] == [])
        after = client.post("/v1/score", json=ad(title="Fresh bread")).json()
    assert (during["verdict"], during["degraded"], during["bundle_version"], ready) == ("approve", ["registry_unreachable"], "v1", 200)
    assert (after["verdict"], after["degraded"]) == ("approve", [])


def test_a_restart_without_the_registry_serves_the_last_good_bundle(serve: Serve, registry: FakeRegistry, tmp_path: Path) -> None:
    with serve():
        pass
    registry.away = Unavailable("no answer")
    with serve() as client:
        ready = client.get("/readyz")
        decision = client.post("/v1/score", json=ad(title="Fresh bread")).json()
    assert (ready.status_code, ready.json()["serving"]) == (200, "models:/adverdict/1")
    assert (decision["verdict"], decision["degraded"]) == ("approve", ["registry_unreachable"])


def test_a_body_without_a_length_is_cut_off_at_the_limit(serve: Serve) -> None:
    with serve(ADVERDICT_MAX_BODY_BYTES="5000") as client:
        answer = client.post("/v1/score", content=iter([b"x" * 1000] * 100), headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "body_too_large")


def test_a_worker_that_no_longer_follows_the_champion_asks_to_be_restarted(serve: Serve, service: Any) -> None:
    from adverdict.serving.service import slot

    with serve() as client:
        assert client.get("/livez").status_code == 200
        assert slot.runtime is not None
        slot.runtime.champion.stop()
        assert client.get("/livez").status_code == 503


def test_a_service_that_leaves_everything_to_people_is_ready_and_says_why(serve: Serve) -> None:
    with serve() as client:
        assert client.get("/readyz").json()["degraded"] == []
        client.post("/v1/brakes", json={"side": "both", "why": "a wave of scams"})
        answer = client.get("/readyz")
        assert (answer.status_code, answer.json()["status"], answer.json()["degraded"]) == (200, "ready", ["no_usable_threshold:brake"])
