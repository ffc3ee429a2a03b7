"""The workforce page: the next weeks by queue, a scenario beside them, and plans with what they were worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.responses import RedirectResponse, Response

from adverdict.domain.errors import InvalidInput, Mistake, NotFound
from adverdict.serving.console.rendering import HOME
from adverdict.serving.console.visits import Visit
from adverdict.serving.console.words import mistaken
from adverdict.serving.worker.planner import Planned, Planner
from adverdict.workforce.plans.store import plans, scores

PAGE = f"{HOME}/workforce"
PATIENCE = 4.0
"""Seconds a page waits for a plan; then it says that one is being made, and looks again."""
WEEKS = "8"
WIDTH = 120
LATEST = 12
"""Plans shown."""
FIELDS = ("reviews", "factor", "absence", "launch", "like", "ads", "rollout")
ENOUGH = 0.9
"""Share of simulated weeks in which the targets are kept, below which a week is marked."""


@dataclass(frozen=True)
class Band:
    """A week's tasks drawn from 0 to the most of all weeks; in 0..WIDTH."""

    low: float
    mean: float
    high: float


def show(visit: Visit) -> Response:
    """The weeks, once they are planned; plans on record at once."""
    planned: Planned | None = None
    why: tuple[str, list[tuple[str, str, str]]] | None = None
    try:
        planned = _planned(visit, "staff", "--weeks", WEEKS) if visit.parts.planner else None
    except InvalidInput as error:  # nothing that whoever opened the page could mend: it says what is missing
        why = mistaken(str(error))
    scored = scores(visit.parts.ledger)
    latest = [(plan_id, at, body, scored.get(plan_id, [])) for plan_id, at, body in reversed(plans(visit.parts.ledger))][:LATEST]
    able = visit.parts.planner is not None
    values: dict[str, Any] = {"planned": planned, "plans": latest, "known": _asked(visit), "enough": ENOUGH, "able": able, "why": why}
    if planned is None:
        return visit.page("workforce_counting.html", "Workforce", **values)
    weeks = planned.figures["weeks"]
    return visit.page("workforce.html", "Workforce", weeks=weeks, bands=bands(weeks), queues=weeks[0]["queues"] if weeks else (), **values)


def scenario(visit: Visit) -> Response:
    """A change beside what stands, from the fields of the form in the address."""
    planned = _planned(visit, "scenario", "--weeks", WEEKS, *arguments(_asked(visit)))
    if planned is None:
        return visit.page("workforce_counting.html", "Workforce", planned=None, plans=(), known=_asked(visit), enough=ENOUGH, able=True)
    before, after = (planned.figures[name] for name in ("before", "after"))
    pairs = list(zip(before["weeks"], after["weeks"], strict=True))
    refusal = planned.figures["refusal"]
    return visit.page(
        "workforce_scenario.html", "Workforce", planned=planned, change=after["change"], pairs=pairs, refusal=refusal, enough=ENOUGH
    )


def save(visit: Visit) -> Response:
    """Put the plan of the next weeks on record."""
    name = visit.field("name").strip()
    if not name:
        raise InvalidInput("no plan was saved:", [Mistake("name", name, "a name by which people will know it")])
    _planned(visit, "plan", "save", f"--name={name}", "--weeks", WEEKS, f"--by={visit.session.name}", patience=60.0)
    return RedirectResponse(PAGE, status_code=303)


def arguments(asked: Mapping[str, str]) -> list[str]:
    """Of the command, from the form. What is blank is not asked. Raises InvalidInput where nothing is."""
    found = []
    if asked["reviews"]:
        found.append(f"--reviews={asked['reviews'].upper()}={asked['factor'] or '1'}")
    if asked["launch"]:
        found += [f"--launch={asked['launch'].upper()}", f"--like={asked['like'].upper()}"]
        found += [f"--ads-per-day={asked['ads']}"] if asked["ads"] else []
    if asked["rollout"]:
        found.append(f"--rollout={asked['rollout']}")
    if asked["absence"]:
        found.append(f"--absence={asked['absence']}")
    if not found:
        raise InvalidInput(
            "no change was named:", [Mistake("change", "(none)", "more reviews in a market, a launch, a roll-out, or absence")]
        )
    return found


def bands(weeks: Sequence[Mapping[str, Any]]) -> list[Band]:
    top = max((week["high"] for week in weeks), default=0.0) or 1.0
    return [Band(*(round(WIDTH * week[name] / top, 1) for name in ("low", "tasks", "high"))) for week in weeks]


def _asked(visit: Visit) -> dict[str, str]:
    return {name: visit.asked(name).strip() for name in FIELDS}


def _planned(visit: Visit, *arguments: str, patience: float | None = None) -> Planned | None:
    planner: Planner | None = visit.parts.planner
    if planner is None:
        raise NotFound("Nothing can be planned here.")
    return planner.get(*arguments, patience=PATIENCE if patience is None else patience)
