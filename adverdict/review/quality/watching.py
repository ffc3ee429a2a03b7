"""The certificates in force, watched: their audits gathered from the ledger, what these show again renewed, what they speak against doubted
and then revoked.

Nowhere else are certificates moved by evidence. What nobody reads any more, because its rescoring was undone or its ad erased, counts
nowhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from pydantic import JsonValue
from sqlalchemy import Connection, select

from adverdict.certification.certificate import Certificate
from adverdict.domain.formats import percent
from adverdict.domain.standing import Standing
from adverdict.domain.verdict import Verdict
from adverdict.ledger.entries import CertificateMoved, CertificateRevoked, DecisionMade, Entry, Resolved
from adverdict.ledger.history import end_of
from adverdict.ledger.in_force.steering import move, revoke, steering_at
from adverdict.ledger.moments import micros
from adverdict.ledger.schema import entries
from adverdict.ledger.schema import tasks as table
from adverdict.ledger.store import Ledger, entry_of, entry_query, now, withdrawn
from adverdict.review.period import about_each, decisions_of, pages
from adverdict.review.quality.standing import Approved, AuditedAd, CertificateStanding, day_of, standings
from adverdict.review.tasks.tasks import CHUNK, UNFINISHED

BY = "audits"
"""Who revokes, on record."""
OF_AUDIT = ("audit", "double", "senior")
"""Kinds of tasks of an audit's case."""


def watch(
    ledger: Ledger, certificates: Sequence[Certificate], log: AuditLog, clock: Callable[[], datetime] = now
) -> list[CertificateStanding]:
    """How they stand now. What the audits have moved is put on record before this returns; doing so twice changes nothing. Raises
    Unavailable."""
    found = look(ledger, certificates, log, clock)
    for one in found:
        if one.on_record:
            continue
        if one.standing is Standing.REVOKED:
            with ledger.write() as writing:
                revoke(writing, one.certificate_id, _why(one), BY, clock(), _evidence(one))
        elif one.standing.holds and not one.provisional:
            told = CertificateMoved(
                certificate_id=one.certificate_id,
                standing=one.standing,  # type: ignore[arg-type]  # those that hold are the three there are
                until=one.ends_at,
                why=one.sentence,
                evidence=_evidence(one),
                by=BY,
            )
            with ledger.write() as writing:
                move(writing, told, clock())
    return found


def look(
    ledger: Ledger, certificates: Sequence[Certificate], log: AuditLog, clock: Callable[[], datetime] = now
) -> list[CertificateStanding]:
    """The same without putting anything on record: what is to be revoked is ``revoked`` here already. Raises Unavailable."""
    if not certificates:
        return []
    with ledger.look() as connection:
        audited = log.read(connection, min(one.solved_at for one in certificates))
        moved = steering_at(connection).moved
        return standings(certificates, audited, _revocations(connection), moved, clock(), end_of(connection))


class AuditLog:
    """The audited ads of a ledger, for looking at them again and again: what was decided is read once, what was said every time."""

    def __init__(self) -> None:
        self._approved: dict[str, Approved | None] = {}

    def read(self, connection: Connection, since: datetime) -> list[AuditedAd]:
        """Those whose audits were opened since then, without those that were withdrawn or erased."""
        states = _cases(connection, since)
        self._approved = {one: self._approved[one] for one in states if one in self._approved}
        for page in pages(sorted(states.keys() - self._approved.keys()), CHUNK):
            made = decisions_of(connection, page)
            self._approved |= {one: _approved(made[one]) if one in made else None for one in page}
        ended = withdrawn(connection)
        here = {one: told for one in states if (told := self._approved[one]) is not None and told.step not in ended}
        said = about_each(connection, here, (Resolved.kind,))
        found = []
        for one, told in here.items():
            if states[one] & set(UNFINISHED):
                found.append(AuditedAd(told, open=True))
            elif "done" in states[one]:
                found.append(AuditedAd(told, open=False, violated=_violated(said.get(one, ()))))
        return found


def _cases(connection: Connection, since: datetime) -> dict[str, set[str]]:
    """Decision -> the states of its audit's tasks."""
    audits = select(table.c.about).where(table.c.kind == "audit", table.c.opened_at >= micros(since))
    rows = connection.execute(
        select(table.c.about, table.c.state).where(table.c.kind.in_(OF_AUDIT), table.c.drawn.is_(None), table.c.about.in_(audits))
    )
    states: dict[str, set[str]] = {}
    for row in rows:
        states.setdefault(row.about, set()).add(row.state)
    return states


def _approved(made: DecisionMade) -> Approved | None:
    decision = made.decision
    if decision.verdict is not Verdict.APPROVE or decision.audit is None or not decision.audit.chosen or not made.first:
        return None
    named = frozenset(one.certificate_id for one in decision.policies if one.certificate_id is not None)
    return Approved(day_of(decision.decided_at), decision.audit.probability, named, made.step)


def _violated(told: Iterable[Entry]) -> tuple[str, ...]:
    """What people found in the end; none where the verdict stands."""
    settled = [entry.body for entry in told if isinstance(entry.body, Resolved) and entry.body.by == "audit"]
    return settled[-1].violated if settled and settled[-1].verdict is Verdict.REJECT else ()


def _revocations(connection: Connection) -> dict[str, datetime]:
    found = map(entry_of, connection.execute(entry_query().where(entries.c.kind == CertificateRevoked.kind)))
    return {entry.body.certificate_id: entry.at for entry in found if isinstance(entry.body, CertificateRevoked)}


def _why(one: CertificateStanding) -> str:
    return f"the audits speak against it: of {one.audited:,} audited ads that it approved {one.errors:,} violate, and at most " + (
        f"{percent(one.limit)} may"
    )


def _evidence(one: CertificateStanding) -> dict[str, JsonValue]:
    return {
        "against": one.evidence_against,
        "for": one.evidence_for,
        "limit": one.limit,
        "audited": one.audited,
        "errors": one.errors,
        "open": one.open,
        "until": one.until.isoformat() if one.until else None,
        "as_of_seq": one.seq,
    }
