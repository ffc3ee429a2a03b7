"""The brakes page, and the banner that every page has while one is on."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest
from starlette.testclient import TestClient

from adverdict.domain.keys import ApiKey
from adverdict.ledger.in_force.steering import brakes_on
from adverdict.serving.console.parts import Parts
from adverdict.serving.console.rendering import TABS
from tests.ledger.made import an_ad, append_decisions, decided
from tests.serving.console.conftest import Visitor, log_in, token


def put_on(client: TestClient, **told: str) -> int:
    fields = {"side": "approve", "policy": "", "market": "", "surface": "", "why": "a wave <b>of</b> clones", **told}
    return client.post("/console/brakes/on", data={"csrf": token(client, "/console/brakes"), **fields}).status_code


def on(parts: Parts) -> list[str]:
    with parts.ledger.look() as connection:
        return [entry.entry_id for entry, _ in brakes_on(connection)]


def test_a_brake_is_put_on_and_released_on_its_page(empty: Parts, visit: Visitor) -> None:
    client = log_in(visit(empty))
    assert "None: thresholds decide." in client.get("/console/brakes").text
    assert put_on(client, market="SE", policy="gambling") == 303
    [brake_id] = on(empty)
    text = client.get("/console/brakes").text
    assert [
        one for one in ("approving under gambling in SE", brake_id, "local", "a wave &lt;b&gt;of&lt;/b&gt; clones") if one not in text
    ] == []
    answer = client.post("/console/brakes/off", data={"csrf": token(client, "/console/brakes"), "brake": brake_id, "why": "gone"})
    assert (answer.status_code, on(empty)) == (303, [])


@pytest.mark.parametrize("path", [tab.path for tab in TABS])
def test_every_page_says_that_a_brake_is_on(path: str, empty: Parts, visit: Visitor) -> None:
    client = log_in(visit(empty))
    assert "Left to people" not in client.get(path).text.partition("<main")[0]
    put_on(client, side="both")
    assert "Left to people: deciding anything anywhere." in client.get(path).text.partition("<main")[0]


def test_what_would_hold_nowhere_is_refused(empty: Parts, visit: Visitor) -> None:
    client = log_in(visit(empty))
    assert put_on(client, market="ZZ") == 400
    assert put_on(client, why=" ") == 400
    assert on(empty) == []


@pytest.mark.parametrize(("scopes", "status"), [("review", 403), ("policy", 200), ("admin", 200)])
def test_the_page_is_for_policy_and_admin(scopes: str, status: int, empty: Parts, visit: Visitor) -> None:
    key = ApiKey("somebody", frozenset({scopes}), hashlib.sha256(b"key").hexdigest())
    client = log_in(visit(replace(empty, api_keys=(key,))), "key")
    assert client.get("/console/brakes").status_code == status


def test_a_form_of_another_site_puts_nothing_on(empty: Parts, visit: Visitor) -> None:
    client = log_in(visit(empty))
    assert client.post("/console/brakes/on", data={"side": "both", "why": "x", "csrf": "forged"}).status_code == 403
    assert on(empty) == []


def test_a_brake_says_how_many_ads_it_holds_back(empty: Parts, visit: Visitor) -> None:
    client = log_in(visit(empty))
    put_on(client, side="both")
    [brake_id] = on(empty)
    held = [decided(an_ad(number), decision_id=f"dec-held-{number}") for number in range(3)]
    stopped = [
        one.model_copy(update={"decision": one.decision.model_copy(update={"degraded": (f"brake:{brake_id}",)})}) for one in held[:2]
    ]
    append_decisions(empty.ledger, *stopped, held[2])
    text = " ".join(client.get("/console/brakes").text.split())
    assert "<td>2</td>" in text
    assert "among the 3 decisions since" in text
