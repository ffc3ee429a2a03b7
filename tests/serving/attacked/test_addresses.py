"""Every address of the service with every scope, with no key and with a wrong one: let in, or refused with 401 or 403, as written here."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.routing import Route
from starlette.testclient import TestClient

from adverdict.benchmarks.fuzz.mutator import STARTS_A_PROCESS
from adverdict.domain.keys import SCOPES
from adverdict.serving.http.app import ENDPOINTS
from tests.scoring.fakes import FakeRegistry
from tests.serving.conftest import another, served, usual

ELSEWHERE = ("203.0.113.9", 40000)
ANYBODY = frozenset({"nobody", *SCOPES})
PUBLIC = ANYBODY
OPENS = {
    "GET /livez": ANYBODY,
    "GET /readyz": ANYBODY,
    "GET /healthz": ANYBODY,
    "GET /docs": PUBLIC,
    "GET /docs.json": PUBLIC,
    "GET /static_content/{file:path}": PUBLIC,
    "GET /schema.json": PUBLIC,
    "GET /": PUBLIC,
    "GET /favicon.ico": PUBLIC,
    "GET /console": PUBLIC,  # who may see which of its pages is a table of its own
    "GET /console/{page:path}": PUBLIC,
    "GET /metrics": {"metrics", "admin"},
    "POST /v1/score": {"score"},
    "POST /v1/score/batch": {"score"},
    "POST /v1/check": {"score"},
    "GET /v1/decisions/{decision_id:path}": {"score"},
    "POST /v1/labels": {"label"},
    "POST /v1/appeals": {"score"},
    "GET /v1/changes": {"score", "admin"},
    "POST /v1/reports": {"score"},
    "POST /v1/signals": {"score"},
    "GET /v1/brakes": {"policy", "admin"},
    "POST /v1/brakes": {"policy", "admin"},
    "POST /v1/brakes/release": {"policy", "admin"},
    "GET /v1/strikes/{advertiser_id:path}": {"policy", "admin"},
    "POST /v1/strikes/lift": {"policy", "admin"},
    "GET /v1/rollouts": {"policy", "admin"},
    "GET /v1/rollouts/{rollout}": {"policy", "admin"},
    "POST /v1/rollouts/sign": {"policy", "admin"},
    "POST /v1/rollouts/advance": {"policy", "admin"},
    "POST /v1/rollouts/pause": {"policy", "admin"},
    "POST /v1/rollouts/resume": {"policy", "admin"},
    "POST /v1/rollouts/abort": {"policy", "admin"},
    "GET /v1/alarms": {"policy", "admin"},
    "GET /v1/health": {"policy", "admin"},
    "GET /v1/launches": {"plan", "policy", "admin"},
    "GET /v1/workforce/forecast": {"plan", "policy", "admin"},
    "GET /v1/workforce/staffing": {"plan", "policy", "admin"},
    "GET /v1/workforce/plans": {"plan", "policy", "admin"},
    "POST /v1/workforce/plans": {"plan", "policy", "admin"},
    "GET /v1/workforce/events": {"plan", "policy", "admin"},
    "POST /v1/workforce/events": {"plan", "policy", "admin"},
}
"""Address -> who is let in, by the one scope of their key; ``nobody``: who has none."""


def key_of(scope: str) -> str:
    return f"adv_key-with-scope-{scope}"


@pytest.fixture(scope="module")
def keyed(service: Any, app: Any, policy_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    keys = ",".join(f"{scope}:{scope}:{hashlib.sha256(key_of(scope).encode()).hexdigest()}" for scope in SCOPES)
    with served(
        service, app, FakeRegistry(), {**usual(tmp_path_factory.mktemp("home"), policy_folder), "ADVERDICT_API_KEYS": keys}
    ) as caller:
        yield another(caller, client=ELSEWHERE)


def addresses(app: Any) -> list[tuple[str, str]]:
    """Method and path of every route, and nothing that is only found at once."""
    routes = [route for route in app.router.routes if isinstance(route, Route)]
    return [(method, route.path) for route in routes for method in sorted((route.methods or {"GET"}) - {"HEAD"})]


def test_every_address_is_in_the_table_and_nothing_else_is(app: Any) -> None:
    assert sorted(f"{method} {path}" for method, path in addresses(app)) == sorted(OPENS)
    assert {f"{one.method} {one.path}" for one in ENDPOINTS} <= OPENS.keys()


def test_each_address_lets_in_whom_it_is_for_and_nobody_else(app: Any, keyed: TestClient) -> None:
    wrong = []
    for method, path in addresses(app):
        opens = OPENS[f"{method} {path}"]
        for who in ("nobody", *SCOPES):
            if path in STARTS_A_PROCESS and who in opens:
                continue  # worked out in a process of its own, for half a minute
            headers = {} if who == "nobody" else {"authorization": f"Bearer {key_of(who)}"}
            named = path.replace("{decision_id:path}", "dec-0").replace("{rollout}", "rol-0").replace("{file:path}", "no.js")
            answer = keyed.request(
                method, named.replace("{page:path}", "login"), headers=headers, content=b"no JSON", follow_redirects=False
            )
            expected = "in" if who in opens else 401 if who == "nobody" else 403
            if (answer.status_code if answer.status_code in (401, 403) else "in") != expected:
                wrong.append((method, path, who, answer.status_code, expected))
            if answer.status_code >= 500:
                wrong.append((method, path, who, answer.status_code, "no error of ours"))
    assert wrong == []


def test_a_wrong_key_opens_what_no_key_opens(app: Any, keyed: TestClient) -> None:
    caller = another(keyed, client=("203.0.113.77", 40000))
    answer = caller.post("/v1/labels", headers={"x-api-key": "adv_wrong"}, content=b"no JSON")
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "unauthenticated")


@pytest.mark.parametrize(
    "path",
    [
        "/static_content/../../etc/passwd",
        "/static_content/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
        "/static_content/..%2f..%2f..%2fetc%2fpasswd",
        "/static_content//etc/passwd",
        "/console/static/..%2f..%2f..%2fetc%2fpasswd",
        "/console/static/%2fetc%2fpasswd",
        "/console/creative/..%2f..%2fetc/0",
        "/v1/rollouts/..%2f..%2fetc%2fpasswd",
        "/v1/decisions/../../../etc/passwd",
        "/v1/decisions/%2e%2e%2f%00",
    ],
)
def test_no_address_leads_out_of_its_folder(keyed: TestClient, path: str) -> None:
    for headers in ({}, {"authorization": f"Bearer {key_of('admin')}"}):
        answer = keyed.get(path, headers=headers, follow_redirects=False)
        assert answer.status_code in (303, 307, 400, 401, 403, 404)
        assert "root:" not in answer.text
        assert answer.headers.get("location", "/console").startswith("/console")


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8377", "127.0.0.1:8377@evil.example", "evil.example/", "[::1", ""])
@pytest.mark.parametrize(
    "path", ["/", "/console", "/console/", "//evil.example", "/console//evil.example", "/v1/score/", "/console/login?next=//evil.example"]
)
def test_no_redirect_leads_elsewhere(keyed: TestClient, path: str, host: str) -> None:
    answer = keyed.get(path, headers={"host": host, "accept": "text/html", "x-forwarded-host": "evil.example"}, follow_redirects=False)
    to = answer.headers.get("location", "/")
    assert to.startswith("/")
    assert not to.startswith("//")
    assert "evil" not in to
