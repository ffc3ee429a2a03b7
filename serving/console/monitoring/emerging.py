"""New kinds of ads as cards: examples, who and where, labels to make, a draft of a policy, and what became of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from starlette.responses import RedirectResponse, Response

from adverdict.domain.ad import Ad
from adverdict.domain.errors import InvalidInput, Mistake
from adverdict.ledger.bodies.emerging import CaseMoved, CaseState, Marked
from adverdict.ledger.in_force.cases import Case, cases, move_case
from adverdict.ledger.in_force.probing import OUTCOMES, end, notices
from adverdict.monitoring.case_labels import case_labels, label_case
from adverdict.review.period import Period, decisions_of, entries_in
from adverdict.serving.console.rendering import HOME
from adverdict.serving.console.visits import Visit

MOVES = tuple(str(state) for state in CaseState if state is not CaseState.OPEN)
ENDED = 20
"""Of the cases that are over, those shown."""
DAYS = 28
"""Of which marks are counted."""
SHOWN = 4
"""Examples of a case."""


@dataclass(frozen=True, slots=True)
class Example:
    """One ad of a case; None: it was erased."""

    decision_id: str
    ad: Ad | None


def show(visit: Visit) -> Response:
    now = visit.parts.clock()
    with visit.parts.ledger.look() as connection:
        found = list(reversed(cases(connection)))
        wanted = {name for case in found for name in case.told.examples[:SHOWN]}
        made, probing = decisions_of(connection, wanted), notices(connection)
    marks = sum(isinstance(one.body, Marked) for one in entries_in(visit.parts.ledger, Period(now - timedelta(days=DAYS)), (Marked.kind,)))
    ads = {name: one.ad for name, one in made.items()}
    labels = {case.case_id: case_labels(visit.parts.ledger, case.case_id) for case in found if not case.ended}
    return visit.page(
        "emerging.html",
        "Emerging",
        still_open=[(case, _examples(case, ads)) for case in found if not case.ended],
        ended=[(case, _examples(case, ads)) for case in found if case.ended][:ENDED],
        marks=marks,
        labels=labels,
        probing=[one for one in probing if one.holds(now)],
        outcomes=OUTCOMES,
        days=DAYS,
        states=MOVES,
    )


def move(visit: Visit) -> Response:
    """Say what became of a case."""
    state = visit.field("state")
    if state not in MOVES:
        raise InvalidInput("the case stays as it is:", [Mistake("state", state, f"one of {', '.join(MOVES)}")])
    link = visit.field("link").strip() or None
    told = CaseMoved(case=visit.named("case"), state=CaseState(state), why=visit.field("why"), link=link, by=visit.session.name)
    with visit.parts.ledger.write() as writing:
        move_case(writing, told, visit.parts.clock())
    return RedirectResponse(f"{HOME}/emerging", status_code=303)


def label(visit: Visit) -> Response:
    """Put what is left of a case's budget of labels into the queue."""
    parts, case = visit.parts, visit.named("case")
    label_case(parts.ledger, case, None, parts.book, parts.queue.settings, visit.session.name, parts.clock())
    return RedirectResponse(f"{HOME}/emerging", status_code=303)


def end_probing(visit: Visit) -> Response:
    """Say what an advertiser was trying out."""
    with visit.parts.ledger.write() as writing:
        end(writing, visit.named("probing"), visit.field("outcome"), visit.field("why"), visit.session.name, visit.parts.clock())
    return RedirectResponse(f"{HOME}/emerging", status_code=303)


def _examples(case: Case, ads: Mapping[str, Ad]) -> list[Example]:
    return [Example(name, ads.get(name)) for name in case.told.examples[:SHOWN]]
