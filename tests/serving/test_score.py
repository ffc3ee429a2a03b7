"""One ad and many over HTTP."""

from __future__ import annotations

import json
from typing import Any

import pytest
from starlette.testclient import TestClient

from adverdict.domain.decision import Decision
from adverdict.serving.http.incoming import explained
from tests.scoring.ads import ad


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({"title": "Fresh bread"}, "approve"),
        ({"title": "scam"}, "reject"),
        ({"market": "FR"}, "review"),  # no policy file knows this market
    ],
)
def test_an_ad_gets_the_verdict_of_its_risk(client: TestClient, changes: dict[str, str], verdict: str) -> None:
    answer = client.post("/v1/score", json=ad(**changes))
    assert answer.status_code == 200
    decision = Decision.model_validate(answer.json())
    assert (decision.ad_id, decision.verdict, decision.bundle_version) == ("ad-1001", verdict, "v1")


def test_a_rejection_says_why_and_what_the_advertiser_reads(client: TestClient) -> None:
    decision = client.post("/v1/score?explain=stopped", json=ad(title="scam")).json()
    assert {reason["policy"] for reason in decision["reasons"]} == {"deceptive", "gambling"}
    assert decision["policies"][0]["advertiser_reason"] == "The ad is deceptive."
    assert decision["uncertified"] is True


@pytest.mark.parametrize(
    ("query", "explained"), [("", []), ("?explain=none", []), ("?explain=stopped", ["a"]), ("?explain=all", ["a", "b"])]
)
def test_answers_carry_reasons_where_the_address_asks_for_them(client: TestClient, query: str, explained: list[str]) -> None:
    results = client.post(f"/v1/score/batch{query}", json={"ads": [ad(ad_id="a", title="scam"), ad(ad_id="b")]}).json()["results"]
    assert [one["ad_id"] for one in results if one["reasons"]] == explained


@pytest.mark.parametrize("query", ["explain=some", "explain=", "explain=all&explain=none"])
def test_an_unknown_level_of_explaining_is_refused_with_its_value(client: TestClient, query: str) -> None:
    answer = client.post(f"/v1/score?{query}", json=ad())
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert (error["field"], error["expected"]) == ("explain", "once: all, stopped or none")
    assert error["value"] == ", ".join(part.removeprefix("explain=") for part in query.split("&"))


def test_whoever_looks_at_a_decision_reads_the_reasons_that_nobody_asked_for_before(client: TestClient) -> None:
    decision = client.post("/v1/score", json=ad(title="scam", ad_id="looked-at")).json()
    assert decision["reasons"] == []
    seen = client.get(f"/v1/decisions/{decision['decision_id']}").json()
    asked = client.post("/v1/score?explain=all", json=ad(title="scam", ad_id="looked-at-too")).json()
    assert seen["decision"]["reasons"] == asked["reasons"] != []
    assert seen["reasons_missing"] is None


def test_a_batch_keeps_its_order_and_one_bad_ad_does_not_lose_the_others(client: TestClient) -> None:
    ads = [ad(ad_id="a"), ad(ad_id="b", market="Sweden"), ad(ad_id="c", title="\ud800"), "not an ad", ad(ad_id="e", title="scam")]
    answer = client.post("/v1/score/batch", content=_json({"ads": ads}), headers={"content-type": "application/json"})
    assert answer.status_code == 200
    results = answer.json()["results"]
    assert [r.get("ad_id") for r in results] == ["a", "b", "c", None, "e"]
    assert [r.get("verdict") for r in results] == ["approve", None, None, None, "reject"]
    assert [r["error"]["field"] for r in results if "error" in r] == ["market", "title", "(the whole)"]


def test_a_batch_of_bad_ads_only_is_answered_too(client: TestClient) -> None:
    answer = client.post("/v1/score/batch", json={"ads": [{}, {"ad_id": "x"}]})
    assert answer.status_code == 200
    assert [r["error"]["code"] for r in answer.json()["results"]] == ["invalid_input", "invalid_input"]


@pytest.mark.parametrize("size", [1, 16, 17, 256])
def test_a_batch_of_any_size_gets_one_decision_an_ad(client: TestClient, size: int) -> None:
    answer = client.post("/v1/score/batch", json={"ads": [ad(ad_id=f"ad-{i}") for i in range(size)]})
    assert [r["ad_id"] for r in answer.json()["results"]] == [f"ad-{i}" for i in range(size)]


def test_an_ad_that_cannot_be_scored_does_not_take_its_batch_with_it(client: TestClient) -> None:
    results = client.post("/v1/score/batch", json={"ads": [ad(), ad(ad_id="poison", title="stumble"), ad(title="scam")]}).json()["results"]
    assert [r.get("verdict") for r in results] == ["approve", None, "reject"]
    assert results[1]["ad_id"] == "poison"
    assert results[1]["error"]["code"] == "internal"
    assert "secret" not in str(results[1])


def _json(content: Any) -> bytes:
    return json.dumps(content).encode()


@pytest.mark.parametrize("query", ["é=1", "explain=none&ö", "&&=", "%ff=%fe", "a" * 5000])
def test_whatever_else_an_address_says_is_not_asked_for(query: str) -> None:
    assert explained(query.encode()) == "none"
