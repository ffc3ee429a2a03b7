"""The gate every request passes: address, caller, body, then whoever answers; and the one shape every error leaves in."""

from __future__ import annotations

import logging
import time

from adverdict.domain.errors import AdverdictError
from adverdict.serving.access import authenticate, comes_from_here
from adverdict.serving.asgi import App, Receive, Scope, Send
from adverdict.serving.http.errors import Refused, from_error, problem
from adverdict.serving.http.incoming import CallerLeft, Headers, idempotency, must_be_json, patience, read_body, request_id
from adverdict.serving.http.pages import PAGES, Page
from adverdict.serving.http.records import RECORDS, Asked
from adverdict.serving.http.reply import Reply
from adverdict.serving.http.routes import CONSOLE, DOCS_JSON, METRICS, Route, find
from adverdict.serving.http.score import SCORING
from adverdict.serving.worker.pressure import TurnedAway
from adverdict.serving.worker.running import Desk, Running

log = logging.getLogger("adverdict.http")

ANSWERS = {**SCORING, **RECORDS}
"""Who answers what needs more than a page."""
LOCAL = "local"
"""Name of callers on this machine while no keys are configured."""


class Gate:
    """ASGI application. ``document`` is the OpenAPI document; ``desk`` holds the worker's parts once it has started.

    ``app`` is BentoML's: it starts and stops the worker and keeps the files of its own pages. What is answered here never enters it, since
    a request costs it more than everything else together: spans, contexts and a validation of its own.
    """

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
        reply = Reply(send, request_id(headers), scope["method"] == "HEAD")
        try:
            await self._let_in(route, scope, headers, receive, reply)
        except Refused as refused:
            await reply.problem(refused.problem)
        except CallerLeft:
            return
        except TurnedAway as error:
            if self.desk.running:
                self.desk.running.metrics.turned_away.labels(error.code).inc()
            await reply.problem(from_error(error))
        except AdverdictError as error:
            await reply.problem(from_error(error))
        except Exception as error:
            log.exception("request %s to %s failed", reply.request_id, route.path if route else "nowhere")
            if reply.begun:
                raise
            await reply.problem(from_error(error))
        if self.desk.running:
            self.desk.running.metrics.answered(route.path if route else "other", reply.status, time.perf_counter() - began)

    async def _let_in(self, route: Route | None, scope: Scope, headers: Headers, receive: Receive, reply: Reply) -> None:
        running = self._running()
        if running.console is not None and in_console(scope["path"]):
            _stay_here(scope, headers, running)
            await running.console(scope, receive, reply.pass_all)
            return
        if route is None:
            raise Refused(problem(404))
        if not route.answers(scope["method"]):
            raise Refused(problem(405, allow=route.allowed))
        caller = _admit(route, scope, headers, running)
        if route.path in ANSWERS:
            asked = await _asked(route, scope, headers, receive, running, caller)
            await reply.page(await ANSWERS[route.path](running, asked))
        elif route.path in PAGES:
            await reply.page(await PAGES[route.path](running))
        elif route.path == DOCS_JSON:
            await reply.page(Page(200, self.document))
        else:
            await self.app(scope, receive, reply.pass_on)

    def _running(self) -> Running:
        if self.desk.running is None:
            raise Refused(problem(503))
        return self.desk.running


async def _asked(route: Route, scope: Scope, headers: Headers, receive: Receive, running: Running, caller: str) -> Asked:
    until, body = None, b""
    if route.path in SCORING:
        seconds, pressure = patience(headers), running.intake.pressure
        until = None if seconds is None else pressure.clock() + seconds
        pressure.admit(until=until)  # once more when the ads are known; now it costs no parsing
    if route.takes_body:
        must_be_json(headers)
        body = await read_body(headers, receive, running.settings.max_body_bytes)
    return Asked(caller, scope["path"], body, idempotency(headers, caller, route, body), until)


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
