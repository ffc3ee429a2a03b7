"""One HTTP/1.1 connection that asks one thing at a time: as little of a client as measures a server and not itself."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

END = b"\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. ``retry_after``: whether it says when to ask again; ``last``: the server hangs up after it."""

    status: int
    body: bytes
    retry_after: bool = False
    last: bool = False


class Wire(asyncio.Protocol):
    """Open it with ``loop.create_connection(Wire, host, port)``."""

    def __init__(self) -> None:
        self.open = False
        self.used_at = 0.0
        """On the loop's clock, when it last answered."""
        self._transport: asyncio.Transport | None = None
        self._got = bytearray()
        self._answer: asyncio.Future[Answer] | None = None

    async def ask(self, request: bytes) -> Answer:
        """Raises ConnectionError when the other side hangs up first, ValueError on what is not HTTP."""
        if not self.open or self._transport is None:
            raise ConnectionResetError("the connection is closed")
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._answer

    def close(self) -> None:
        self.open = False
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport, self.open = transport, True

    def data_received(self, data: bytes) -> None:
        self._got += data
        try:
            answer = parsed(self._got)
        except ValueError as error:
            self._fail(error)
            return
        if answer is not None:
            self._got.clear()
            self.used_at = asyncio.get_running_loop().time()
            if self._answer is not None and not self._answer.done():
                self._answer.set_result(answer)

    def connection_lost(self, exc: Exception | None) -> None:
        self.open = False
        self._fail(exc if isinstance(exc, ConnectionError) else ConnectionResetError("hung up before answering"))

    def _fail(self, error: Exception) -> None:
        self.close()
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error)


def parsed(got: bytes | bytearray) -> Answer | None:
    """The answer in these bytes; None while it is not complete. Raises ValueError on what is not HTTP/1.1."""
    end = got.find(END)
    if end < 0:
        return None
    head = bytes(got[:end]).lower()
    if not head.startswith(b"http/1."):
        raise ValueError(f"not an HTTP answer: {head[:80]!r}")
    rest = got[end + len(END) :]
    body = _chunks(rest) if b"transfer-encoding: chunked" in head else _sized(rest, head)
    if body is None:
        return None
    return Answer(int(head[9:12]), body, b"\r\nretry-after:" in head, b"\r\nconnection: close" in head)


def _sized(rest: bytes | bytearray, head: bytes) -> bytes | None:
    _, named, after = head.partition(b"\r\ncontent-length:")
    size = int(after.split(b"\r\n", 1)[0]) if named else 0
    return bytes(rest[:size]) if len(rest) >= size else None


def _chunks(rest: bytes | bytearray) -> bytes | None:
    body, at = b"", 0
    while True:
        line = rest.find(b"\r\n", at)
        if line < 0:
            return None
        size = int(bytes(rest[at:line]).split(b";")[0], 16)
        begin = line + 2
        if len(rest) < begin + size + 2:
            return None
        if size == 0:
            return body
        body += bytes(rest[begin : begin + size])
        at = begin + size + 2
