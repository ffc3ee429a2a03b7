"""Taking back, from a decision's page: what people made of it, with all that was carried from it; and the strikes of its advertiser."""

from __future__ import annotations

from starlette.responses import RedirectResponse, Response

from adverdict.domain.errors import InvalidInput, Mistake, NotFound
from adverdict.ledger.entries import DecisionMade
from adverdict.ledger.in_force.strikes import lift
from adverdict.ledger.in_force.struck import AdvertiserStrikes, strikes_against
from adverdict.ledger.store import find
from adverdict.review.carrying.unwind import hanging, unwind
from adverdict.serving.console.rendering import HOME
from adverdict.serving.console.visits import Visit

MAY = ("policy",)
"""Scope that it asks for."""


def strikes_of(visit: Visit, advertiser: str) -> AdvertiserStrikes:
    with visit.parts.ledger.look() as connection:
        return strikes_against(connection, visit.parts.book, advertiser, visit.parts.clock())


def lifted(visit: Visit) -> Response:
    """Of the advertiser whose ad it is: the address names the decision, not the advertiser."""
    decision_id = visit.named("decision_id")
    with visit.parts.ledger.write() as writing:
        body = find(writing.connection, decision_id).body
        if not isinstance(body, DecisionMade):
            raise NotFound("No such decision is on record, or its content was erased.")
        lift(writing, body.ad.advertiser_id, visit.field("why"), visit.session.name, visit.parts.clock())
    return RedirectResponse(f"{HOME}/decisions/{decision_id}", status_code=303)


def asked(visit: Visit) -> Response:
    """A second look before anything is taken back: how much that is."""
    decision_id = visit.named("decision_id")
    with visit.parts.ledger.look() as connection:
        carried, along = hanging(connection, decision_id)
    return visit.page("unwind.html", "Decisions", decision_id=decision_id, carried=carried, along=along)


def unwound(visit: Visit) -> Response:
    decision_id, parts = visit.named("decision_id"), visit.parts
    if visit.field("sure") != "yes":
        raise InvalidInput("nothing was taken back:", [Mistake("sure", visit.field("sure") or None, "the tick that says so")])
    unwind(
        parts.ledger,
        decision_id,
        why=visit.field("why"),
        by=visit.session.name,
        book=parts.policies,
        settings=parts.review,
        clock=parts.clock,
    )
    return RedirectResponse(f"{HOME}/decisions/{decision_id}#history", status_code=303)
