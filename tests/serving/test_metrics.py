"""What is counted, and that nobody can make the list longer."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from adverdict.decisions.policy import PolicyInForce, Thresholds, WhenUncertified
from adverdict.domain.errors import Unavailable
from adverdict.serving.worker.metrics import Metrics
from tests.decisions.build import POLICY, WHEN, book, decided
from tests.scoring.ads import ad
from tests.scoring.fakes import FakeRegistry
from tests.serving.conftest import Serve, until

Sample = tuple[str, frozenset[tuple[str, str]]]


def samples(text: str) -> dict[Sample, float]:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def key(name: str, **labels: str) -> Sample:
    return (f"adverdict_{name}", frozenset(labels.items()))


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
    assert got[key("uncertified_decisions_total", reason="missing", market="SE")] == 2
    assert got[key("refused_ads_total")] == 1
    assert got[key("request_seconds_count", route="/v1/score/batch", status="200")] == 1


def test_unfamiliar_ads_are_counted_by_what_is_strange(serve: Serve) -> None:
    with serve() as client:
        client.post("/v1/score", json=ad(title="strange bread"))
        got = samples(client.get("/metrics").text)
    assert got[key("unfamiliar_decisions_total", kind="text", market="SE")] == 1


MISSING = POLICY
EXPIRED = replace(POLICY, name="adult", thresholds=Thresholds(0.08, 0.9, "cert-1", WHEN))
VALID = replace(POLICY, name="adult", thresholds=Thresholds(0.08, 0.9, "cert-1", WHEN + timedelta(days=1)))
UNUSED = replace(EXPIRED, when_uncertified=WhenUncertified.REVIEW)


@pytest.mark.parametrize(
    ("policies", "reasons"),
    [
        ([VALID], []),
        ([MISSING], ["missing"]),
        ([EXPIRED], ["expired"]),
        ([MISSING, EXPIRED], ["expired", "missing"]),
        ([MISSING, VALID], ["missing"]),
        ([UNUSED], []),
        ([MISSING, UNUSED], ["missing"]),
    ],
)
def test_an_uncertified_decision_is_counted_by_what_is_wrong_with_the_certificates(
    policies: list[PolicyInForce], reasons: list[str]
) -> None:
    metrics = Metrics(book(policies))
    decision = decided(policies, {policy.name: 0.01 for policy in policies})
    metrics.count([decision, decision])
    got = samples(metrics.render().decode())
    counted = {reason: got.get(key("uncertified_decisions_total", reason=reason, market="SE"), 0) for reason in ("expired", "missing")}
    assert [reason for reason, n in counted.items() if n == 2] == reasons
    assert sum(counted.values()) == 2 * len(reasons)
    assert decision.uncertified is bool(reasons)


@pytest.mark.parametrize(
    ("p", "share", "verdict", "counted"), [(0.01, 1, "approve", 1), (0.95, 1, "reject", 1), (0.5, 1, "review", 0), (0.01, 0, "approve", 0)]
)
def test_audited_decisions_are_counted_by_verdict(p: float, share: float, verdict: str, counted: int) -> None:
    policies = [replace(POLICY, audit_share=share)]
    metrics = Metrics(book(policies))
    metrics.count([decided(policies, {"gambling": p})])
    got = samples(metrics.render().decode())
    assert got.get(key("audited_decisions_total", verdict=verdict, market="SE"), 0) == counted
    assert sum(n for (name, _), n in got.items() if name == "adverdict_audited_decisions_total") == counted


def test_every_metric_is_documented_with_its_labels() -> None:
    text = (Path(__file__).parents[2] / "docs" / "serving.md").read_text(encoding="utf-8")
    documented = {
        name: re.findall(r"`(\w+)`", labels) for name, labels in re.findall(r"^\| `(adverdict_\w+)` \|([^|]*)\|", text, re.MULTILINE)
    }
    metrics = vars(Metrics(book([POLICY])))
    assert documented == {m._name: list(m._labelnames) for m in metrics.values() if hasattr(m, "_labelnames")}


def test_the_bundle_in_service_and_swaps_are_told(serve: Serve, registry: FakeRegistry) -> None:
    with serve() as client:
        registry.bundles["2"], registry.champion = {"version": "v2"}, "2"
        until(lambda: client.get("/readyz").json()["bundle_version"] == "v2")
        registry.away = Unavailable("no answer")
        until(lambda: client.get("/readyz").json()["degraded"] != [])
        got = samples(client.get("/metrics").text)
    assert got[key("bundle_workers", source="models:/adverdict/1", version="v1")] == 0
    assert got[key("bundle_workers", source="models:/adverdict/2", version="v2")] == 1
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
