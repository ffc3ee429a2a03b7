"""What comes over a socket before there is a request: heads that never end, and heads that say two things."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator

import pytest
import uvicorn
from starlette.responses import PlainTextResponse

from adverdict.serving.http import protocol
from adverdict.serving.http.errors import Refused
from adverdict.serving.http.incoming import said_once

SECONDS = 0.3


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Of a server that waits so long for heads."""
    monkeypatch.setattr(protocol, "HEAD_SECONDS", SECONDS)
    monkeypatch.setattr(protocol, "_LOOK_EVERY", SECONDS / 3)
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(PlainTextResponse("here"), http=protocol.HeadTimeoutProtocol, log_config=None, lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve([listening])), daemon=True)
    thread.start()
    yield listening.getsockname()[1]
    server.should_exit = True
    thread.join(5)
    listening.close()


def asked(port: int, *pieces: bytes, pause: float = 0.0) -> bytes:
    """What is answered until the server closes, or says nothing for two seconds."""
    with socket.create_connection(("127.0.0.1", port), timeout=2) as caller:
        answer = b""
        try:
            for piece in pieces:
                caller.sendall(piece)
                time.sleep(pause)
            while piece := caller.recv(4096):
                answer += piece
        except (ConnectionError, TimeoutError):
            pass
        return answer


def test_a_head_that_does_not_end_is_cut_off_and_one_that_does_is_answered_however_long_its_answer_is_awaited(port: int) -> None:
    head = b"GET / HTTP/1.1\r\nHost: here\r\n"
    assert asked(port, head, *(b"X-More: 1\r\n" for _ in range(6)), pause=SECONDS / 3) == b""
    assert asked(port, pause=2 * SECONDS) == b""
    assert asked(port, b"GET / HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n").endswith(b"here")
    with socket.create_connection(("127.0.0.1", port), timeout=2) as kept:
        for _ in range(2):
            kept.sendall(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n")
            answer = b""
            while not answer.endswith(b"here"):
                answer += kept.recv(4096)
            time.sleep(2 * SECONDS)  # between two requests a connection may rest


@pytest.mark.parametrize(
    "head",
    [
        b"POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcd",
        b"GET / HTTP/1.1\nHost: here\n\n",
        b"GET / HTTP/1.1\r\nHost: here\nX: 1\r\n\r\n",
    ],
    ids=["two ways of telling the length", "two lengths", "bare line feeds", "one bare line feed"],
)
def test_a_head_that_can_be_read_in_two_ways_is_refused(head: bytes, port: int) -> None:
    assert asked(port, head).startswith(b"HTTP/1.1 400")


def test_headers_that_say_one_thing_come_once() -> None:
    pairs = [(b"authorization", b"Bearer a"), (b"x-other", b"1"), (b"x-other", b"2"), (b"authorization", b"Bearer b"), (b"host", b"h")]
    with pytest.raises(Refused) as refused:
        said_once([*pairs, (b"host", b"i")])
    assert [(one.field, one.expected) for one in refused.value.problem.mistakes] == [("authorization", "once"), ("host", "once")]
    assert said_once(pairs[:3])[b"x-other"] == b"2"
    with pytest.raises(Refused):
        said_once([(b"transfer-encoding", b"chunked"), (b"content-length", b"4")])


def test_nobody_is_believed_about_a_callers_address_whoever_starts_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(protocol.TRUSTED_PROXIES, raising=False)
    assert "127.0.0.1" in uvicorn.Config(PlainTextResponse("here")).forwarded_allow_ips, "as uvicorn has it"
    protocol.use()
    assert uvicorn.Config(PlainTextResponse("here")).forwarded_allow_ips == ""
    monkeypatch.setenv(protocol.TRUSTED_PROXIES, "10.0.0.1")
    protocol.use()
    assert uvicorn.Config(PlainTextResponse("here")).forwarded_allow_ips == "10.0.0.1"
