"""Every page of the console with every scope, and every form of it as a stranger would send it."""

from __future__ import annotations

import hashlib

import pytest
from starlette.testclient import TestClient

from adverdict.domain.keys import SCOPES, ApiKey
from adverdict.serving.console.app import routes
from adverdict.serving.console.parts import Parts
from adverdict.serving.console.rendering import HOME
from tests.serving.console.conftest import Visitor, log_in, token

EVERYBODY = frozenset({"nobody", "review", "policy", "plan", "admin"})
REVIEW, POLICY, PLAN = frozenset({"review", "admin"}), frozenset({"policy", "admin"}), frozenset({"policy", "plan", "admin"})
EITHER = REVIEW | POLICY
OPENS = {
    "GET ": EVERYBODY,
    "GET /": EVERYBODY,
    "GET /login": EVERYBODY,
    "POST /login": EVERYBODY,
    "POST /logout": EVERYBODY,
    "GET /static/{name}": EVERYBODY,
    "GET /review": REVIEW,
    "GET /review/day": REVIEW,
    "GET /review/next": REVIEW,
    "POST /review/answer": REVIEW,
    "POST /review/renew": REVIEW,
    "POST /review/release": REVIEW,
    "GET /today": POLICY,
    "GET /queues": EITHER | PLAN,
    "GET /decisions": EITHER,
    "GET /decisions.csv": EITHER,
    "POST /decisions/search": EITHER,
    "GET /decisions/{decision_id}": EITHER,
    "GET /decisions/{decision_id}/letter": EITHER,
    "POST /decisions/{decision_id}/appeal": POLICY,
    "POST /decisions/{decision_id}/lift": POLICY,
    "GET /decisions/{decision_id}/unwind": POLICY,
    "POST /decisions/{decision_id}/unwound": POLICY,
    "GET /decisions/{decision_id}/{what}": EITHER,
    "GET /creative/{content}/{number}": EITHER,
    "GET /policies": POLICY,
    "GET /models": POLICY,
    "GET /models/report": POLICY,
    "GET /models/certificates": POLICY,
    "GET /quality": POLICY,
    "GET /health": POLICY,
    "GET /alarms/{alarm}": POLICY,
    "POST /alarms/{alarm}/move": POLICY,
    "GET /emerging": POLICY,
    "POST /emerging/{case}/move": POLICY,
    "POST /emerging/{case}/label": POLICY,
    "POST /emerging/probing/{probing}/end": POLICY,
    "GET /launches": POLICY,
    "POST /launches/check": POLICY,
    "GET /rollouts": POLICY,
    "GET /rollouts/draft": POLICY,
    "POST /rollouts/propose": POLICY,
    "GET /rollouts/{rollout}": POLICY,
    "POST /rollouts/{rollout}/repair": POLICY,
    "POST /rollouts/{rollout}/sign": POLICY,
    "POST /rollouts/{rollout}/advance": POLICY,
    "POST /rollouts/{rollout}/pause": POLICY,
    "POST /rollouts/{rollout}/resume": POLICY,
    "POST /rollouts/{rollout}/abort": POLICY,
    "GET /workforce": PLAN,
    "GET /workforce/scenario": PLAN,
    "POST /workforce/save": PLAN,
    "GET /changes": POLICY,
    "POST /changes/retry": POLICY,
    "POST /changes/drop": POLICY,
    "GET /brakes": POLICY,
    "POST /brakes/on": POLICY,
    "POST /brakes/off": POLICY,
}
"""Address below ``/console`` -> whose page it is, by the one scope of their key."""
ELSEWHERE = ("203.0.113.9", 4444)
ADDRESSES = [(method, route.path.removeprefix(HOME)) for route in routes() for method in sorted((route.methods or set()) - {"HEAD"})]
FORMS = [path for method, path in ADDRESSES if method == "POST" and path != "/login"]


def key_of(scope: str) -> str:
    return f"adv_console-{scope}"


@pytest.fixture
def keyed(empty: Parts) -> Parts:
    keys = tuple(ApiKey(scope, frozenset([scope]), hashlib.sha256(key_of(scope).encode()).hexdigest()) for scope in SCOPES)
    return Parts(**{**vars(empty), "api_keys": keys})


def named(path: str) -> str:
    for name in ("decision_id", "what", "content", "number", "alarm", "case", "probing", "rollout", "name"):
        path = path.replace(f"{{{name}}}", "none")
    return HOME + path


def let_in(client: TestClient, method: str, path: str, csrf: str) -> str:
    answer = client.request(method, named(path), data={"csrf": csrf} if method == "POST" else None)
    if answer.status_code == 403:
        return "refused"
    return "log in" if answer.status_code == 303 and answer.headers["location"] == f"{HOME}/login" else "in"


def test_every_page_is_in_the_table_and_nothing_else_is() -> None:
    assert sorted(f"{method} {path}" for method, path in ADDRESSES) == sorted(OPENS)


@pytest.mark.parametrize("who", ["nobody", "review", "policy", "plan", "admin"])
def test_each_page_lets_in_whom_it_is_for_and_nobody_else(who: str, keyed: Parts, visit: Visitor) -> None:
    client, csrf = visit(keyed, ELSEWHERE), ""
    if who != "nobody":
        log_in(client, key_of(who))
        csrf = csrf_of(client)
    wrong = []
    for method, path in ADDRESSES:
        if path in ("", "/", "/login", "/logout"):
            continue  # these are for logging in and out
        found = let_in(client, method, path, csrf)
        expected = "in" if who in OPENS[f"{method} {path}"] else "log in" if who == "nobody" else "refused"
        if found != expected:
            wrong.append((method, path, found, expected))
    assert wrong == []


def csrf_of(client: TestClient) -> str:
    return token(client, f"{HOME}/queues")


@pytest.mark.parametrize("scope", ["score", "label", "metrics"])
def test_a_key_of_a_machine_opens_no_page(scope: str, keyed: Parts, visit: Visitor) -> None:
    client = visit(keyed, ELSEWHERE)
    answer = client.post(f"{HOME}/login", data={"csrf": token(client, f"{HOME}/login"), "key": key_of(scope)})
    assert (answer.status_code, "opens no page here" in answer.text) == (403, True)


def test_no_form_is_believed_that_a_stranger_could_have_sent(keyed: Parts, visit: Visitor) -> None:
    """Without a token, with another session's, and with the right one from another site; the session's cookie comes along each time."""
    other = token(log_in(visit(keyed, ELSEWHERE), key_of("admin")), f"{HOME}/brakes")
    client = log_in(visit(keyed, ELSEWHERE), key_of("admin"))
    own = token(client, f"{HOME}/brakes")
    assert own != other
    before, believed = keyed.ledger.end(), []
    for path in FORMS:
        for why, csrf, headers in (
            ("no token", "", {}),
            ("another session's token", other, {}),
            ("another site", own, {"sec-fetch-site": "cross-site"}),
            ("another origin", own, {"origin": "https://evil.example"}),
            ("no origin", own, {"origin": "null"}),
        ):
            answer = client.post(named(path), data={"csrf": csrf, "to": "x"}, headers=headers)
            if answer.status_code != 403:
                believed.append((path, why, answer.status_code))
    assert believed == []
    assert keyed.ledger.end() == before


def test_a_form_that_is_no_form_is_refused(keyed: Parts, visit: Visitor) -> None:
    client = log_in(visit(keyed, ELSEWHERE), key_of("admin"))
    for path in FORMS:
        assert client.post(named(path), json={"csrf": "x"}).status_code == 400, path
