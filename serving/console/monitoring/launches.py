"""The board of launches: by the day on which they open, with what is missing, whose it is, by when, and what it costs."""

from __future__ import annotations

from starlette.responses import Response

from adverdict.ledger.bodies.launch import GateStatus
from adverdict.monitoring.launch.record import latest, launches, missing
from adverdict.serving.console.visits import Visit

WORDS = {GateStatus.OK: "there", GateStatus.PEOPLE: "people decide", GateStatus.TODO: "to do", GateStatus.MISSING: "missing"}


def show(visit: Visit) -> Response:
    today = visit.parts.clock().date()
    found = latest(launches(visit.parts.ledger))
    ahead = [one for one in found if one.told.opens >= today]
    past = [one for one in reversed(found) if one.told.opens < today]
    return visit.page("launches.html", "Launches", ahead=ahead, past=past, words=WORDS, missing=missing, today=today)
