"""Over HTTP: a brake is in force with the next request, may be put on by few, and is told by everything that tells of it."""

from __future__ import annotations

import hashlib
from typing import Any

from starlette.testclient import TestClient

from tests.scoring.ads import ad
from tests.serving.conftest import Serve, until
from tests.serving.test_metrics import key, samples

KEYS = ",".join(f"{name}:{name}:{hashlib.sha256(name.encode()).hexdigest()}" for name in ("score", "label", "review", "policy", "admin"))
EVERYWHERE = {"side": "approve", "why": "a wave of cloned shops"}


def verdict(client: TestClient, title: str = "Fresh bread", **headers: str) -> str:
    return str(client.post("/v1/score", json=ad(title=title), headers=headers).json()["verdict"])


def on(client: TestClient) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.get("/v1/brakes").json()["brakes"]
    return found


def test_a_brake_stops_its_side_from_the_next_request_on_until_it_is_released(serve: Serve) -> None:
    with serve() as client:
        assert (verdict(client), verdict(client, "scam")) == ("approve", "reject")
        put_on = client.post("/v1/brakes", json=EVERYWHERE).json()
        assert (verdict(client), verdict(client, "scam")) == ("review", "reject")
        answer = client.post("/v1/score", json=ad(title="Fresh bread")).json()
        assert answer["degraded"] == [f"brake:{put_on['brake_id']}"], "once, for both policies"
        assert answer["history_seq"] >= put_on["seq"]
        assert on(client) == [put_on]
        assert put_on | {"since": ""} == {
            "brake_id": put_on["brake_id"], "seq": put_on["seq"], "side": "approve",
            "policy": None, "market": None, "surface": None, "cluster": None,
            "why": "a wave of cloned shops", "by": "local", "since": "",
        }  # fmt: skip
        released = client.post("/v1/brakes/release", json={"brake_id": put_on["brake_id"], "why": "they are gone"}).json()
        assert released["seq"] > put_on["seq"]
        assert (verdict(client), on(client)) == ("approve", [])


REFUSED = [
    ({"side": "approve"}, "why"),
    ({"side": "stop", "why": "x"}, "side"),
    ({**EVERYWHERE, "policy": "gambing"}, "policy"),
    ({**EVERYWHERE, "market": "FR"}, "market"),
    ({**EVERYWHERE, "until": "tomorrow"}, "until"),
]


def test_what_would_hold_nowhere_or_is_not_on_is_refused(serve: Serve) -> None:
    with serve() as client:
        answers = [client.post("/v1/brakes", json=body) for body, _ in REFUSED]
        assert [(answer.status_code, answer.json()["error"]["field"]) for answer in answers] == [(400, field) for _, field in REFUSED]
        assert on(client) == []
        assert client.post("/v1/brakes/release", json={"brake_id": "brk-0", "why": "x"}).status_code == 404


def test_the_same_key_puts_on_and_releases_once(serve: Serve) -> None:
    with serve() as client:
        first, again = (client.post("/v1/brakes", json=EVERYWHERE, headers={"idempotency-key": "1"}).json() for _ in range(2))
        assert first == again
        body = {"brake_id": first["brake_id"], "why": "they are gone"}
        offs = [client.post("/v1/brakes/release", json=body, headers={"idempotency-key": "2"}) for _ in range(2)]
        assert [off.status_code for off in offs] == [200, 200]
        assert offs[0].json() == offs[1].json()
        assert client.post("/v1/brakes/release", json=body).status_code == 409
        late = client.post("/v1/brakes", json=EVERYWHERE, headers={"idempotency-key": "1"}).json()
        assert (late, on(client)) == (first, []), "a request that was lost on its way puts nothing on again"


def test_only_policy_and_admin_may(serve: Serve) -> None:
    with serve(ADVERDICT_API_KEYS=KEYS) as client:
        told = {}
        for name in ("score", "label", "review", "policy", "admin"):
            headers = {"authorization": f"Bearer {name}"}
            put_on = client.post("/v1/brakes", json=EVERYWHERE, headers=headers)
            told[name] = (put_on.status_code, client.get("/v1/brakes", headers=headers).status_code)
        assert told == {"score": (403, 403), "label": (403, 403), "review": (403, 403), "policy": (200, 200), "admin": (200, 200)}
        refused = client.get("/v1/brakes", headers={"authorization": "Bearer score"}).json()["error"]
        assert refused["message"] == "key score does not have scope policy or admin"


def test_brakes_that_are_on_are_counted_by_side(serve: Serve) -> None:
    with serve() as client:
        for side in ("approve", "reject"):
            client.post("/v1/brakes", json={**EVERYWHERE, "side": side})
        client.post("/v1/brakes", json={**EVERYWHERE, "market": "SE"})

        def counted() -> list[float]:
            got = samples(client.get("/metrics").text)
            return [got.get(key("brakes", side=side), -1) for side in ("approve", "reject", "both")]

        until(lambda: counted() == [2, 1, 0])
