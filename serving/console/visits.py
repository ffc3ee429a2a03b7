"""From a request to a page's function and back: session, role, form, and every error as a page."""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from adverdict.domain.errors import AdverdictError, Conflict, InvalidInput, NotFound, Unavailable
from adverdict.serving.access import comes_from_here
from adverdict.serving.console import sessions
from adverdict.serving.console.banner import brakes_shown, notices
from adverdict.serving.console.parts import Parts
from adverdict.serving.console.rendering import HOME, render
from adverdict.serving.console.safety import UNKEEPABLE, ForgedForm, Form, keepable, must_be_ours, one, read_form
from adverdict.serving.console.sessions import COOKIE, LOCAL, Session
from adverdict.serving.console.words import mistaken

log = logging.getLogger("adverdict.console")

Endpoint = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True)
class Visit:
    """A request of somebody who is logged in and may make it. ``form`` is empty unless it is a POST, and then it is ours."""

    parts: Parts
    session: Session
    request: Request
    form: Form

    def field(self, name: str) -> str:
        """From the form, which holds nothing that cannot be kept: see ``read_form``."""
        return one(self.form, name)

    def asked(self, name: str) -> str:
        """From the address. Raises InvalidInput for what no text may hold."""
        return keepable(self.request.query_params.get(name, ""), name)

    def named(self, name: str) -> str:
        """From the address's path. Raises NotFound for what no id of ours holds."""
        told = str(self.request.path_params[name])
        if UNKEEPABLE.search(told):
            raise NotFound("There is nothing of that name.")
        return told

    def page(self, template: str, here: str, status: int = 200, **values: Any) -> Response:
        brakes, said = brakes_shown(self.parts.ledger), notices(self.parts.ledger, self.parts.clock())
        usual = {"now": self.parts.clock(), "titles": self.titles, "simulated": self.simulated}
        return render(template, session=self.session, here=here, status=status, brakes=brakes, notices=said, **{**usual, **values})

    @property
    def simulated(self) -> bool:
        """Whether the model in service learnt from made-up ads."""
        loaded = self.parts.champion.state.loaded
        manifest = getattr(loaded.scorer.model, "manifest", None) if loaded else None
        return manifest is not None and any(entry.made_up for entry in manifest.data)

    @property
    def titles(self) -> dict[str, str]:
        """What policies are called, by their names: as some market has them."""
        return {policy.name: policy.title for _, _, policy in self.parts.book.every()}

    @property
    def quick(self) -> bool:
        """Whether a script asks, which wants no page around the answer."""
        return self.request.headers.get("x-console") == "quick"


def page(act: Callable[[Visit], Response], *scopes: str) -> Endpoint:
    """``act``, which may block, as an endpoint for whoever holds one of ``scopes``."""

    async def endpoint(request: Request) -> Response:
        parts: Parts = request.app.state.parts
        try:
            if request.method == "POST" and await run_in_threadpool(current, parts, request) is None:
                return _log_in_first(request)  # nothing of a stranger's form is read
            form = await read_form(request) if request.method == "POST" else {}
        except InvalidInput as error:
            return refusal(400, "This cannot be read", str(error))
        except Exception as error:
            return failure(error, None)
        return await run_in_threadpool(_visit, parts, request, form, act, scopes)

    return endpoint


def _visit(parts: Parts, request: Request, form: Form, act: Callable[[Visit], Response], scopes: tuple[str, ...]) -> Response:
    session = None
    try:
        session = current(parts, request)
        if session is None:
            return _log_in_first(request)
        if request.method == "POST":
            must_be_ours(request, form, session.csrf)
        if scopes and not session.may(*scopes):
            told = f"The key {session.name} has none of the scopes this page asks for: {', '.join((*scopes, sessions.ADMIN))}."
            return refusal(403, "Not with this key", told, session)
        return act(Visit(parts, session, request, form))
    except Exception as error:
        return failure(error, session)


def current(parts: Parts, request: Request) -> Session | None:
    """Who is logged in. The session of this machine is worth nothing elsewhere."""
    session = sessions.find(parts.ledger, request.cookies.get(COOKIE), parts.api_keys, parts.clock())
    return None if session is not None and session.name == LOCAL and not parts.api_keys and not from_here(request) else session


def from_here(request: Request) -> bool:
    return comes_from_here(request.scope.get("client"), dict(request.scope["headers"]))


def _log_in_first(request: Request) -> Response:
    if request.headers.get("x-console") == "quick":
        return refusal(401, "Logged out", "Your session has ended. Log in again.")
    return RedirectResponse(f"{HOME}/login", status_code=303)


def failure(error: Exception, session: Session | None) -> Response:
    """An error as a page. What a database or a template complains of may repeat an ad, so it is neither shown nor logged."""
    match error:
        case ForgedForm():
            return refusal(403, "Not sent from here", str(error), session)
        case NotFound():
            return refusal(404, "Not found", str(error), session)
        case Conflict():
            return refusal(409, "Not now", str(error), session)
        case InvalidInput():
            return refusal(400, "This cannot be right", str(error), session)
        case Unavailable():
            log.warning("a page could not be made: %s", error)
            return refusal(503, "Not available just now", "A part of the service does not answer. Try again shortly.", session)
    where = traceback.extract_tb(error.__traceback__)
    log.error("a page failed with %s at %s", type(error).__name__, json.dumps([f"{at.filename}:{at.lineno}" for at in where[-6:]]))
    title = "Something went wrong here" if not isinstance(error, AdverdictError) else "This could not be done"
    return refusal(500, title, "It was logged. Nothing you entered was recorded.", session)


def refusal(status: int, title: str, told: str, session: Session | None = None) -> Response:
    said, wrong = mistaken(told)
    return render("refusal.html", session=session, status=status, title=title, told=said, wrong=wrong)
