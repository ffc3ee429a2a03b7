"""Logging in and out."""

from __future__ import annotations

import math
import secrets

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from adverdict.domain.keys import ApiKey
from adverdict.serving.access import authenticate
from adverdict.serving.attempts import Attempts
from adverdict.serving.console import sessions
from adverdict.serving.console.parts import Parts
from adverdict.serving.console.rendering import HOME, render, tabs_of
from adverdict.serving.console.safety import Form, must_be_ours, one, read_form
from adverdict.serving.console.sessions import COOKIE, LASTS, Session
from adverdict.serving.console.visits import current, failure, from_here, refusal

BEFORE = "adverdict_login"
"""Cookie that ties the login form to the browser it was shown in: nobody can be logged in as somebody else by a stranger's form."""
USABLE = ("review", "policy", "plan", "admin")


async def home(request: Request) -> Response:
    """The first page whoever comes here may see."""
    session = await run_in_threadpool(_current, request)
    open_to = tabs_of(session)
    first = open_to[0].path if open_to else f"{HOME}/login"
    return RedirectResponse(f"{first}/day" if first == f"{HOME}/review" else first, status_code=303)  # nobody is given a task unasked


async def login(request: Request) -> Response:
    if request.method != "POST":
        return _form(request)
    try:
        form = await read_form(request)
        return await run_in_threadpool(_enter, request, form)
    except Exception as error:
        return failure(error, None)


async def logout(request: Request) -> Response:
    try:
        form = await read_form(request)
        return await run_in_threadpool(_leave, request, form)
    except Exception as error:
        return failure(error, None)


def _enter(request: Request, form: Form) -> Response:
    parts: Parts = request.app.state.parts
    attempts: Attempts = request.app.state.attempts
    must_be_ours(request, form, request.cookies.get(BEFORE, ""))
    address = str(request.client.host) if request.client else ""
    if not parts.api_keys:
        if not from_here(request):
            return refusal(403, "Only on this machine", "No API keys are configured, so the console is open to this machine only.")
        return _welcome(request, None, USABLE)
    key = _key(one(form, "key"), parts)
    wait = attempts.wait(address, key.name if key else None).total_seconds()
    if wait > 0:
        answer = _form(request, f"Too many keys were wrong. Try again in {math.ceil(wait)} s.", status=429)
        answer.headers["retry-after"] = str(math.ceil(wait))
        return answer
    if key is None:
        attempts.failed(address)
        return _form(request, "No such key.", status=403)
    if not key.scopes & set(USABLE):
        return _form(request, f"The key {key.name} opens no page here: it has none of the scopes {', '.join(USABLE)}.", status=403)
    attempts.succeeded(address, key.name)
    return _welcome(request, key, tuple(key.scopes))


def _key(presented: str, parts: Parts) -> ApiKey | None:
    try:
        return authenticate({b"x-api-key": presented.strip().encode("ascii")}, parts.api_keys)
    except UnicodeEncodeError:
        return None


def _welcome(request: Request, key: ApiKey | None, scopes: tuple[str, ...]) -> Response:
    parts: Parts = request.app.state.parts
    token = sessions.begin(parts.ledger, key, scopes, parts.clock())
    answer = RedirectResponse(HOME, status_code=303)
    answer.set_cookie(
        COOKIE, token, max_age=int(LASTS.total_seconds()), path=HOME, secure=_encrypted(request), httponly=True, samesite="strict"
    )
    answer.delete_cookie(BEFORE, path=HOME)
    return answer


def _leave(request: Request, form: Form) -> Response:
    parts: Parts = request.app.state.parts
    session = current(parts, request)
    if session is not None:
        must_be_ours(request, form, session.csrf)
        sessions.end(parts.ledger, request.cookies.get(COOKIE), parts.api_keys)
    answer = RedirectResponse(f"{HOME}/login", status_code=303)
    answer.delete_cookie(COOKIE, path=HOME)
    return answer


def _form(request: Request, wrong: str = "", status: int = 200) -> Response:
    parts: Parts = request.app.state.parts
    token = request.cookies.get(BEFORE) or secrets.token_urlsafe(32)
    answer = render("login.html", status=status, csrf=token, keys=bool(parts.api_keys), local=from_here(request), wrong=wrong)
    answer.set_cookie(BEFORE, token, max_age=3600, path=HOME, secure=_encrypted(request), httponly=True, samesite="strict")
    return answer


def _encrypted(request: Request) -> bool:
    """Whether the browser's end of the way is https; a proxy's word is enough, as believing it only makes the cookie stricter."""
    return request.url.scheme == "https" or request.headers.get("x-forwarded-proto", "").startswith("https")


def _current(request: Request) -> Session | None:
    return current(request.app.state.parts, request)
