"""What a request passes between its address and its handler, cheapest first: who calls, room in the line, the body, the idempotency key."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from adverdict.domain.errors import Unavailable
from adverdict.serving.access import authenticate, comes_from_here
from adverdict.serving.http.endpoint import LOCAL, PROBE, PUBLIC, Access, Call
from adverdict.serving.http.errors import Refused, problem
from adverdict.serving.http.incoming import Headers, idempotency, must_be_json, patience, read_body
from adverdict.serving.worker.runtime import RuntimeSlot, WorkerRuntime

CALL = "adverdict.call"
"""Where a scope holds the ``Call`` of a request that was let in."""


HEADERS = "adverdict.headers"
"""Where it holds the headers by name, which ``Envelope`` has put there."""


class Guards:
    """ASGI middleware around one address, which ``label`` names where requests are counted and in idempotency keys.

    ``takes_body``: it is read, and comes to ``app`` whole in one message. ``waits``: the request stands in line to be decided, so it is
    refused where waiting is vain. ``open_here``: this machine is let in without a key, whatever the scope. ``besides``:
    scopes that will do as well as ``access``.
    """

    def __init__(
        self,
        app: ASGIApp,
        slot: RuntimeSlot,
        label: str,
        access: Access,
        *,
        takes_body: bool = False,
        waits: bool = False,
        open_here: bool = False,
        besides: Sequence[Access] = (),
    ) -> None:
        self.app = app
        self.slot = slot
        self.label = label
        self.access = access
        self.takes_body = takes_body
        self.waits = waits
        self.open_here = open_here
        self.scopes = {access, *besides}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        runtime, headers = at_work(self.slot), scope[HEADERS]
        caller = self._admit(scope, headers, runtime)
        until = _room(runtime, headers) if self.waits else None
        request = None
        if self.takes_body:
            must_be_json(headers)
            body = await read_body(headers, receive, runtime.settings.max_body_bytes)
            request, receive = idempotency(headers, caller, self.label, body), _whole(body)
        scope[CALL] = Call(runtime, caller, scope["path_params"], request, until, scope["query_string"])
        await self.app(scope, receive, send)

    def _admit(self, scope: Scope, headers: Headers, runtime: WorkerRuntime) -> str:
        """The caller's name. Raises Refused: 401 or 403."""
        keys = runtime.settings.api_keys
        if self.access == PROBE:
            return LOCAL
        if (not keys or self.open_here) and comes_from_here(scope.get("client"), headers):
            return LOCAL
        if not keys:
            raise Refused(problem(403, "no API keys are configured, so only callers on this machine are served", code="loopback_only"))
        if self.access == PUBLIC:
            return LOCAL
        caller = authenticate(headers, keys)
        if caller is None:
            raise Refused(problem(401, www_authenticate="Bearer"))
        if self.scopes.isdisjoint(caller.scopes):
            raise Refused(problem(403, f"key {caller.name} does not have scope {' or '.join(sorted(self.scopes, reverse=True))}"))
        return caller.name


def at_work(slot: RuntimeSlot) -> WorkerRuntime:
    """The worker's parts. Raises Unavailable before it has started and when it has stopped."""
    if slot.runtime is None:
        raise Unavailable("the worker has not started, or has stopped")
    return slot.runtime


def _room(runtime: WorkerRuntime, headers: Headers) -> float | None:
    """When the caller stops waiting. Raises TurnedAway where it would wait in vain: its body is not read, let alone parsed."""
    seconds, admission = patience(headers), runtime.intake.admission
    until = None if seconds is None else admission.clock() + seconds
    admission.admit(until=until)  # once more when the ads are known
    return until


def _whole(body: bytes) -> Receive:
    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive
