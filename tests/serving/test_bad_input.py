"""Every way to ask wrongly, and the one shape the answer has."""

from __future__ import annotations

import json
from typing import Any

import pytest
from starlette.testclient import TestClient

from adverdict.serving.http.messages import ErrorBody
from tests.scoring.ads import AD, ad

JSON = {"content-type": "application/json"}


def text(**changes: Any) -> bytes:
    return json.dumps(ad(**changes)).encode()


def without(field: str) -> bytes:
    return json.dumps({key: value for key, value in AD.items() if key != field}).encode()


def raw(field: str, literal: str) -> bytes:
    return json.dumps(ad(**{field: "@@"})).replace('"@@"', literal).encode()


BODIES: list[tuple[str, bytes, int, str, str | None, Any]] = [
    # what, body, status, code, field, value
    ("nothing", b"", 400, "invalid_json", "(the whole)", None),
    ("no JSON", b"title=scam", 400, "invalid_json", "(the whole)", None),
    ("half of it", text()[:50], 400, "invalid_json", "(the whole)", None),
    ("two of it", text() + text(), 400, "invalid_json", "(the whole)", None),
    ("another encoding", text().decode().encode("utf-16"), 400, "invalid_json", "(the whole)", None),
    ("a list", b"[]", 400, "invalid_input", "(the whole)", "[]"),
    ("null", b"null", 400, "invalid_input", "(the whole)", None),
    ("deep lists", b"[" * 100_000, 400, "invalid_json", "(the whole)", None),
    ("deep objects", b'{"a":' * 100_000, 400, "invalid_json", "(the whole)", None),
    ("deep and closed", b"[" * 5_000 + b"]" * 5_000, 400, "invalid_json", "(the whole)", None),
    ("a field too deep", raw("title", "[" * 300 + "]" * 300), 400, "invalid_input", "title", "[" * 79 + "…"),
    ("a missing field", without("market"), 400, "invalid_input", "market", None),
    ("an unknown field", text(colour="red"), 400, "invalid_input", "colour", "red"),
    ("a wrong type", text(title=7), 400, "invalid_input", "title", 7),
    ("no market", text(market="Sweden"), 400, "invalid_input", "market", "Sweden"),
    ("a time without zone", text(submitted_at="2026-03-01T09:30:00"), 400, "invalid_input", "submitted_at", "2026-03-01T09:30:00"),
    ("a number for a time", text(submitted_at=1_700_000_000), 400, "invalid_input", "submitted_at", 1_700_000_000),
    (
        "before the first year",
        text(submitted_at="0001-01-01T00:00:00+14:00"),
        400,
        "invalid_input",
        "submitted_at",
        "0001-01-01T00:00:00+14:00",
    ),
    (
        "after the last year",
        text(submitted_at="9999-12-31T23:59:59-14:00"),
        400,
        "invalid_input",
        "submitted_at",
        "9999-12-31T23:59:59-14:00",
    ),
    ("NaN", raw("creative_width", "NaN"), 400, "invalid_input", "creative_width", "nan"),
    ("Infinity", raw("impressions", "-Infinity"), 400, "invalid_input", "impressions", "-inf"),
    ("overflow", raw("impressions", "1e999"), 400, "invalid_input", "impressions", "inf"),
    ("a huge integer", raw("title", "9" * 5_000), 400, "invalid_json", "(the whole)", None),
    ("a lone surrogate", raw("title", '"\\ud800"'), 400, "invalid_input", "title", "'\\ud800'"),
    ("a lone surrogate in a list", raw("keywords", '["ok", "\\udfff"]'), 400, "invalid_input", "keywords[1]", "'\\udfff'"),
    ("1 MB of text", text(body="x" * 1_000_000), 400, "invalid_input", "body", "'" + "x" * 78 + "…"),
    ("too much", text(body="x" * 2_000_001), 413, "body_too_large", None, None),
]


@pytest.mark.parametrize(("body", "status", "code", "field", "value"), [case[1:] for case in BODIES], ids=[case[0] for case in BODIES])
def test_a_bad_body_is_refused_with_its_field_and_value(
    client: TestClient, body: bytes, status: int, code: str, field: str | None, value: Any
) -> None:
    answer = client.post("/v1/score", content=body, headers=JSON)
    error = ErrorBody.model_validate(answer.json()).error
    assert (answer.status_code, error.code, error.field, error.value) == (status, code, field, value)
    assert error.expected or status != 400
    assert error.request_id == answer.headers["x-request-id"]


def test_every_mistake_is_told_at_once(client: TestClient) -> None:
    error = client.post("/v1/score", json={"ad_id": "", "market": "se", "title": 3}).json()["error"]
    assert [mistake["field"] for mistake in error["mistakes"]] == ["ad_id", "advertiser_id", "market", "submitted_at", "title"]


@pytest.mark.parametrize("several", [{"ads": [AD, AD]}, [AD, AD]])
def test_whoever_sends_several_ads_for_one_is_told_where_they_go(client: TestClient, several: Any) -> None:
    error = client.post("/v1/score", json=several).json()["error"]
    assert [mistake["field"] for mistake in error["mistakes"]] == ["(the whole)"]
    assert "/v1/score/batch" in error["expected"]


def test_of_very_many_mistakes_the_rest_are_counted(client: TestClient) -> None:
    error = client.post("/v1/score", json=ad(keywords=[1] * 50)).json()["error"]
    assert len(error["mistakes"]) == 40
    assert error["message"] == "not an ad (10 more mistakes)"


def test_a_field_sent_twice_is_refused_and_never_judged_by_its_last_value(client: TestClient) -> None:
    body = b'{"title": "scam", ' + text(title="Fresh bread")[1:]
    answer = client.post("/v1/score", content=body, headers=JSON)
    assert answer.status_code == 400
    [mistake] = answer.json()["error"]["mistakes"]
    assert (mistake["field"], mistake["expected"]) == ("title", "each field once")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"[]", "(the whole)"),
        (b"{}", "ads"),
        (b'{"ads": []}', "ads"),
        (b'{"ads": {}}', "ads"),
        (b'{"ads": [], "adverts": 1}', "adverts"),
        (json.dumps({"ads": [AD] * 257}).encode(), "ads"),
    ],
)
def test_what_is_no_batch_is_refused_as_a_whole(client: TestClient, body: bytes, field: str) -> None:
    answer = client.post("/v1/score/batch", content=body, headers=JSON)
    assert (answer.status_code, answer.json()["error"]["field"]) == (400, field)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"content-type": "application/json"}, 200),
        ({"content-type": 'Application/JSON; charset="UTF-8"'}, 200),
        ({}, 415),
        ({"content-type": "text/plain"}, 415),
        ({"content-type": "application/json; charset=latin-1"}, 415),
        ({"content-type": "application/vnd.bentoml+pickle"}, 415),
        ({"content-type": "multipart/form-data; boundary=x"}, 415),
        ({"content-type": "application/json", "content-encoding": "gzip"}, 415),
    ],
)
def test_only_plain_json_is_read(client: TestClient, headers: dict[str, str], status: int) -> None:
    assert client.post("/v1/score", content=text(), headers=headers).status_code == status


@pytest.mark.parametrize(
    ("method", "path", "status", "allow"),
    [
        ("GET", "/v1/score", 405, "POST"),
        ("PUT", "/v1/score/batch", 405, "POST"),
        ("POST", "/readyz", 405, "GET, HEAD"),
        ("GET", "/", 404, None),
        ("POST", "/v1/score/", 404, None),
        ("GET", "/v2/score", 404, None),
        ("GET", "/static_content/../../etc/passwd", 404, None),
        ("GET", "/static_content/nothing.css", 404, None),
    ],
)
def test_other_addresses_and_methods_get_the_same_shape(client: TestClient, method: str, path: str, status: int, allow: str | None) -> None:
    answer = client.request(method, path)
    assert (answer.status_code, answer.headers.get("allow")) == (status, allow)
    told = ErrorBody.model_validate(answer.json()).error.message
    assert (f"answers {allow} only" if allow else "/docs") in told


def test_a_failure_inside_tells_nothing_of_the_inside(client: TestClient) -> None:
    answer = client.post("/v1/score", json=ad(title="stumble"), headers={"x-request-id": "mine-1"})
    assert answer.status_code == 500
    assert answer.json()["error"] == {
        "code": "internal",
        "message": "something went wrong here; it was logged under the request id",
        "field": None,
        "value": None,
        "expected": None,
        "mistakes": [],
        "request_id": "mine-1",
    }


@pytest.mark.parametrize(("sent", "kept"), [("abc-123", True), ("a b", False), ("x" * 101, False), ("<script>", False)])
def test_a_request_id_is_kept_when_it_is_harmless(client: TestClient, sent: str, kept: bool) -> None:
    assert (client.get("/livez", headers={"x-request-id": sent}).headers["x-request-id"] == sent) is kept
