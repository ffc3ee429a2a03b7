"""The board of launches: by the day on which they open, with what is missing, whose it is, by when, and what it costs; and a check of one.

A check is the command line's, in a process of its own: it plans weeks of people. So it refuses what the command refuses, in its words.
"""

from __future__ import annotations

from typing import Any

from starlette.responses import RedirectResponse, Response

from adverdict.domain.errors import InvalidInput, NotFound
from adverdict.ledger.bodies.launch import GateStatus
from adverdict.monitoring.launch.record import latest, launches, missing
from adverdict.serving.console.rendering import HOME
from adverdict.serving.console.visits import Visit
from adverdict.serving.console.words import mistaken

PAGE = f"{HOME}/launches"
PATIENCE = 20.0
"""Seconds that whoever asks waits; then the board says that it is being checked, and has it once it is on record."""
WORDS = {GateStatus.OK: "there", GateStatus.PEOPLE: "people decide", GateStatus.TODO: "to do", GateStatus.MISSING: "missing"}
KINDS = ("market", "surface", "product")
FIELDS = ("what", "name", "in", "languages", "like", "ads_per_day", "date")
NOTHING = dict.fromkeys(FIELDS, "")


def show(visit: Visit) -> Response:
    return _page(visit, NOTHING, checking=visit.asked("checking") == "1")


def check(visit: Visit) -> Response:
    """Put a check on record. What cannot be checked is said on the page, with all that was entered."""
    checker = visit.parts.launches
    if checker is None:
        raise NotFound("Nothing can be checked here.")
    asked = {name: visit.field(name).strip() for name in FIELDS}
    try:
        done = checker.get(*arguments(asked), f"--by={visit.session.name}", patience=PATIENCE)
    except InvalidInput as error:
        return _page(visit, asked, status=400, why=mistaken(str(error)))
    return RedirectResponse(PAGE if done else f"{PAGE}?checking=1", status_code=303)


def arguments(asked: dict[str, str]) -> list[str]:
    """Of ``adverdict launch``. What is blank is not said, so that the command says what it expected."""
    kind = asked["what"] if asked["what"] in KINDS else KINDS[0]
    name = asked["name"].upper() if kind == "market" else asked["name"]
    told = {"in": asked["in"].upper(), "like": asked["like"].upper()}
    found = ["check", f"--ads-per-day={asked['ads_per_day']}", f"--date={asked['date']}", f"--languages={asked['languages']}"]
    found += [f"--{kind}={name}"] if name else []
    return found + [f"--{option}={value}" for option, value in told.items() if value]


def _page(
    visit: Visit,
    asked: dict[str, str],
    *,
    status: int = 200,
    why: tuple[str, list[tuple[str, str, str]]] | None = None,
    checking: bool = False,
) -> Response:
    today = visit.parts.clock().date()
    found = latest(launches(visit.parts.ledger))
    ahead = [one for one in found if one.told.opens >= today]
    past = [one for one in reversed(found) if one.told.opens < today]
    form: dict[str, Any] = {"asked": asked, "kinds": KINDS, "why": why, "able": visit.parts.launches is not None, "checking": checking}
    return visit.page("launches.html", "Launches", status, ahead=ahead, past=past, words=WORDS, missing=missing, today=today, **form)
