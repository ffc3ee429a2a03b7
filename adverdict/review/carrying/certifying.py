"""How often a carried verdict would be wrong, by reviews that were read blind; and the certificate that follows from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from sqlalchemy import Connection, select

from adverdict.certification.carrying import CarryingCertificate, CarryingEvidence, certify, speaks_against
from adverdict.clusters import read
from adverdict.domain.errors import InvalidInput, Mistake, NotFound
from adverdict.domain.progress import SILENT, Progress
from adverdict.ledger.bodies.copies import CarriedSide, CarryingBegun, CarryingEnded
from adverdict.ledger.entries import Resolved
from adverdict.ledger.entropy import hexadecimal
from adverdict.ledger.in_force.carrying import carrying, looks
from adverdict.ledger.moments import micros
from adverdict.ledger.schema import entries
from adverdict.ledger.schema import tasks as table
from adverdict.ledger.store import Ledger, Writing, entry_of, entry_query, now
from adverdict.review.carrying.sources import source_of
from adverdict.review.tasks.copies import lone, read_blind
from adverdict.review.tasks.tasks import Task, task_of

VALID = timedelta(days=90)
SIDES: tuple[CarriedSide, ...] = ("approve", "reject")


@dataclass(frozen=True)
class CertifiedSide:
    """What came of one look at one side."""

    side: CarriedSide
    found: CarryingCertificate
    certificate_id: str | None
    """None: nothing is carried on this side."""


def certify_carrying(
    ledger: Ledger, *, limit: float, confidence: float, by: str, clock: Callable[[], datetime] = now, progress: Progress = SILENT
) -> list[CertifiedSide]:
    """Look at the evidence of both sides and put on record how far each is carried from now on. Each look spends some of the error
    allowed, so look when much was read. Raises InvalidInput, Unavailable."""
    mistakes = [Mistake("limit", limit, "a share between 0 and 1, such as 0.05")] if not 0 < limit < 1 else []
    mistakes += [Mistake("confidence", confidence, "a share between 0 and 1, such as 0.95")] if not 0 < confidence < 1 else []
    if mistakes:
        raise InvalidInput("nothing was certified:", mistakes)
    end = ledger.end()[0]
    gathered = evidence(ledger, clock() - VALID, progress)
    with ledger.write() as writing:
        return [_put(writing, side, gathered[side], limit, confidence, end, by, clock()) for side in SIDES]


def watch_carrying(ledger: Ledger, by: str, clock: Callable[[], datetime] = now) -> list[CarriedSide]:
    """End the certificates that what was read since speaks against; which. Raises Unavailable."""
    with ledger.look() as connection:
        holding = {side: one for side, one in carrying(connection).items() if one.holds_at(clock())}
    ended: list[CarriedSide] = []
    for side, one in holding.items():
        since = evidence(ledger, clock() - VALID, after=one.seq)[side]
        if speaks_against(since, one.told.distance, one.told.limit):
            why = f"of {since.wrong.size} copies read blind since it began, people made the opposite of {int(since.wrong.sum())}"
            with ledger.write() as writing:
                writing.append(f"cae-{hexadecimal()}", CarryingEnded(side=side, why=why, by=by), clock())
            ended.append(side)
    return ended


def stop_carrying(ledger: Ledger, side: CarriedSide, why: str, by: str, at: datetime) -> bool:
    """Carry nothing of a side from now on; whether anything was. Raises InvalidInput without a reason."""
    if not why.strip():
        raise InvalidInput("nothing was stopped:", [Mistake("why", why, "a reason: it stays on record")])
    with ledger.write() as writing:
        one = carrying(writing.connection).get(side)
        if one is None or not one.holds_at(at):
            return False
        writing.append(f"cae-{hexadecimal()}", CarryingEnded(side=side, why=why, by=by), at)
        return True


def evidence(ledger: Ledger, since: datetime, progress: Progress = SILENT, *, after: int = 0) -> dict[CarriedSide, CarryingEvidence]:
    """By side: reviews read blind, settled since a moment and after an entry, of copies that had a verdict to be carried by then."""
    rows: dict[CarriedSide, list[tuple[float, bool, str, str]]] = {"approve": [], "reject": []}
    query = entry_query().where(entries.c.kind == Resolved.kind, entries.c.seq > after, entries.c.at >= micros(since))
    with ledger.look() as connection:
        told = [entry_of(row) for row in connection.execute(query.order_by(entries.c.seq))]
        progress.stage("reading what was read blind", max(1, len(told)))
        for entry in told:
            progress.advance()
            body = entry.body
            if not isinstance(body, Resolved) or body.by != "review":
                continue
            task = _task(connection, body.task_id)
            if task is None or not read_blind(connection, task) or not lone(connection, task):
                continue
            source = source_of(connection, task, before=entry.seq)
            if source is not None:
                rows[source.side].append(
                    (source.distance, str(body.verdict) != source.side, _cluster(connection, task), task.advertiser_id)
                )
    return {side: _evidence(some) for side, some in rows.items()}


def _put(
    writing: Writing, side: CarriedSide, gathered: CarryingEvidence, limit: float, confidence: float, end: int, by: str, at: datetime
) -> CertifiedSide:
    look = looks(writing.connection, side) + 1
    found = certify(gathered, limit, confidence, look)
    if found.distance is None:
        seen = f"{found.pairs} copies read blind, of {found.groups} campaigns"
        why = f"at most {limit:.1%} wrong is not shown: of {seen}, people made the opposite of {found.wrong}"
        writing.append(f"cae-{hexadecimal()}", CarryingEnded(side=side, look=look, why=why, by=by), at)
        return CertifiedSide(side, found, None)
    begun = CarryingBegun(
        side=side,
        distance=found.distance,
        limit=limit,
        confidence=confidence,
        pairs=found.pairs,
        wrong=found.wrong,
        groups=found.groups,
        upper=found.upper,
        look=look,
        as_of=end,
        until=micros(at + VALID),
        by=by,
    )
    certificate_id = f"car-{hexadecimal()}"
    writing.append(certificate_id, begun, at)
    return CertifiedSide(side, found, certificate_id)


def _evidence(rows: list[tuple[float, bool, str, str]]) -> CarryingEvidence:
    """With campaigns that share an advertiser as one group."""
    parent: dict[str, str] = {}

    def root(name: str) -> str:
        while parent.setdefault(name, name) != name:
            name = parent[name]
        return name

    for _, _, cluster, advertiser in rows:
        parent[root(f"advertiser {advertiser}")] = root(f"cluster {cluster}")
    names = [root(f"cluster {cluster}") for _, _, cluster, _ in rows]
    numbers = {name: number for number, name in enumerate(dict.fromkeys(names))}
    return CarryingEvidence(
        np.array([row[0] for row in rows], dtype=np.float64),
        np.array([row[1] for row in rows], dtype=np.bool_),
        np.array([numbers[name] for name in names], dtype=np.int64),
    )


def _task(connection: Connection, task_id: str) -> Task | None:
    row = connection.execute(select(table).where(table.c.task_id == task_id)).one_or_none()
    return None if row is None else task_of(row)


def _cluster(connection: Connection, task: Task) -> str:
    try:
        return str(read.cluster_of(connection, read.found(connection, task.about)))
    except NotFound:
        return task.about
