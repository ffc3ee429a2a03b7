"""Around everything: every answer gets its headers and is counted, and every error leaves in the one shape."""

from __future__ import annotations

import logging
import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from adverdict.domain.errors import AdverdictError
from adverdict.serving.http.bodies import NotAnAd
from adverdict.serving.http.errors import Refused, from_error
from adverdict.serving.http.guards import HEADERS, Guards, at_work
from adverdict.serving.http.incoming import CallerLeft, request_id
from adverdict.serving.worker.admission import TurnedAway
from adverdict.serving.worker.metrics import OTHER
from adverdict.serving.worker.runtime import RuntimeSlot

log = logging.getLogger("adverdict.http")

_ALWAYS = ((b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff"))


class Envelope:
    """ASGI middleware. ``slot`` holds the worker's parts once it has started; before, every address is a 503."""

    def __init__(self, app: ASGIApp, slot: RuntimeSlot) -> None:
        self.app = app
        self.slot = slot

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008})
        else:
            await self._answer(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        began = time.perf_counter()
        scope[HEADERS] = headers = dict(scope["headers"])
        reply = Reply(send, request_id(headers), scope["method"] == "HEAD")
        try:
            at_work(self.slot)
            await self.app(scope, receive, reply.send)
        except CallerLeft:
            return
        except Exception as error:
            await self._explain(error, scope, receive, reply)
        if self.slot.runtime:
            self.slot.runtime.metrics.answered(_label(scope), reply.status, time.perf_counter() - began)

    async def _explain(self, error: Exception, scope: Scope, receive: Receive, reply: Reply) -> None:
        """The one place where an error becomes an answer. An answer that has begun cannot be taken back: the connection breaks off."""
        problem = from_error(error)
        if not isinstance(error, AdverdictError | Refused) and problem.status == 500:
            log.error("request %s to %s failed", reply.request_id, _label(scope), exc_info=error)
        if reply.status:
            raise error
        runtime = self.slot.runtime
        if runtime and isinstance(error, TurnedAway):
            runtime.metrics.turned_away.labels(error.code).inc()
        elif runtime and isinstance(error, NotAnAd):
            runtime.metrics.refused.inc()
        await problem.response(reply.request_id)(scope, receive, reply.send)


class Reply:
    """The answer to one request. ``head``: without its body."""

    def __init__(self, send: Send, request_id: str, head: bool) -> None:
        self.request_id = request_id
        self.status = 0
        """0 until it has begun."""
        self._send = send
        self._head = head

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            sent = list(message.get("headers", ()))
            there = [name for name, _ in sent]
            ours = ((b"x-request-id", self.request_id.encode()), *_ALWAYS)
            message = {**message, "headers": sent + [header for header in ours if header[0] not in there]}
        elif self._head:
            message = {**message, "body": b""}
        await self._send(message)


def _label(scope: Scope) -> str:
    """The address as requests are counted by: bounded, whatever strangers try."""
    endpoint = scope.get("endpoint")
    return endpoint.label if isinstance(endpoint, Guards) else OTHER
