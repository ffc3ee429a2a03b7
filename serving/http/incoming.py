"""What a request says beside its address: its headers, read once and checked, and its body."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Sequence
from typing import cast, get_args
from urllib.parse import parse_qs

from starlette.types import Receive

from adverdict.domain.errors import Mistake
from adverdict.ledger.entropy import hexadecimal
from adverdict.ledger.idempotency import Request
from adverdict.scoring.scorer import ExplainedLevel
from adverdict.serving.http.endpoint import JSON
from adverdict.serving.http.errors import Problem, Refused, problem
from adverdict.serving.limits import BODY_SECONDS

Headers = dict[bytes, bytes]

MOST_TIMEOUT_MS = 600_000
_IDEMPOTENCY_KEY = re.compile(rb"^[\x21-\x7e]{1,200}$")
_REQUEST_ID = re.compile(rb"^[A-Za-z0-9._-]{1,100}$")
_TIMEOUT = re.compile(rb"^[0-9]{1,6}$")


ONCE = frozenset(
    {
        b"authorization",
        b"content-encoding",
        b"content-length",
        b"content-type",
        b"cookie",
        b"host",
        b"idempotency-key",
        b"transfer-encoding",
        b"x-api-key",
        b"x-request-timeout-ms",
    }
)
"""Headers that say one thing. Of two, a proxy before us may believe the other one."""


class CallerLeft(Exception):
    """The caller hung up before its body was complete; nobody is left to answer."""


def request_id(headers: Headers) -> str:
    """The caller's own, when it is harmless to repeat."""
    given = headers.get(b"x-request-id")
    return given.decode() if given and _REQUEST_ID.match(given) else hexadecimal()


def said_once(pairs: Sequence[tuple[bytes, bytes]]) -> Headers:
    """The headers by name. Raises Refused where one that says one thing came twice, or the body's length was told in two ways."""
    headers = dict(pairs)
    if len(headers) != len(pairs):
        names = [name for name, _ in pairs]
        if twice := sorted({name for name in ONCE if names.count(name) > 1}):
            raise _refused([Mistake(name.decode(), "twice", "once") for name in twice])
    if b"transfer-encoding" in headers and b"content-length" in headers:
        raise _refused([Mistake("Transfer-Encoding", headers[b"transfer-encoding"].decode("latin-1"), "none beside Content-Length")])
    return headers


def idempotency(headers: Headers, caller: str, path: str, body: bytes) -> Request | None:
    key = headers.get(b"idempotency-key")
    if key is None:
        return None
    if not _IDEMPOTENCY_KEY.match(key):
        raise _not_answered("Idempotency-Key", key, "1 to 200 visible ASCII characters")
    return Request(caller, key.decode(), hashlib.sha256(path.encode() + b"\n" + body).digest())


def patience(headers: Headers) -> float | None:
    """Seconds the caller waits for the whole answer, from ``X-Request-Timeout-Ms``; None: it does not say."""
    milliseconds = headers.get(b"x-request-timeout-ms")
    if milliseconds is None:
        return None
    if not _TIMEOUT.match(milliseconds) or not 1 <= int(milliseconds) <= MOST_TIMEOUT_MS:
        raise _not_answered("X-Request-Timeout-Ms", milliseconds, f"a whole number of milliseconds from 1 to {MOST_TIMEOUT_MS}")
    return int(milliseconds) / 1000


def explained(query: bytes) -> ExplainedLevel:
    """Which decisions are answered with reasons, from ``explain`` in the address; none unless it says so."""
    asked = parse_qs(query.decode("latin-1"), keep_blank_values=True).get("explain") if query else None
    if not asked:
        return "none"
    for level in get_args(ExplainedLevel):
        if asked == [level]:
            return cast(ExplainedLevel, level)
    raise _not_answered("explain", ", ".join(asked).encode(), "once: all, stopped or none")


def must_be_json(headers: Headers) -> None:
    raw = headers.get(b"content-type", b"")
    if raw == b"application/json" and b"content-encoding" not in headers:
        return
    sent = raw.decode("latin-1")
    kind, _, parameters = sent.partition(";")
    charset = parameters.replace(" ", "").replace('"', "").lower()
    if kind.strip().lower() != JSON or charset not in ("", "charset=utf-8"):
        raise Refused(problem(415, mistakes=[Mistake("Content-Type", sent or None, JSON)]))
    encoding = headers.get(b"content-encoding", b"identity").decode("latin-1")
    if encoding.lower() != "identity":
        raise Refused(problem(415, "the request body must not be compressed", mistakes=[Mistake("Content-Encoding", encoding, "none")]))


async def read_body(headers: Headers, receive: Receive, limit: int) -> bytes:
    declared = headers.get(b"content-length", b"0")
    if declared.isdigit() and int(declared) > limit:
        raise Refused(_too_large(limit))
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(BODY_SECONDS):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise CallerLeft
                parts.append(message.get("body", b""))
                size += len(parts[-1])
                if size > limit:
                    raise Refused(_too_large(limit))
                if not message.get("more_body", False):
                    return b"".join(parts)
    except TimeoutError:
        raise Refused(problem(408, f"the request body did not arrive within {BODY_SECONDS:g} s")) from None


def _not_answered(field: str, value: bytes, expected: str) -> Refused:
    return Refused(problem(400, "the request cannot be answered", mistakes=[Mistake(field, value.decode("latin-1"), expected)]))


def _refused(wrong: Sequence[Mistake]) -> Refused:
    # Where one request ends and the next begins is not certain any more.
    return Refused(problem(400, "the request cannot be answered", mistakes=wrong, connection="close"))


def _too_large(limit: int) -> Problem:
    # The rest of the body is not read, so the connection cannot carry another request.
    return problem(413, f"the request body is larger than {limit} bytes", connection="close")
