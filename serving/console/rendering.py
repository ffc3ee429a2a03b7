"""Templates to pages. Everything is escaped unless a template says otherwise, and none does."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment
from starlette.responses import HTMLResponse

from adverdict.decisions.markets import market_name, named_market
from adverdict.domain.formats import day, moment, roughly
from adverdict.review.reasons.marking import pieces
from adverdict.serving.console import words
from adverdict.serving.console.banner import BrakeShown, Notice
from adverdict.serving.console.sessions import Session
from adverdict.storage.pages import environment, variables

HOME = "/console"
KINDS = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml"}


@dataclass(frozen=True, slots=True)
class Tab:
    """An entry of the navigation."""

    name: str
    path: str
    scopes: tuple[str, ...]


TABS = (
    Tab("Today", f"{HOME}/today", ("policy",)),
    Tab("Review", f"{HOME}/review", ("review",)),
    Tab("Queues", f"{HOME}/queues", ("review", "policy", "plan")),
    Tab("Decisions", f"{HOME}/decisions", ("review", "policy")),
    Tab("Policies", f"{HOME}/policies", ("policy",)),
    Tab("Models", f"{HOME}/models", ("policy",)),
    Tab("Quality", f"{HOME}/quality", ("policy",)),
    Tab("Health", f"{HOME}/health", ("policy",)),
    Tab("Emerging", f"{HOME}/emerging", ("policy",)),
    Tab("Rollouts", f"{HOME}/rollouts", ("policy",)),
    Tab("Launches", f"{HOME}/launches", ("policy",)),
    Tab("Workforce", f"{HOME}/workforce", ("policy", "plan")),
    Tab("Changes", f"{HOME}/changes", ("policy",)),
    Tab("Brakes", f"{HOME}/brakes", ("policy",)),
)


def tabs_of(session: Session | None) -> tuple[Tab, ...]:
    return tuple(tab for tab in TABS if session is not None and session.may(*tab.scopes))


def render(
    template: str,
    *,
    session: Session | None = None,
    status: int = 200,
    here: str = "",
    brakes: Sequence[BrakeShown] = (),
    notices: Sequence[Notice] = (),
    **values: Any,
) -> HTMLResponse:
    """``here``: name of the tab that is open."""
    values = {"now": None, "titles": {}, "simulated": False, **values}
    frame = {"session": session, "tabs": tabs_of(session), "here": here, "home": HOME, "brakes": brakes, "notices": notices}
    return HTMLResponse(_environment().get_template(template).render(**frame, **values), status_code=status)


@cache
def statics() -> dict[str, tuple[bytes, str]]:
    """Our own files by name, with their content type. Read once: nothing outside this list can be asked for."""
    folder = files("adverdict.serving.console").joinpath("static")
    found = {item.name: item.read_bytes() for item in folder.iterdir() if item.name.rpartition(".")[2] in KINDS}
    found["console.css"] = variables().encode() + found["console.css"]
    return {name: (content, KINDS[name.rpartition(".")[2]]) for name, content in found.items()}


def static_url(name: str) -> str:
    """With the content's digest, so that a browser keeps a file for as long as it is the same."""
    return f"{HOME}/static/{name}?v={hashlib.sha256(statics()[name][0]).hexdigest()[:12]}"


@cache
def _environment() -> Environment:
    names = (
        "span",
        "ago",
        "between",
        "percent",
        "risk",
        "count",
        "many",
        "worth",
        "said",
        "named",
        "signed",
        "unfamiliar",
        "missing",
        "odds",
        "direction",
        "figure",
        "plainly",
    )
    filters = {name: getattr(words, name) for name in names} | {"seen": pieces, "moment": moment, "day": day, "roughly": roughly}
    filters |= {"market": market_name, "named_market": named_market}
    made = environment("adverdict.serving.console", filters, folder="templates")
    made.globals["static"] = static_url
    return made
