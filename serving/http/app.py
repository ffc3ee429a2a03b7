"""The service as one Starlette application: every address it answers. One that is not here does not exist.

A request's way: ``Envelope`` -> route -> ``Guards`` -> ``EndpointApp`` -> the handler in ``score``, ``records``, ``brakes`` or ``pages``
-> ``worker.intake`` -> ``scoring.scorer``.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from adverdict.domain.decision import Decision
from adverdict.serving.draining import STAYING, Draining
from adverdict.serving.http import openapi
from adverdict.serving.http.endpoint import JSON, PUBLIC, Call, Endpoint
from adverdict.serving.http.endpoints import (
    brakes,
    changes,
    check,
    monitoring,
    pages,
    records,
    rollouts,
    score,
    signals,
    strikes,
    workforce,
)
from adverdict.serving.http.envelope import Envelope
from adverdict.serving.http.errors import Refused, problem
from adverdict.serving.http.guards import CALL, Guards
from adverdict.serving.tracing import Tracer
from adverdict.serving.worker.metrics import OTHER
from adverdict.serving.worker.runtime import RuntimeSlot

log = logging.getLogger("adverdict.http")

ICON = "/favicon.ico"
ENDPOINTS = (
    *score.endpoints,
    *records.endpoints,
    *changes.endpoints,
    *check.endpoints,
    *signals.endpoints,
    *brakes.endpoints,
    *strikes.endpoints,
    *rollouts.endpoints,
    *workforce.endpoints,
    *monitoring.endpoints,
    *pages.endpoints,
)


def application(
    slot: RuntimeSlot, behind: Starlette, version: str, draining: Draining = STAYING, tracer: Tracer | None = None
) -> Starlette:
    """``slot`` holds the worker's parts once it has started. ``behind``: BentoML's application, which starts and stops the worker.
    ``draining``: whether this server is leaving. ``tracer``: None: nothing is traced."""
    theirs = BentoPages(behind)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with behind.router.lifespan_context(behind):
            yield

    envelope = partial(Envelope, slot=slot, draining=draining, tracer=tracer)
    app = Application(
        direct={(one.method, one.path): _guarded(one, slot) for one in ENDPOINTS if one.waits},
        envelope=envelope,
        routes=[
            *(_route(endpoint, slot) for endpoint in (*ENDPOINTS, *openapi.documentation(ENDPOINTS, version))),
            # Swagger UI's own files, as BentoML carries them, and what BentoML's own client asks for first.
            Route("/static_content/{file:path}", Guards(theirs, slot, "/static_content/", PUBLIC), methods=["GET"]),
            Route("/schema.json", Guards(theirs, slot, "/schema.json", PUBLIC), methods=["GET"]),
            *(Route(path, Guards(console, slot, OTHER, PUBLIC)) for path in ("/console", "/console/{page:path}")),
            *(Route(path, Guards(front, slot, OTHER, PUBLIC), methods=["GET"]) for path in ("/", ICON)),
        ],
        middleware=[Middleware(envelope)],
        exception_handlers={HTTPException: _left_to_the_envelope},
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False  # they would lead to whatever the Host header says
    return app


class Application(Starlette):
    """``direct``: addresses, by method and path, that are asked all the time: found at once, without a list of routes to go through."""

    def __init__(self, *, direct: Mapping[tuple[str, str], Guards], envelope: Callable[[ASGIApp], Envelope], **how: Any) -> None:
        super().__init__(**how)
        self._direct = {address: (guards, envelope(guards)) for address, guards in direct.items()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        found = self._direct.get((scope["method"], scope["path"])) if scope["type"] == "http" else None
        if found is None:
            await super().__call__(scope, receive, send)
            return
        guards, envelope = found
        scope.update(app=self, endpoint=guards, path_params={})  # as a route says
        await envelope(scope, receive, send)


def _route(endpoint: Endpoint, slot: RuntimeSlot) -> Route:
    return Route(endpoint.path, _guarded(endpoint, slot), methods=[endpoint.method])


def _guarded(endpoint: Endpoint, slot: RuntimeSlot) -> Guards:
    return Guards(
        EndpointApp(endpoint),
        slot,
        endpoint.label,
        endpoint.access,
        takes_body=endpoint.takes is not None,
        waits=endpoint.waits,
        open_here=endpoint.open_here,
        besides=endpoint.scopes,
    )


class EndpointApp:
    """An endpoint's handler as an ASGI application."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        call: Call = scope[CALL]
        if self.endpoint.takes is None:
            answer = await self.endpoint.handler(call)
        else:
            answer = await self.endpoint.handler(call, self.endpoint.takes.read((await receive())["body"]))
        if isinstance(answer, Response):
            await answer(scope, receive, send)
            return
        body = answer.json_text if isinstance(answer, Decision) else answer.model_dump_json().encode()
        headers = [(b"content-length", b"%d" % len(body)), (b"content-type", JSON.encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})


class BentoPages:
    """BentoML's own pages. Its errors are told in our shape instead of its own."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        withheld = 0

        async def unless_failed(message: Message) -> None:
            nonlocal withheld
            if message["type"] == "http.response.start" and message["status"] >= 400:
                withheld = message["status"]
            if not withheld:
                await send(message)

        await self.app(dict(scope), receive, unless_failed)
        if withheld >= 500:
            log.error("a page of BentoML's ended with status %d", withheld)
        if withheld:
            raise Refused(problem(withheld))


async def console(scope: Scope, receive: Receive, send: Send) -> None:
    """The pages for people, which exist where there is a ledger; their errors are pages, too."""
    call: Call = scope[CALL]
    if call.runtime.console is None:
        raise Refused(problem(404))
    await call.runtime.console(dict(scope), receive, send)


async def front(scope: Scope, receive: Receive, send: Send) -> None:
    """What browsers ask for by themselves: where the console is, and its sign. Nothing is there for who asks for no page."""
    call: Call = scope[CALL]
    wants = dict(scope["headers"]).get(b"accept", b"")
    if call.runtime.console is None or (scope["path"] == "/" and b"text/html" not in wants):
        raise Refused(problem(404))
    target = "/console" if scope["path"] == "/" else "/console/static/mark.svg"
    await RedirectResponse(target, status_code=307)(scope, receive, send)


async def _left_to_the_envelope(request: Request, error: Exception) -> Response:
    """Starlette's own errors, no such address and no such method, leave like all others."""
    raise error
