"""Requests made up from those that are right: values, JSON, bytes, headers and addresses changed at random, each from a seed of its own."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote

from adverdict.serving.http.app import ENDPOINTS
from adverdict.serving.http.endpoint import Endpoint

HERE = "127.0.0.1:8377"
USUAL = (("host", HERE), ("content-type", "application/json"))
NASTY: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    -1,
    1,
    2**31,
    2**63,
    2**64,
    -(2**63) - 1,
    10**400,
    0.1,
    -0.0,
    1e308,
    5e-324,
    float("nan"),
    float("inf"),
    "",
    " ",
    "\0",
    "\x7f",
    "\ud800",
    "\udfff\ud800",
    "a\u0301" * 40,
    "\u202e\u2066",
    "\ufeff",
    "\U0010ffff",
    "🏳️‍🌈" * 9,
    "%s%n%x",
    "{{7*7}}",
    "${jndi:ldap://x}",
    "' OR 1=1 --",
    "<script>alert(1)</script>",
    "../../etc/passwd",
    "\r\nSet-Cookie: a=b",
    "0x10",
    "1_000",
    "٣",
    "NaN",
    "null",
    "[]",
    "{}",
    "9999-12-31T23:59:59.999999Z",
    "0001-01-01T00:00:00+23:59",
    "2026-02-30T00:00:00Z",
    "2026-01-01",
    "1767225600",
    "SE",
    "XX",
    "en",
    "x" * 300,
    "w " * 4000,
    [],
    {},
    [[]],
    [None],
    ["a"] * 300,
    {"": ""},
    {"a": {"b": {"c": []}}},
)
HEADERS: tuple[tuple[str, str], ...] = (
    ("host", ""),
    ("host", "evil.example"),
    ("host", "127.0.0.1:99999"),
    ("host", "[::1"),
    ("content-type", "text/plain"),
    ("content-type", ""),
    ("content-type", "application/json; charset=utf-16"),
    ("content-encoding", "gzip"),
    ("content-length", "-1"),
    ("content-length", "9" * 30),
    ("content-length", "0"),
    ("transfer-encoding", "chunked"),
    ("expect", "100-continue"),
    ("accept", "*/*;q=nan"),
    ("accept", "\x80"),
    ("authorization", "Bearer"),
    ("authorization", "Bearer " + "x" * 5000),
    ("authorization", "Basic OjpA"),
    ("x-api-key", "\xff\xfe"),
    ("x-forwarded-for", "8.8.8.8"),
    ("forwarded", "for=unknown"),
    ("idempotency-key", ""),
    ("idempotency-key", "k"),
    ("idempotency-key", "é" * 300),
    ("x-request-id", "\t" * 200),
    ("traceparent", "00-" + "f" * 32 + "-" + "0" * 16 + "-zz"),
    ("traceparent", ""),
    ("cookie", "session=;;=;" * 50),
    ("x-timeout-ms", "nan"),
    ("x-timeout-ms", "-5"),
    ("x-timeout-ms", "1"),
    ("if-none-match", "*"),
    ("range", "bytes=5-1"),
    ("origin", "null"),
    ("upgrade", "websocket"),
    ("connection", "upgrade, close"),
    ("x" * 400, "y"),
)
ODD_PATHS = (
    "/",
    "//",
    "/v1",
    "/v1/score/",
    "/V1/SCORE",
    "/v1/score%00",
    "/v1/%2e%2e/score",
    "/console",
    "/console/login",
    "/console/review",
    "/console/static/../../etc/passwd",
    "/console/decisions/" + "a" * 3000,
    "/static_content/..%2f..%2fetc",
    "/metrics",
    "/healthz",
    "/openapi.json",
    "/docs",
    "/favicon.ico",
    "/%ff%fe",
    "/schema.json",
)
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "get", "PROPFIND", "")
DEEP = 20_000
"""Levels of nesting, where nesting is tried."""


@dataclass(frozen=True)
class Made:
    """One request. ``path`` as it goes over the wire; ``headers`` in Latin-1."""

    method: str
    path: str
    headers: tuple[tuple[str, str], ...] = USUAL
    body: bytes = b""
    how: tuple[str, ...] = field(default=())
    """What was done to it; nothing: it is as clients send it."""


def request(seed: int, number: int, ads: Sequence[dict[str, Any]]) -> Made:
    """The request of this number. ``ads``: right ones, to begin with."""
    rng = random.Random(f"{seed}/{number}")
    made = _right(rng, ads)
    for _ in range(rng.choices((0, 1, 2, 4), (10, 60, 20, 10))[0]):
        change = rng.choices(_CHANGES, _WEIGHTS)[0]
        made = replace(change(rng, made), how=(*made.how, change.__name__.strip("_")))
    return made


def _right(rng: random.Random, ads: Sequence[dict[str, Any]]) -> Made:
    drawn = rng.random()
    if drawn < 0.5:
        return Made("POST", "/v1/score", body=_json(rng.choice(ads)))
    if drawn < 0.6:
        return Made("POST", "/v1/score/batch", body=_json({"ads": rng.sample(ads, rng.randint(1, 4))}))
    if drawn < 0.66:
        return Made(rng.choice(METHODS), rng.choice(ODD_PATHS))
    one: Endpoint = rng.choice(_ENDPOINTS)
    named = {name: rng.choice((example, "dec-" + "0" * 32, "x", "é", "a" * 300)) for name, example in one.examples.items()}
    path = one.path
    for name, value in named.items():
        path = path.replace(f"{{{name}}}", quote(value, safe=""))
    return Made(one.method, path, body=_json(one.takes.example) if one.takes else b"")


def _value(rng: random.Random, made: Made) -> Made:
    """A value somewhere in the body becomes another."""
    tree = _tree(made.body)
    places = list(_places(tree))
    if not places:
        return replace(made, body=_json(rng.choice(NASTY)))
    holder, key = rng.choice(places)
    holder[key] = rng.choice(NASTY)
    return replace(made, body=_json(tree))


def _shape(rng: random.Random, made: Made) -> Made:
    """A key goes, comes twice, or comes that nobody knows; or the whole stands in something else."""
    tree = _tree(made.body)
    if not isinstance(tree, dict) or not tree:
        return replace(made, body=_json([tree]))
    key, what = rng.choice(list(tree)), rng.randrange(4)
    if what == 0:
        del tree[key]
    elif what == 1:
        tree[rng.choice(("", "__proto__", "ad_id ", "AD_ID", "\0", "x" * 500, key + "\u200b"))] = rng.choice(NASTY)
    elif what == 2:
        text = _json(tree)
        return replace(made, body=text[:-1] + b"," + _json({key: rng.choice(NASTY)})[1:])
    else:
        tree = {"ads": tree} if rng.random() < 0.5 else [tree] * 3
    return replace(made, body=_json(tree))


def _bytes(rng: random.Random, made: Made) -> Made:
    """Bytes of the body flipped, cut, repeated or put in."""
    body = bytearray(made.body or b"{}")
    what, at = rng.randrange(5), rng.randrange(len(body))
    if what == 0:
        for _ in range(rng.randint(1, 8)):
            body[rng.randrange(len(body))] = rng.randrange(256)
    elif what == 1:
        del body[at:]
    elif what == 2:
        body[at:at] = rng.randbytes(rng.randint(1, 64))
    elif what == 3:
        body[at:at] = bytes(body[: rng.randint(1, len(body))])
    else:
        body += rng.choice((b"\0", b"}", b"\xef\xbb\xbf", b"\n\n{}", b"//", b"\x1a"))
    return replace(made, body=bytes(body))


def _encoding(rng: random.Random, made: Made) -> Made:
    """The same in another encoding, nested past bearing, or not JSON at all."""
    text = made.body.decode("utf-8", "replace")
    bodies = (
        text.encode("utf-16"),
        text.encode("utf-32-be"),
        b"\xef\xbb\xbf" + made.body,
        text.encode("utf-7", "ignore"),
        b"[" * DEEP + b"]" * DEEP,
        b'{"a":' * (DEEP // 4) + b"1" + b"}" * (DEEP // 4),
        b'{"title": "' + b"\\u00e9" * 9000 + b'"}',
        b"1" * 5000,
        b"1e" + b"9" * 300,
        b"",
        b"a=b&c=d",
        b"<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>",
    )
    return replace(made, body=rng.choice(bodies))


def _header(rng: random.Random, made: Made) -> Made:
    name, value = rng.choice(HEADERS)
    kept = made.headers if rng.random() < 0.3 else tuple(one for one in made.headers if one[0] != name)
    return replace(made, headers=(*kept, (name, value)))


def _address(rng: random.Random, made: Made) -> Made:
    """Another method, something more in the address, or after a question mark."""
    what = rng.randrange(3)
    if what == 0:
        return replace(made, method=rng.choice(METHODS))
    if what == 1:
        return replace(made, path=made.path + rng.choice(("/", "//", "/x", "%00", "%2f..", "%ff", ";a=b", "#a")))
    name = rng.choice(("limit", "after", "until", "since", "q", "seq", "market", "page", ""))
    value = rng.choice(("", "0", "-1", "9" * 40, "nan", "%00", "%ff", "a" * 2000, "2026-02-30", "'", "[]"))
    return replace(made, path=f"{made.path}?{name}={value}")


STARTS_A_PROCESS = ("/v1/workforce/forecast", "/v1/workforce/staffing", "/v1/workforce/plans")
"""Answers of these are worked out in a process of their own, one at a time, and who comes meanwhile is told to come again (503): asked by
the thousand, they measure the machine."""
_ENDPOINTS = [one for one in ENDPOINTS if one.path not in STARTS_A_PROCESS]
_CHANGES = (_value, _shape, _bytes, _encoding, _header, _address)
_WEIGHTS = (34, 16, 18, 6, 16, 10)


def _json(tree: Any) -> bytes:
    """With NaN and lone surrogates, which clients send."""
    return json.dumps(tree).encode()


def _tree(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return {}


def _places(tree: Any, levels: int = 4) -> list[tuple[Any, Any]]:
    """Every (holder, key) of a tree, to some depth."""
    if levels == 0 or not isinstance(tree, dict | list):
        return []
    keys = list(tree) if isinstance(tree, dict) else list(range(len(tree)))
    return [(tree, key) for key in keys] + [place for key in keys for place in _places(tree[key], levels - 1)]
