"""Who is served: keys, scopes, and this machine only when there are no keys."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from adverdict.domain.errors import InvalidSettings, Mistake
from adverdict.domain.keys import FORMAT, ApiKey, new_key, parse_keys
from adverdict.serving.access import authenticate, comes_from_here, is_loopback
from adverdict.serving.http.messages import ErrorBody
from tests.scoring.ads import ad
from tests.scoring.fakes import FakeRegistry
from tests.serving.conftest import HERE, another, served, usual

ELSEWHERE = ("203.0.113.9", 40000)


def entry(name: str, scopes: str, key: str) -> str:
    return f"{name}:{scopes}:{hashlib.sha256(key.encode()).hexdigest()}"


KEYS = ",".join([entry("platform", "score", "s3cret"), entry("ops", "score+admin", "adm1n"), entry("desk", "review", "r3view")])


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


@pytest.fixture(scope="class")
def keyed(service: Any, app: Any, policy_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A client of a service with keys."""
    environment = {**usual(tmp_path_factory.mktemp("home"), policy_folder), "ADVERDICT_API_KEYS": KEYS}
    with served(service, app, FakeRegistry(), environment) as caller:
        yield caller


class TestWithKeys:
    """One service for all of them, which ends before the one without keys begins: a process has one."""

    @pytest.mark.parametrize(
        ("path", "headers", "client", "status"),
        [
            ("/v1/score", bearer("s3cret"), ELSEWHERE, 200),
            ("/v1/score", {"Authorization": "bearer  s3cret"}, ELSEWHERE, 200),
            ("/v1/score", {"X-API-Key": "s3cret"}, ELSEWHERE, 200),
            ("/v1/score", bearer("adm1n"), ELSEWHERE, 200),
            ("/v1/score", bearer("r3view"), ELSEWHERE, 403),
            ("/v1/score", bearer("wrong"), ELSEWHERE, 401),
            ("/v1/score", {}, ELSEWHERE, 401),
            ("/v1/score", {}, HERE, 401),  # once there are keys, being near is not enough
            ("/v1/score", {"Authorization": "Basic s3cret"}, HERE, 401),
            ("/v1/score", {"Authorization": "Bearer"}, HERE, 401),
            ("/v1/score", bearer("é\x7f"), HERE, 401),
            ("/v1/score", bearer(hashlib.sha256(b"s3cret").hexdigest()), HERE, 401),  # what is configured opens nothing
            ("/metrics", {}, HERE, 200),
            ("/metrics", {"X-Forwarded-For": "198.51.100.7"}, HERE, 401),
            ("/metrics", {}, ELSEWHERE, 401),
            ("/metrics", bearer("s3cret"), ELSEWHERE, 403),
            ("/metrics", bearer("adm1n"), ELSEWHERE, 200),
            ("/livez", {}, ELSEWHERE, 200),
            ("/readyz", {}, ELSEWHERE, 200),
            ("/docs.json", {}, ELSEWHERE, 200),
        ],
    )
    def test_with_keys_each_address_asks_for_its_scope(
        self, keyed: TestClient, path: str, headers: dict[str, str], client: tuple[str, int], status: int
    ) -> None:
        raw = {name.encode(): value.encode() for name, value in headers.items()}
        caller = another(keyed, client=client)
        answer = caller.post(path, json=ad(), headers=raw) if path.startswith("/v1") else caller.get(path, headers=raw)
        assert answer.status_code == status
        if status != 200:
            ErrorBody.model_validate(answer.json())
        assert (answer.headers.get("www-authenticate") == "Bearer") is (status == 401)


@pytest.mark.parametrize(
    ("path", "source", "host", "headers", "status"),
    [
        ("/v1/score", HERE, "127.0.0.1:8377", {}, 200),
        ("/v1/score", ("::1", 1), "localhost:8377", {}, 200),
        ("/v1/score", ("::ffff:127.0.0.1", 1), "[::1]:8377", {}, 200),
        ("/v1/score", ELSEWHERE, "127.0.0.1:8377", {}, 403),
        ("/v1/score", HERE, "ads.example", {}, 403),  # a web page that points its own name here
        ("/v1/score", HERE, "127.0.0.1:8377", {"X-Forwarded-For": "127.0.0.1"}, 403),  # a proxy on this machine
        ("/v1/score", HERE, "127.0.0.1:8377", {"Forwarded": "for=192.0.2.1"}, 403),
        ("/metrics", ELSEWHERE, "127.0.0.1:8377", {}, 403),
        ("/docs.json", ELSEWHERE, "127.0.0.1:8377", {}, 403),
        ("/readyz", ELSEWHERE, "10.0.0.1:8377", {}, 200),
    ],
)
def test_without_keys_only_this_machine_is_served(
    client: TestClient, path: str, source: tuple[str, int], host: str, headers: dict[str, str], status: int
) -> None:
    caller = another(client, client=source, host=host)
    answer = caller.post(path, json=ad(), headers=headers) if path.startswith("/v1") else caller.get(path, headers=headers)
    assert answer.status_code == status
    if status == 403:
        assert answer.json()["error"]["code"] == "loopback_only"


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (entry("a", "score", "k"), ["a"]),
        (entry("a", "score+admin", "k") + "  # the ad server", ["a"]),
        ("", []),
        ("# nothing", []),
        ("a:score:s3cret", None),
        ("a:everything:" + "0" * 64, None),
        (":score:" + "0" * 64, None),
        ("a::" + "0" * 64, None),
        ("a:score", None),
        ("a:score:" + "0" * 64 + ":more", None),
        ("a:score:" + "A" * 64, None),
    ],
)
def test_a_key_entry_is_read_or_refused_without_being_repeated(text: str, names: Sequence[str] | None) -> None:
    wrong: list[Mistake] = []
    found = parse_keys([text], "KEYS", wrong)
    if names is None:
        assert wrong == [Mistake("KEYS", "entry 1", FORMAT)]
    else:
        assert ([key.name for key in found], wrong) == (names, [])


def test_a_new_key_opens_and_does_not_appear_in_its_entry() -> None:
    key, text = new_key("platform", ["score"])
    [parsed] = parse_keys([text], "KEYS", [])
    assert authenticate({b"x-api-key": key.encode()}, [parsed]) == parsed
    assert key not in text
    assert parsed.sha256 not in repr(parsed)


def test_a_new_key_needs_a_usable_name_and_known_scopes() -> None:
    with pytest.raises(InvalidSettings, match=r"(?s)--name = 'a:b'.*--scope = 'everything'"):
        new_key("a:b", ["everything"])


@pytest.mark.parametrize(
    ("host", "here"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("0.0.0.0", False),
        ("::", False),
        ("10.0.0.1", False),
        ("localhost", False),
        ("", False),
    ],
)
def test_loopback_is_an_address_of_this_machine_alone(host: str, here: bool) -> None:
    assert is_loopback(host) is here


@pytest.mark.parametrize("client", [None, (), ("not an address", 1)])
def test_a_caller_without_an_address_is_not_from_here(client: Sequence[object] | None) -> None:
    assert not comes_from_here(client, {b"host": b"localhost"})


def test_no_key_is_no_caller() -> None:
    assert authenticate({}, [ApiKey("a", frozenset({"score"}), "0" * 64)]) is None


@pytest.mark.parametrize("name", ["Via", "X-Forwarded-Host", "X-Forwarded-Proto", "CF-Connecting-IP"])
def test_what_says_that_it_was_forwarded_is_not_from_here(client: TestClient, name: str) -> None:
    assert client.post("/v1/score", json={}, headers={name: "1.1 proxy"}).status_code == 403


def test_a_host_that_only_begins_like_this_machine_is_another_one(client: TestClient) -> None:
    hosts = {"127.0.0.1:8377@evil.example": 403, "127.0.0.1.evil.example": 403, "localhost:8377": 400, "[::1]:8377": 400}
    assert {host: client.post("/v1/score", json={}, headers={"Host": host}).status_code for host in hosts} == hosts
