"""The gate every request passes: address, caller, body, then the service; and the one shape every error leaves in."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import re
import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

from domain.errors import Conflict, InvalidInput, Mistake, NotFound
from ledger.idempotency import Request
from serving.asgi import App, Message, Receive, Scope, Send
from serving.auth import authenticate, comes_from_here
from serving.bodies import Batch
from serving.errors import Problem, from_error, problem
from serving.messages import BatchResult
from serving.pages import JSON, PAGES, Page
from serving.records import RECORDS, Asked
from serving.routes import CONSOLE, DOCS_JSON, METRICS, Route, find
from serving.running import Desk, Running

Headers = dict[bytes, bytes]

log = logging.getLogger("adjudicate.http")

BODY_SECONDS = 15.0
"""A caller that takes longer to send a body is cut off; it would hold memory for as long as it likes."""
BATCH = "adjudicate_batch"
"""Name in the request's state under which the service finds what the gate made of a batch."""
REQUEST = "adjudicate_request"
"""Likewise the request's idempotency key; None without one."""
PROBLEM = "adjudicate_problem"
"""Where the service leaves the problem that the gate is to tell, whatever status BentoML makes of it."""
LOCAL = "local"
"""Name of callers on this machine while no keys are configured."""
_IDEMPOTENCY_KEY = re.compile(rb"^[\x21-\x7e]{1,200}$")
_REQUEST_ID = re.compile(rb"^[A-Za-z0-9._-]{1,100}$")


class Refused(Exception):
    """Ends a request with a problem."""

    def __init__(self, found: Problem) -> None:
        self.problem = found


class CallerLeft(Exception):
    """The caller hung up before its body was complete; nobody is left to answer."""


class Gate:
    """ASGI middleware. ``document`` is the OpenAPI document; ``desk`` holds the worker's parts once it has started."""

    def __init__(self, app: App, desk: Desk, document: bytes) -> None:
        self.app = app
        self.desk = desk
        self.document = document

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
        headers: Headers = dict(scope["headers"])
        route = find(scope["path"])
        reply = Reply(send, _request_id(headers), scope["method"] == "HEAD")
        try:
            await self._let_in(route, scope, headers, receive, reply)
        except Refused as refused:
            await reply.problem(refused.problem)
        except CallerLeft:
            return
        except (InvalidInput, NotFound, Conflict) as error:
            await reply.problem(from_error(error))
        except Exception as error:
            log.exception("request %s to %s failed", reply.request_id, route.path if route else "nowhere")
            if reply.begun:
                raise
            await reply.problem(from_error(error))
        if self.desk.running:
            seconds = time.perf_counter() - began
            self.desk.running.metrics.requests.labels(route.path if route else "other", str(reply.status)).observe(seconds)

    async def _let_in(self, route: Route | None, scope: Scope, headers: Headers, receive: Receive, reply: Reply) -> None:
        running = self.desk.running
        if running is None:
            raise Refused(problem(503))
        if running.console is not None and in_console(scope["path"]):
            _stay_here(scope, headers, running)
            await running.console(scope, receive, reply.pass_all)
            return
        if route is None:
            raise Refused(problem(404))
        if not route.answers(scope["method"]):
            raise Refused(problem(405, allow=route.allowed))
        caller = _admit(route, scope, headers, running)
        if route.path in PAGES:
            await reply.page(await PAGES[route.path](running))
        elif route.path == DOCS_JSON:
            await reply.page(Page(200, self.document))
        elif route.path in RECORDS:
            await self._recall(route, scope, headers, receive, reply, caller)
        elif route.check is None:
            await self.app(scope, receive, reply.pass_on)
        else:
            await self._serve(route, scope, headers, receive, reply, caller)

    async def _recall(self, route: Route, scope: Scope, headers: Headers, receive: Receive, reply: Reply, caller: str) -> None:
        running, body = self._running(), b""
        if route.takes_body:
            _must_be_json(headers)
            body = await _body(headers, receive, running.settings.max_body_bytes)
        asked = Asked(caller, scope["path"], body, _idempotency(headers, caller, route, body))
        await reply.page(await RECORDS[route.path](running, asked))

    def _running(self) -> Running:
        if self.desk.running is None:
            raise Refused(problem(503))
        return self.desk.running

    async def _serve(self, route: Route, scope: Scope, headers: Headers, receive: Receive, reply: Reply, caller: str) -> None:
        running = self._running()
        _must_be_json(headers)
        body = await _body(headers, receive, running.settings.max_body_bytes)
        request = _idempotency(headers, caller, route, body)
        batch = _checked(route, body, running)
        if running.champion.starting:
            raise Refused(problem(503, "the first model is still being loaded; ask again shortly"))
        if batch is not None:
            if not batch.body:
                await reply.page(Page(200, BatchResult(results=tuple(batch.refused.values())).model_dump_json().encode()))
                return
            body = batch.body
        state: dict[str, Any] = {**scope.get("state", {}), BATCH: batch, REQUEST: request}
        reply.told = lambda: state.get(PROBLEM)
        await self.app(_with_length({**scope, "state": state}, body), _replay(body, receive), reply.pass_on)


class Reply:
    """The way out. What the service answers goes through; its errors are told in our shape instead of its own."""

    def __init__(self, send: Send, request_id: str, head: bool) -> None:
        self.request_id = request_id
        self.begun = False
        self.status = 0
        self.told: Callable[[], Problem | None] = lambda: None
        """What the service has to say of its failure."""
        self._send = send
        self._head = head
        self._withheld: int | None = None

    async def page(self, page: Page, extra: tuple[tuple[bytes, bytes], ...] = ()) -> None:
        headers = [(b"content-type", page.content_type.encode()), (b"content-length", str(len(page.body)).encode()), *extra]
        await self._start({"type": "http.response.start", "status": page.status, "headers": headers})
        await self._send({"type": "http.response.body", "body": b"" if self._head else page.body})

    async def problem(self, found: Problem) -> None:
        await self.page(Page(found.status, found.body(self.request_id), JSON), found.headers)

    async def pass_on(self, message: Message) -> None:
        """``send`` for the service behind the gate."""
        if message["type"] == "http.response.start":
            if message["status"] >= 400:
                self._withheld = message["status"]
            else:
                await self._start(message)
        elif self._withheld is None:
            await self._send(message)
        elif not message.get("more_body", False):
            told = self.told()
            if told is None and self._withheld >= 500:
                log.error("request %s ended with status %d", self.request_id, self._withheld)
            await self.problem(told or problem(self._withheld))

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
        ours = [(b"x-request-id", self.request_id.encode()), (b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff")]
        await self._send({**message, "headers": [*sent, *((name, value) for name, value in ours if name not in there)]})


def in_console(path: str) -> bool:
    return path == CONSOLE or path.startswith(CONSOLE + "/")


def _stay_here(scope: Scope, headers: Headers, running: Running) -> None:
    """Without keys only this machine is served."""
    if not running.settings.api_keys and not comes_from_here(scope.get("client"), headers):
        raise Refused(problem(403, "no API keys are configured, so only callers on this machine are served", code="loopback_only"))


def _admit(route: Route, scope: Scope, headers: Headers, running: Running) -> str:
    """The caller's name."""
    keys = running.settings.api_keys
    here = comes_from_here(scope.get("client"), headers)
    if route.access == "probe" or (here and (not keys or route.path == METRICS)):
        return LOCAL
    _stay_here(scope, headers, running)
    if route.access == "public":
        return LOCAL
    caller = authenticate(headers, keys)
    if caller is None:
        raise Refused(problem(401, www_authenticate="Bearer"))
    if route.access not in caller.scopes:
        raise Refused(problem(403, f"key {caller.name} does not have scope {route.access}"))
    return caller.name


def _idempotency(headers: Headers, caller: str, route: Route, body: bytes) -> Request | None:
    key = headers.get(b"idempotency-key")
    if key is None:
        return None
    if not _IDEMPOTENCY_KEY.match(key):
        mistake = Mistake("Idempotency-Key", key.decode("latin-1"), "1 to 200 visible ASCII characters")
        raise Refused(problem(400, "the request cannot be answered", mistakes=[mistake]))
    return Request(caller, key.decode(), hashlib.sha256(route.path.encode() + b"\n" + body).digest())


def _must_be_json(headers: Headers) -> None:
    sent = headers.get(b"content-type", b"").decode("latin-1")
    kind, _, parameters = sent.partition(";")
    charset = parameters.replace(" ", "").replace('"', "").lower()
    if kind.strip().lower() != JSON or charset not in ("", "charset=utf-8"):
        raise Refused(problem(415, mistakes=[Mistake("Content-Type", sent or None, JSON)]))
    encoding = headers.get(b"content-encoding", b"identity").decode("latin-1")
    if encoding.lower() != "identity":
        raise Refused(problem(415, "the request body must not be compressed", mistakes=[Mistake("Content-Encoding", encoding, "none")]))


async def _body(headers: Headers, receive: Receive, limit: int) -> bytes:
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


def _too_large(limit: int) -> Problem:
    # The rest of the body is not read, so the connection cannot carry another request.
    return problem(413, f"the request body is larger than {limit} bytes", connection="close")


def _checked(route: Route, body: bytes, running: Running) -> Batch | None:
    try:
        batch = route.check(body) if route.check else None
    except InvalidInput as error:
        running.metrics.refused.inc()
        raise Refused(from_error(error)) from None
    if batch and batch.refused:
        running.metrics.refused.inc(len(batch.refused))
    return batch


def _replay(body: bytes, receive: Receive) -> Receive:
    """``receive`` for the service behind the gate: the body already read, then whatever the caller does next."""
    waiting = True

    async def again() -> Message:
        nonlocal waiting
        if waiting:
            waiting = False
            return {"type": "http.request", "body": body, "more_body": False}
        return await receive()

    return again


def _with_length(scope: Scope, body: bytes) -> Scope:
    kept = [(name, value) for name, value in scope["headers"] if name not in (b"content-length", b"transfer-encoding")]
    return {**scope, "headers": [*kept, (b"content-length", str(len(body)).encode())]}


def _request_id(headers: Headers) -> str:
    """The caller's own, when it is harmless to repeat."""
    given = headers.get(b"x-request-id", b"")
    return given.decode() if _REQUEST_ID.match(given) else uuid4().hex
