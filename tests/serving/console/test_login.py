"""Who gets in, and who stays in."""

from __future__ import annotations

import hashlib
import hmac
import logging
from datetime import timedelta

import pytest
from sqlalchemy import insert, select, update
from starlette.testclient import TestClient

from adverdict.domain.keys import ApiKey, digest_of
from adverdict.ledger.schema import sessions
from adverdict.serving.attempts import ADDRESSES, FREE, Attempts
from adverdict.serving.console.parts import Parts
from adverdict.serving.console.rendering import TABS
from tests.serving.console.conftest import Visitor, log_in, token
from tests.serving.console.filled import NOW, Clock

KEYS = {"ana": "review", "pol": "policy", "adm": "admin", "platform": "score"}
ELSEWHERE = ("203.0.113.9", 4444)


def key_of(name: str) -> str:
    return f"adj_key-of-{name}"


@pytest.fixture
def keyed(empty: Parts) -> Parts:
    keys = tuple(ApiKey(name, frozenset([scope]), hashlib.sha256(key_of(name).encode()).hexdigest()) for name, scope in KEYS.items())
    return Parts(**{**vars(empty), "api_keys": keys})


def test_a_key_is_exchanged_for_a_cookie_that_scripts_and_other_sites_cannot_use(keyed: Parts, visit: Visitor) -> None:
    client = visit(keyed, ELSEWHERE, "risk.example")
    answer = client.post("/console/login", data={"csrf": token(client, "/console/login"), "key": key_of("ana")})
    cookie = next(value for value in answer.headers.get_list("set-cookie") if value.startswith("adverdict_session="))
    assert answer.status_code == 303
    assert {"HttpOnly", "SameSite=strict", "Path=/console"} <= set(cookie.split("; "))
    assert "Secure" not in cookie


def test_behind_https_the_cookie_is_sent_over_https_only(keyed: Parts, visit: Visitor) -> None:
    client = visit(keyed, ELSEWHERE, "risk.example")
    csrf = token(client, "/console/login")
    answer = client.post("/console/login", data={"csrf": csrf, "key": key_of("ana")}, headers={"x-forwarded-proto": "https"})
    assert all("Secure" in value for value in answer.headers.get_list("set-cookie") if value.startswith("adverdict_session="))


def test_the_database_holds_neither_key_nor_cookie(keyed: Parts, visit: Visitor) -> None:
    client = log_in(visit(keyed, ELSEWHERE), key_of("ana"))
    cookie = client.cookies["adverdict_session"]
    with keyed.ledger.look() as connection:
        row = connection.execute(select(sessions)).one()
    assert row.token == hmac.digest(digest_of(key_of("ana").encode()).encode(), cookie.encode(), "sha256")
    assert cookie not in str(row)
    assert key_of("ana") not in str(row)


@pytest.mark.parametrize(
    ("name", "opened"),
    [
        ("ana", {"Review", "Queues", "Decisions"}),
        (
            "pol",
            {
                "Today",
                "Queues",
                "Decisions",
                "Policies",
                "Models",
                "Quality",
                "Health",
                "Emerging",
                "Rollouts",
                "Launches",
                "Workforce",
                "Changes",
                "Brakes",
            },
        ),
        ("adm", {tab.name for tab in TABS}),
    ],
)
def test_each_role_opens_its_pages_and_no_other(name: str, opened: set[str], keyed: Parts, visit: Visitor) -> None:
    client = log_in(visit(keyed, ELSEWHERE), key_of(name))
    assert {tab.name for tab in TABS if client.get(tab.path).status_code == 200} == opened
    assert {client.get(tab.path).status_code for tab in TABS if tab.name not in opened} <= {403}


def test_a_key_for_machines_opens_no_page(keyed: Parts, visit: Visitor) -> None:
    client = visit(keyed, ELSEWHERE)
    answer = client.post("/console/login", data={"csrf": token(client, "/console/login"), "key": key_of("platform")})
    assert answer.status_code == 403
    assert "adverdict_session" not in client.cookies


@pytest.mark.parametrize("key", ["", "nonsense", "ключ", "adj_key-of-ana "[:-2]])
def test_a_wrong_key_is_refused_and_not_repeated(key: str, keyed: Parts, visit: Visitor, caplog: pytest.LogCaptureFixture) -> None:
    client = visit(keyed, ELSEWHERE)
    with caplog.at_level(logging.DEBUG):
        answer = client.post("/console/login", data={"csrf": token(client, "/console/login"), "key": key})
    assert answer.status_code == 403
    assert not key or key not in answer.text + caplog.text


def test_without_a_session_every_page_leads_to_the_login(keyed: Parts, visit: Visitor) -> None:
    client = visit(keyed, ELSEWHERE)
    for path in ("", "/", *(tab.path.removeprefix("/console") for tab in TABS), "/decisions/dec-1"):
        answer = client.get(f"/console{path}")
        assert (answer.status_code, answer.headers["location"]) == (303, "/console/login")


def test_logging_out_ends_the_session_for_whoever_kept_the_cookie(keyed: Parts, visit: Visitor) -> None:
    client = log_in(visit(keyed, ELSEWHERE), key_of("ana"))
    kept = client.cookies["adverdict_session"]
    client.post("/console/logout", data={"csrf": token(client, "/console/queues")})
    again = visit(keyed, ELSEWHERE)
    again.cookies.set("adverdict_session", kept)
    assert again.get("/console/queues").status_code == 303


def test_a_session_ends_after_twelve_hours_and_with_its_key(keyed: Parts, visit: Visitor) -> None:
    clock = Clock(NOW)
    parts = Parts(**{**vars(keyed), "clock": clock})
    client = log_in(visit(parts, ELSEWHERE), key_of("ana"))
    without = visit(Parts(**{**vars(parts), "api_keys": parts.api_keys[1:]}), ELSEWHERE)
    without.cookies.set("adverdict_session", client.cookies["adverdict_session"])
    assert without.get("/console/queues").status_code == 303
    clock.now += timedelta(hours=11, minutes=59)
    assert client.get("/console/queues").status_code == 200
    clock.now += timedelta(minutes=1)
    assert client.get("/console/queues").status_code == 303


def test_without_keys_this_machine_may_do_everything_and_nobody_else_anything(empty: Parts, visit: Visitor) -> None:
    here, elsewhere, rebound = visit(empty), visit(empty, ELSEWHERE), visit(empty, host="evil.example")
    log_in(here)
    assert [here.get(tab.path).status_code for tab in TABS] == [200] * len(TABS)
    for client in (elsewhere, rebound):
        assert "Continue on this machine" not in client.get("/console/login").text
        assert client.post("/console/login", data={"csrf": token_of_cookie(client)}).status_code == 403
        client.cookies.set("adverdict_session", here.cookies["adverdict_session"])
        assert client.get("/console/queues").status_code == 303


def token_of_cookie(client: object) -> str:
    client.get("/console/login")  # type: ignore[attr-defined]
    return str(client.cookies["adverdict_login"])  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("headers", "csrf", "status"),
    [
        ({}, None, 303),
        ({"origin": "http://127.0.0.1:8377", "sec-fetch-site": "same-origin"}, None, 303),
        ({}, "", 403),
        ({}, "another", 403),
        ({"origin": "http://evil.example"}, None, 403),
        ({"origin": "null"}, None, 403),
        ({"origin": "http://[bad"}, None, 403),
        ({"origin": "http://[bad", "sec-fetch-site": "same-origin"}, None, 403),
        ({"sec-fetch-site": "cross-site"}, None, 403),
        ({"sec-fetch-site": "same-site"}, None, 403),
    ],
)
def test_forms_count_only_when_one_of_our_pages_sent_them(
    headers: dict[str, str], csrf: str | None, status: int, empty: Parts, visit: Visitor
) -> None:
    client = visit(empty)
    ours = token(client, "/console/login")
    assert client.post("/console/login", data={"csrf": ours if csrf is None else csrf}, headers=headers).status_code == status
    log_in(client)
    ours = token(client, "/console/queues")
    answer = client.post("/console/logout", data={"csrf": ours if csrf is None else csrf}, headers=headers)
    assert answer.status_code == status


def test_another_sessions_token_is_no_good(empty: Parts, visit: Visitor) -> None:
    mine, yours = log_in(visit(empty)), log_in(visit(empty))
    assert mine.post("/console/decisions/search", data={"csrf": token(yours, "/console/queues"), "id": "x"}).status_code == 403


def test_after_some_wrong_keys_an_address_waits_and_others_do_not(keyed: Parts, visit: Visitor) -> None:
    clock = Clock(NOW)
    client = visit(Parts(**{**vars(keyed), "clock": clock}), ELSEWHERE)
    csrf = token(client, "/console/login")
    wrong = [client.post("/console/login", data={"csrf": csrf, "key": "guess"}).status_code for _ in range(FREE + 1)]
    assert wrong == [403] * FREE + [429]
    waiting = client.post("/console/login", data={"csrf": csrf, "key": key_of("ana")})
    assert (waiting.status_code, waiting.headers["retry-after"]) == (429, "1")
    clock.now += timedelta(seconds=1)
    assert client.post("/console/login", data={"csrf": csrf, "key": key_of("ana")}).status_code == 303


def test_who_was_let_in_here_before_is_let_in_while_another_behind_the_same_address_guesses(keyed: Parts, visit: Visitor) -> None:
    parts = Parts(**{**vars(keyed), "clock": Clock(NOW)})
    ana = visit(parts, ELSEWHERE)
    other = TestClient(ana.app, base_url=str(ana.base_url), client=ELSEWHERE, follow_redirects=False)
    log_in(ana, key_of("ana"))
    csrf = token(other, "/console/login")
    assert [other.post("/console/login", data={"csrf": csrf, "key": "guess"}).status_code for _ in range(FREE + 1)][-1] == 429
    ana.cookies.clear()
    assert ana.post("/console/login", data={"csrf": token(ana, "/console/login"), "key": key_of("ana")}).status_code == 303
    assert ana.post("/console/login", data={"csrf": token(ana, "/console/login"), "key": key_of("pol")}).status_code == 429


def test_wrong_keys_are_told_in_the_log_each_time_their_number_has_doubled_and_without_the_address(
    caplog: pytest.LogCaptureFixture,
) -> None:
    attempts = Attempts(Clock(NOW))
    with caplog.at_level(logging.WARNING, "adverdict.access"):
        for _ in range(9):
            attempts.failed(ELSEWHERE[0])
    assert [record.getMessage().split()[0] for record in caplog.records] == ["1", "2", "4", "8"]
    assert ELSEWHERE[0] not in caplog.text


def test_a_changed_key_of_the_same_name_ends_its_sessions(keyed: Parts, visit: Visitor) -> None:
    client = log_in(visit(keyed, ELSEWHERE), key_of("ana"))
    assert client.get("/console/review").status_code == 200
    changed = tuple(ApiKey(key.name, key.scopes, digest_of(b"another")) if key.name == "ana" else key for key in keyed.api_keys)
    after = visit(Parts(**{**vars(keyed), "api_keys": changed}), ELSEWHERE)
    after.cookies = client.cookies
    assert after.get("/console/review").headers["location"] == "/console/login"


def test_a_row_that_somebody_wrote_into_the_table_of_sessions_opens_nothing(keyed: Parts, visit: Visitor) -> None:
    """Neither a row of one's own, nor another name and more scopes in the row of one's own session."""
    client = log_in(visit(keyed, ELSEWHERE), key_of("ana"))
    with keyed.ledger.change() as connection:
        connection.execute(update(sessions).values(name="adm", scopes='["admin", "policy", "review"]'))
        row = dict(connection.execute(select(sessions)).one()._mapping)
        connection.execute(insert(sessions).values({**row, "token": hashlib.sha256(b"mine").digest(), "name": "adm"}))
    assert client.get("/console/policies").status_code == 403
    stranger = visit(keyed, ELSEWHERE)
    stranger.cookies.set("adverdict_session", "mine", path="/console")
    assert stranger.get("/console/review").headers["location"] == "/console/login"


def test_a_form_of_nobody_is_not_read(keyed: Parts, visit: Visitor) -> None:
    client = visit(keyed, ELSEWHERE)
    answer = client.post("/console/review/answer", content=b"x" * 10_000_000, headers={"content-type": "application/octet-stream"})
    assert answer.headers["location"] == "/console/login"


def test_a_key_that_opens_no_page_does_not_clear_the_count_of_wrong_ones(keyed: Parts, visit: Visitor) -> None:
    client = visit(keyed, ELSEWHERE)
    csrf = token(client, "/console/login")
    tried = [*(FREE - 1) * ["guess"], key_of("platform"), "guess", "guess"]
    assert [client.post("/console/login", data={"csrf": csrf, "key": key}).status_code for key in tried] == [403] * (FREE + 1) + [429]


def test_failures_are_counted_by_network_forgotten_in_time_and_never_fill_the_memory() -> None:
    clock = Clock(NOW)
    attempts = Attempts(clock)
    for last in range(FREE):
        attempts.failed(f"2001:db8::{last + 1}")
    assert attempts.wait("2001:db8::ffff") > timedelta()
    assert attempts.wait("2001:db8:0:1::1") <= timedelta()
    for number in range(3 * ADDRESSES):
        attempts.failed(f"10.{number // 65536}.{number // 256 % 256}.{number % 256}")
    assert len(attempts) == ADDRESSES
    clock.now += timedelta(hours=1)
    attempts.failed("10.0.47.255")
    assert attempts.wait("10.0.47.255") <= timedelta()


def test_whoever_only_reviews_begins_on_their_day_and_is_given_no_task_unasked(keyed: Parts, visit: Visitor) -> None:
    client = log_in(visit(keyed), key_of("ana"))
    assert client.get("/console").headers["location"] == "/console/review/day"
    day = client.get("/console/review/day").text
    assert "How reviewing goes" in day
    assert "Take the first task" in day
    assert keyed.queue.held("ana") == []
