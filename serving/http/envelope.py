"""Around everything: every answer gets its headers and is counted, and every error leaves in the one shape."""

from __future__ import annotations

import logging
import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from adverdict.domain.errors import AdverdictError
from adverdict.serving.draining import STAYING, Draining
from adverdict.serving.http.bodies import NotAnAd
from adverdict.serving.http.errors import Refused, from_error, problem
from adverdict.serving.http.guards import CALL, Guards, at_work
from adverdict.serving.http.incoming import CallerLeft, request_id
from adverdict.serving.logs import ACCESS
from adverdict.serving.logs import request_id as at_hand
from adverdict.serving.tracing import Tracer, Untraced
from adverdict.serving.worker.admission import TurnedAway
from adverdict.serving.worker.metrics import OTHER
from adverdict.serving.worker.runtime import RuntimeSlot

log = logging.getLogger("adverdict.http")
access = logging.getLogger(ACCESS)

_ALWAYS = ((b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff"))
_CLOSE = ((b"connection", b"close"),)


class Envelope:
    """ASGI middleware. ``slot`` holds the worker's parts once it has started; before, every address is a 503. ``draining``: this server
    leaves, so it is not ready, and keeps no connection."""

    def __init__(self, app: ASGIApp, slot: RuntimeSlot, draining: Draining = STAYING, tracer: Tracer | None = None) -> None:
        self.app = app
        self.slot = slot
        self.draining = draining
        self.tracer = tracer or Untraced()

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
        headers = dict(scope["headers"])
        leaving = bool(self.draining)
        reply = Reply(send, request_id(headers), scope["method"] == "HEAD", leaving)
        token = at_hand.set(reply.request_id)
        try:
            with self.tracer.request(scope["method"], headers, reply.request_id) as traced:
                try:
                    at_work(self.slot)
                    if leaving and scope["path"] == "/readyz":
                        raise Refused(problem(503, "this server is leaving; it answers what still comes", code="leaving"))
                    await self.app(scope, receive, reply.send)
                except CallerLeft:
                    return
                except Exception as error:
                    await self._explain(error, scope, receive, reply)
                finally:
                    traced.answered(_label(scope), reply.status)
            self._count(scope, reply, time.perf_counter() - began)
        finally:
            at_hand.reset(token)

    def _count(self, scope: Scope, reply: Reply, seconds: float) -> None:
        if self.slot.runtime:
            self.slot.runtime.metrics.answered(_label(scope), reply.status, seconds)
        if access.isEnabledFor(logging.INFO):
            told = {"method": scope["method"], "route": _label(scope), "status": reply.status, "ms": round(1000 * seconds, 1)}
            called = scope.get(CALL)
            told |= {"caller": called.caller} if called else {}
            access.info("%(method)s %(route)s %(status)s in %(ms)s ms" % told, extra=told)  # noqa: UP031 by names

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
    """The answer to one request. ``head``: without its body. ``last``: of its connection."""

    def __init__(self, send: Send, request_id: str, head: bool, last: bool = False) -> None:
        self._last = last
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
            ours = ((b"x-request-id", self.request_id.encode()), *_ALWAYS, *(_CLOSE if self._last else ()))
            message = {**message, "headers": sent + [header for header in ours if header[0] not in there]}
        elif self._head:
            message = {**message, "body": b""}
        await self._send(message)


def _label(scope: Scope) -> str:
    """The address as requests are counted by: bounded, whatever strangers try."""
    endpoint = scope.get("endpoint")
    return endpoint.label if isinstance(endpoint, Guards) else OTHER
