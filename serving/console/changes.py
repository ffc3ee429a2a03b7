"""The page of changes: what was told to whom, what nobody has taken yet, and the last changes there were."""

from __future__ import annotations

from starlette.responses import RedirectResponse, Response

from adverdict.delivery.outbox import drop, retry, standings, undelivered
from adverdict.domain.errors import InvalidInput, Mistake
from adverdict.ledger.changes import changes_after, span
from adverdict.serving.console.rendering import HOME
from adverdict.serving.console.visits import Visit

PAGE = f"{HOME}/changes"
LATEST = 30
"""Changes shown."""


def show(visit: Visit) -> Response:
    ledger = visit.parts.ledger
    with ledger.look() as connection:
        last = span(connection)[1]
        latest = changes_after(connection, max(0, last - LATEST), LATEST)
    return visit.page(
        "changes.html",
        "Changes",
        receivers=standings(ledger),
        undelivered=undelivered(ledger),
        latest=list(reversed(latest)),
        now=visit.parts.clock(),
    )


def again(visit: Visit) -> Response:
    """Try one message again, or everything of a receiver."""
    seq = visit.field("seq")
    retry(visit.parts.ledger, visit.field("receiver"), _number(seq) if seq else None, visit.parts.clock())
    return RedirectResponse(PAGE, status_code=303)


def let_go(visit: Visit) -> Response:
    """Let one message go, so that what waits behind it is told."""
    seq = _number(visit.field("seq"))
    drop(visit.parts.ledger, visit.field("receiver"), seq, visit.field("why"), visit.session.name, visit.parts.clock())
    return RedirectResponse(PAGE, status_code=303)


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise InvalidInput("nothing was done:", [Mistake("seq", text, "the number of a message")])
    return int(text)
