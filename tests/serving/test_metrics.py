"""What is counted, and that nobody can make the list longer."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from domain.errors import Unavailable
from tests.serving.conftest import Serve, until
from tests.serving.fakes import FakeRegistry
from tests.serving.test_score import ad

Sample = tuple[str, frozenset[tuple[str, str]]]


def samples(text: str) -> dict[Sample, float]:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def key(name: str, **labels: str) -> Sample:
    return (f"adjudicate_{name}", frozenset(labels.items()))


def test_decisions_are_counted_by_verdict_policy_and_market(serve: Serve) -> None:
    with serve() as client:
        client.post("/v1/score", json=ad(title="scam"))
        client.post("/v1/score/batch", json={"ads": [ad(title="Fresh bread"), {}, ad(market="ZZ")]})
        got = samples(client.get("/metrics").text)
    assert got[key("decisions_total", verdict="reject", market="SE")] == 1
    assert got[key("decisions_total", verdict="approve", market="SE")] == 1
    assert got[key("decisions_total", verdict="review", market="other")] == 1
    assert got[key("policy_verdicts_total", policy="gambling", verdict="reject", market="SE")] == 1
    assert got[key("degraded_decisions_total", cause="unknown_market")] == 1
    assert got[key("uncertified_decisions_total")] == 2
    assert got[key("refused_ads_total")] == 1
    assert got[key("request_seconds_count", route="/v1/score/batch", status="200")] == 1


def test_the_bundle_in_service_and_swaps_are_told(serve: Serve, registry: FakeRegistry) -> None:
    with serve() as client:
        registry.bundles["2"], registry.champion = {"version": "v2"}, "2"
        until(lambda: client.get("/readyz").json()["bundle_version"] == "v2")
        registry.away = Unavailable("no answer")
        until(lambda: client.get("/readyz").json()["degraded"] != [])
        got = samples(client.get("/metrics").text)
    assert got[key("bundle_workers", source="models:/adjudicate/1", version="v1")] == 0
    assert got[key("bundle_workers", source="models:/adjudicate/2", version="v2")] == 1
    assert (got[key("bundle_swaps_total")], got[key("ready_workers")], got[key("degraded_workers", cause="registry_unreachable")]) == (
        2,
        1,
        1,
    )


def test_no_caller_can_add_a_label(serve: Serve) -> None:
    with serve() as client:
        client.get("/metrics")
        before = len(samples(client.get("/metrics").text))
        for i in range(30):
            client.get(f"/nothing/{i}")
            client.post("/v1/score", json=ad(market=f"Z{chr(65 + i % 26)}"))
        after = samples(client.get("/metrics").text)
        for i in range(30):
            client.get(f"/nothing/more/{i}")
            client.post("/v1/score", json=ad(market=f"Y{chr(65 + i % 26)}"))
        assert len(samples(client.get("/metrics").text)) == len(after)
    assert before < len(after)
