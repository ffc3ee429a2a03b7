"""The way out of the service: one set of headers, and one shape for every error."""

from __future__ import annotations

import logging

from adverdict.serving.asgi import Message, Send
from adverdict.serving.http.errors import Problem, problem
from adverdict.serving.http.pages import JSON, Page

log = logging.getLogger("adverdict.http")

_ALWAYS = ((b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff"))


class Reply:
    """The answer to one request. ``head``: without its body."""

    def __init__(self, send: Send, request_id: str, head: bool) -> None:
        self.request_id = request_id
        self.begun = False
        self.status = 0
        self._send = send
        self._head = head
        self._withheld: int | None = None

    async def page(self, page: Page, extra: tuple[tuple[bytes, bytes], ...] = ()) -> None:
        headers = [(b"content-type", page.content_type.encode()), (b"content-length", b"%d" % len(page.body)), *extra]
        await self._start({"type": "http.response.start", "status": page.status, "headers": headers})
        await self._send({"type": "http.response.body", "body": b"" if self._head else page.body})

    async def problem(self, found: Problem) -> None:
        await self.page(Page(found.status, found.body(self.request_id), JSON), found.headers)

    async def pass_on(self, message: Message) -> None:
        """``send`` for BentoML, whose errors are told in our shape instead of its own."""
        if message["type"] == "http.response.start":
            if message["status"] >= 400:
                self._withheld = message["status"]
            else:
                await self._start(message)
        elif self._withheld is None:
            await self._send(message)
        elif not message.get("more_body", False):
            if self._withheld >= 500:
                log.error("request %s ended with status %d", self.request_id, self._withheld)
            await self.problem(problem(self._withheld))

    async def pass_all(self, message: Message) -> None:
        """``send`` for the console, whose errors are pages of its own."""
        if message["type"] == "http.response.start":
            await self._start(message)
        else:
            await self._send(message)

    async def _start(self, message: Message) -> None:
        self.begun = True
        self.status = message["status"]
        sent = list(message.get("headers", ()))
        there = {name for name, _ in sent}
        ours = ((b"x-request-id", self.request_id.encode()), *_ALWAYS)
        await self._send({**message, "headers": [*sent, *(header for header in ours if header[0] not in there)]})
