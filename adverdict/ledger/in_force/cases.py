"""Cases of new kinds of ads on record: opened once each, moved by people, and how each stands."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Connection

from adverdict.domain.errors import Conflict, InvalidInput, Mistake, NotFound
from adverdict.ledger.bodies.emerging import CaseMoved, CaseOpened, CaseState
from adverdict.ledger.entropy import hexadecimal
from adverdict.ledger.schema import entries
from adverdict.ledger.store import Writing, entry_of, entry_query

SETTLED = timedelta(days=28)
TOP = 5
"""Phrases by which a case is known again."""


@dataclass
class Case:
    """One case and what became of it, in order."""

    case_id: str
    opened_at: datetime
    told: CaseOpened
    moves: list[tuple[datetime, CaseMoved]] = field(default_factory=list)

    @property
    def state(self) -> CaseState:
        return self.moves[-1][1].state if self.moves else CaseState.OPEN

    @property
    def ended(self) -> bool:
        return self.state in (CaseState.EXPLAINED, CaseState.CLOSED)

    def same(self, told: CaseOpened, at: datetime) -> bool:
        """Whether it is about the same kind: the same cluster, or of the first phrases one is shared. What the model has hardly seen is one
        kind for as long as its case is open, or ``SETTLED`` after it was opened: a year later it may be another."""
        if told.cluster is not None and self.told.cluster == told.cluster:
            return True
        if self.told.language != told.language:
            return False
        if not set(self.told.phrases[:TOP]).isdisjoint(told.phrases[:TOP]):
            return True
        alike = told.strange is not None and self.told.strange == told.strange
        return alike and (not self.ended or at - self.opened_at < SETTLED)


def cases(connection: Connection) -> list[Case]:
    """Every case, oldest first."""
    found: dict[str, Case] = {}
    query = entry_query().where(entries.c.kind.in_((CaseOpened.kind, CaseMoved.kind))).order_by(entries.c.seq)
    for entry in map(entry_of, connection.execute(query)):
        if isinstance(entry.body, CaseOpened):
            found[entry.entry_id] = Case(entry.entry_id, entry.at, entry.body)
        elif isinstance(entry.body, CaseMoved) and entry.body.case in found:
            found[entry.body.case].moves.append((entry.at, entry.body))
    return list(found.values())


def open_case(writing: Writing, told: CaseOpened, at: datetime) -> str | None:
    """The new case's id; None where there is one of the same kind, ended or not: what people said of it stands."""
    if any(one.same(told, at) for one in cases(writing.connection)):
        return None
    case_id = f"cas-{hexadecimal()}"
    writing.append(case_id, told, at)
    writing.flush()
    return case_id


def move_case(writing: Writing, told: CaseMoved, at: datetime) -> int:
    """Say what became of a case: the seq of the entry. Raises NotFound, InvalidInput without a reason, Conflict once it is closed."""
    wrong = []
    if not told.why.strip():
        wrong.append(Mistake("why", told.why, "a reason: it stays on record"))
    if told.state is CaseState.OPEN:
        wrong.append(Mistake("state", told.state, f"one of {', '.join(state for state in CaseState if state is not CaseState.OPEN)}"))
    if wrong:
        raise InvalidInput("the case stays as it is:", wrong)
    case = next((one for one in cases(writing.connection) if one.case_id == told.case), None)
    if case is None:
        raise NotFound(f"no case {told.case}: adverdict monitor emerging list shows them")
    if case.state is CaseState.CLOSED:
        raise Conflict(f"case {told.case} is closed already")
    return writing.append(f"cst-{hexadecimal()}", told, at)
