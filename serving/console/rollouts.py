"""The pages of roll-outs: all of them, and one with what it changes, what its guards say and what may be done to it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, get_args

from pydantic import JsonValue
from starlette.responses import RedirectResponse, Response

from adverdict.decisions.rollout import Role
from adverdict.domain.errors import InvalidInput, Mistake
from adverdict.ledger.in_force.rollouts import Rollout, rollouts_now
from adverdict.ledger.readiness import unready
from adverdict.ledger.store import Writing
from adverdict.rollout.stages import steps
from adverdict.rollout.stages.entering import enter
from adverdict.rollout.stages.freezes import frozen
from adverdict.rollout.stages.guards import Look
from adverdict.rollout.stages.watch import Watched, look, sentence
from adverdict.serving.console.banner import has_decided, repaired
from adverdict.serving.console.rendering import HOME
from adverdict.serving.console.visits import Visit

PAGE = f"{HOME}/rollouts"
SHOWN = 50
"""Differences of a shadow on one page."""


@dataclass(frozen=True, slots=True)
class GuardShown:
    """A guard as a bar: how far its evidence is on the way to the line at which it ends the roll-out, on a logarithmic axis from one,
    which is no evidence at all."""

    name: str
    told: str
    evidence: float
    bar: float
    state: str
    width: float
    """In [0, 1]."""

    @classmethod
    def of(cls, one: Look) -> GuardShown:
        state = "ends it" if one.ends else "shown to be kept" if one.clears else "cannot tell"
        reach = math.log(max(one.against, 1.0)) / math.log(one.bar)
        return cls(one.guard.name, sentence(one), one.against, one.bar, state, min(reach, 1.0))


def listed(visit: Visit) -> Response:
    told = rollouts_now(visit.parts.ledger)
    return visit.page("rollouts.html", "Rollouts", told=told, rollouts=list(reversed(list(told.by_id.values()))), now=visit.parts.clock())


def show(visit: Visit) -> Response:
    one = rollouts_now(visit.parts.ledger)[visit.named("rollout")]
    at, number = visit.parts.clock(), 0 if one.stage is None else one.stage.number + 1
    seen = look(visit.parts.ledger, one, at, freezes=visit.parts.freezes)
    missing = steps.missing_signatures(one, next(iter(one.proposal.plan.stages[number:]), None))
    return visit.page(
        "rollout.html",
        "Rollouts",
        seen=seen,
        one=one,
        guards=[GuardShown.of(each) for each in seen.looks],
        evidence=seen.told(),
        differ=seen.shadow.differ[-SHOWN:] if seen.shadow else (),
        predicted=_predicted(seen),
        roles=get_args(Role),
        missing=missing,
        emergency=bool(one.proposal.severe) and (bool(missing) or frozen(visit.parts.freezes, at, one.proposal.markets) is not None),
        decided=has_decided(one),
        repaired=repaired(visit.parts.ledger, one),
        able=visit.parts.rolling is not None,
        **_workers(visit, one),
        now=at,
    )


def _workers(visit: Visit, one: Rollout) -> dict[str, Any]:
    """How many workers have said whether a model that has not begun to decide is loaded, and why those have not that lack it."""
    bundle = one.proposal.candidate.bundle_version
    if not one.brings_model or bundle is None or one.state not in ("proposed", "under way"):
        return {"heard": None, "lacking": []}
    with visit.parts.ledger.look() as connection:
        heard, lacking = unready(connection, bundle, visit.parts.clock())
    return {"heard": heard, "lacking": lacking}


def _predicted(seen: Watched) -> dict[str, Any] | None:
    """The change of what goes to people, beside what has come of it: first ads of both arms."""
    said: Any = seen.rollout.proposal.predicted.get("to_people")
    scored: Any = seen.told()["predicted"]
    return {**said, "scored": scored} if isinstance(said, dict) else None


def sign(visit: Visit) -> Response:
    agrees = {"agree": True, "refuse": False}.get(visit.field("agrees"))
    if agrees is None:
        raise InvalidInput("nothing was signed:", [Mistake("agrees", visit.field("agrees"), "agree or refuse")])
    return _done(
        visit, lambda writing, its_id, by, at: steps.sign(writing, its_id, visit.field("role"), agrees, visit.field("why"), by, at)
    )


def advance(visit: Visit) -> Response:
    parts, its_id = visit.parts, _confirmed(visit, "advance")

    def evidence() -> dict[str, JsonValue]:
        return look(parts.ledger, rollouts_now(parts.ledger)[its_id], parts.clock(), freezes=parts.freezes).told()

    name, why = visit.session.name, visit.field("why")
    enter(
        parts.ledger,
        its_id,
        why,
        name,
        parts.clock,
        evidence,
        capacity=parts.capacity,
        freezes=parts.freezes,
        emergency=visit.field("emergency") == "yes",
    )
    return RedirectResponse(f"{PAGE}/{its_id}", status_code=303)


def pause(visit: Visit) -> Response:
    return _done(visit, lambda writing, its_id, by, at: steps.pause(writing, its_id, visit.field("why"), by, at))


def resume(visit: Visit) -> Response:
    return _done(visit, lambda writing, its_id, by, at: steps.resume(writing, its_id, visit.field("why"), by, at))


def abort(visit: Visit) -> Response:
    return _done(visit, lambda writing, its_id, by, at: steps.abort(writing, its_id, visit.field("why"), by, at), typed="abort")


def _done(visit: Visit, step: Callable[[Writing, str, str, datetime], object], typed: str | None = None) -> Response:
    """``typed``: the word that somebody must have written, so that nobody does it by a slip."""
    its_id = _confirmed(visit, typed) if typed is not None else visit.named("rollout")
    with visit.parts.ledger.write() as writing:
        step(writing, its_id, visit.session.name, visit.parts.clock())
    return RedirectResponse(f"{PAGE}/{its_id}", status_code=303)


def _confirmed(visit: Visit, word: str) -> str:
    """The roll-out's id. Raises InvalidInput unless the word was typed."""
    if visit.field("confirm").strip().lower() != word:
        raise InvalidInput("nothing was done:", [Mistake("confirm", visit.field("confirm"), f"the word {word}, typed")])
    return visit.named("rollout")
