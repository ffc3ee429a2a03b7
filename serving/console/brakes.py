"""The brakes page: what is left to people, since when and by whom; put one on, let one go."""

from __future__ import annotations

from starlette.responses import RedirectResponse, Response

from adverdict.clusters.braking import asked_for_copies
from adverdict.decisions.steering import BrakeSide
from adverdict.ledger.in_force.steering import brake, release
from adverdict.serving.console.banner import LOOKED_AT, brakes_shown, held_back
from adverdict.serving.console.rendering import HOME
from adverdict.serving.console.visits import Visit

PAGE = f"{HOME}/brakes"


def show(visit: Visit) -> Response:
    held, of = held_back(visit.parts.ledger, brakes_shown(visit.parts.ledger))
    return visit.page(
        "brakes.html",
        "Brakes",
        book=visit.parts.book,
        sides=list(BrakeSide),
        now=visit.parts.clock(),
        held=held,
        of=of,
        most=LOOKED_AT,
        cluster=visit.asked("cluster"),
    )


def put_on(visit: Visit) -> Response:
    with visit.parts.ledger.look() as connection:
        told = asked_for_copies(
            connection,
            visit.parts.book,
            side=visit.field("side"),
            policy=visit.field("policy"),
            market=visit.field("market"),
            surface=visit.field("surface"),
            cluster=visit.field("cluster"),
            why=visit.field("why"),
            by=visit.session.name,
            follows=visit.parts.follows_copies,
        )
    with visit.parts.ledger.write() as writing:
        brake(writing, told, visit.parts.clock())
    return RedirectResponse(PAGE, status_code=303)


def take_off(visit: Visit) -> Response:
    with visit.parts.ledger.write() as writing:
        release(writing, visit.field("brake"), visit.field("why"), visit.session.name, visit.parts.clock())
    return RedirectResponse(PAGE, status_code=303)
