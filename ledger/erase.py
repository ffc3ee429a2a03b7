"""Erasing what entries say, on an advertiser's request or because it is old. The chain keeps a salted digest and stays verifiable.

A decision goes with everything that was recorded about it, its tasks, and the idempotency keys it answered. Golden items stay: their ads
are the platform's choice, and it replaces them.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, Engine, Select, delete, exists, func, or_, select
from sqlalchemy.exc import OperationalError

from domain.errors import InvalidInput, Mistake
from ledger.database import BUSY_MS
from ledger.entries import Answered, DecisionMade, Erased
from ledger.moments import micros
from ledger.schema import contents, entries, golden, idempotency, kept, tasks
from ledger.store import Ledger, Writing, keep

Forget = Callable[[bytes, str], bytes]
"""A kept history without an advertiser."""
BATCH = 5_000
"""Contents erased in one transaction, each with an entry of its own: whoever decides ads waits for one batch at most."""
PART = 500
"""Values named in one statement."""
HISTORY = "history"
UNDER_WAY = ("open", "leased")
TOUCHED = (contents, tasks, idempotency, kept)
"""Tables that rows are deleted from."""


@dataclass(frozen=True)
class Erasure:
    """What was erased."""

    contents: int = 0
    tasks: int = 0
    keys: int = 0
    """Of idempotency."""
    entry_ids: tuple[str, ...] = ()
    """Of the entries that say so."""
    history: str | None = None
    """Digest of the history kept from now on; None: it is the same."""
    held_back: int = 0
    """Old decisions that stay because somebody is still to answer a task about them."""
    golden: int = 0
    """Golden items that show an ad of the advertiser, still."""
    traces: bool = False
    """Whether pieces may be left in the database's files: they were not written anew, or somebody was reading them."""


@dataclass(frozen=True)
class _Order:
    """What is asked for, and how it is said in the chain."""

    advertiser: str | None
    before: datetime | None
    why: str
    by: str
    now: datetime


def erase(
    ledger: Ledger,
    *,
    advertiser: str | None = None,
    before: datetime | None = None,
    why: str,
    by: str,
    now: datetime,
    forget: Forget | None = None,
    rewrite: bool = True,
) -> Erasure:
    """Erase what is about an ``advertiser``, or about decisions made ``before`` a moment, or about those that are both.

    ``why`` and ``by`` stay in the chain. ``forget`` takes the advertiser out of the kept history, which is left alone without it and
    when ``before`` is given. ``rewrite``: also compact the database, so that no piece of it stays in its files. Raises InvalidInput,
    Unavailable.
    """
    _check(advertiser, before, why, now)
    order = _Order(advertiser, before, why, by, now)
    done = Erasure()
    if advertiser is not None and before is None and forget is not None:
        done = _first_with_history(ledger, order, advertiser, forget)
    while True:
        with ledger.write() as writing:
            part = _part(writing, order, None)
        done = _sum(done, part)
        if not part.contents:
            break
    with ledger.look() as connection:
        done = replace(done, held_back=_held_back(connection, order), golden=_golden(connection, advertiser))
    return replace(done, traces=not (rewrite and compact(ledger)))


def compact(ledger: Ledger) -> bool:
    """Write the tables anew, without what was deleted: pages keep pieces of rows that were moved within them. True when it was done.

    Takes about as long as copying the database, and as much room; nobody writes meanwhile, and on PostgreSQL nobody reads. There, the
    server's own log keeps old rows until it is recycled.
    """
    return _compact_sqlite(ledger.engine) if ledger.engine.dialect.name == "sqlite" else _compact_postgres(ledger.engine)


def _compact_sqlite(engine: Engine) -> bool:
    with closing(engine.raw_connection()) as connection:  # ours would begin a transaction, and these cannot be in one
        driver: Any = connection.driver_connection
        try:
            driver.execute("VACUUM")
            busy, _, _ = driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        except sqlite3.OperationalError:  # somebody is in the way
            return False
        return not busy


def _compact_postgres(engine: Engine) -> bool:
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql(f"SET lock_timeout = {BUSY_MS}")
        try:
            connection.exec_driver_sql(f"VACUUM FULL {', '.join(table.name for table in TOUCHED)}")
        except OperationalError:
            return False
        finally:
            connection.exec_driver_sql("RESET lock_timeout")
        return True


def _check(advertiser: str | None, before: datetime | None, why: str, now: datetime) -> None:
    mistakes = []
    if before is not None and before > now:
        mistakes.append(Mistake("before", before.isoformat(), "a moment that has passed"))
    if advertiser is None and before is None:
        mistakes.append(Mistake("advertiser, before", None, "at least one of them"))
    if not why.strip():
        mistakes.append(Mistake("why", why, "a reason, which stays in the chain"))
    if advertiser is not None and advertiser in why:
        mistakes.append(Mistake("why", why, "a reason that does not name the advertiser: it stays in the chain"))
    if mistakes:
        raise InvalidInput("nothing was erased:", mistakes)


def _first_with_history(ledger: Ledger, order: _Order, advertiser: str, forget: Forget) -> Erasure:
    """The first part, and the kept history in the same transaction. It is rewritten beforehand, as that takes a while."""
    from ledger.history import base

    with ledger.look() as connection:
        digest = base(connection)
        rewritten = None if digest is None else forget(_kept(connection, digest), advertiser)
    with ledger.write() as writing:
        if digest != base(writing.connection):  # somebody else has erased meanwhile
            digest = base(writing.connection)
            rewritten = None if digest is None else forget(_kept(writing.connection, digest), advertiser)
        new = None if rewritten is None else hashlib.sha256(rewritten).hexdigest()
        if new is not None and rewritten is not None and new != digest:
            keep(writing.connection, HISTORY, new, rewritten, order.now)
            writing.connection.execute(delete(kept).where(kept.c.kind == HISTORY, kept.c.digest != new))
        return _part(writing, order, None if new == digest else new)


def _part(writing: Writing, order: _Order, history: str | None) -> Erasure:
    """Up to ``BATCH`` contents and what hangs on them; no entry when there is nothing to say."""
    connection = writing.connection
    rows = connection.execute(_selected(connection, order).order_by(contents.c.seq).limit(BATCH)).all()
    gone = _delete_tasks(connection, order, [row.about for row in rows if row.kind == DecisionMade.kind])
    if not rows and history is None:
        return Erasure(tasks=gone)
    keys = _delete_keys(connection, {row.entry_id: row.at for row in rows})
    told = runs([row.seq for row in rows])
    for first, last in told:
        connection.execute(delete(contents).where(contents.c.seq.between(first, last)))
    entry_id = f"ers-{uuid4().hex}"
    writing.append(entry_id, Erased(seqs=tuple(told), why=order.why, by=order.by, history=history), order.now)
    return Erasure(len(rows), gone, keys, (entry_id,), history)


def runs(seqs: Sequence[int]) -> list[tuple[int, int]]:
    """Sorted numbers as first and last of each unbroken run."""
    found: list[tuple[int, int]] = []
    for seq in seqs:
        if found and seq == found[-1][1] + 1:
            found[-1] = found[-1][0], seq
        else:
            found.append((seq, seq))
    return found


def _selected(connection: Connection, order: _Order) -> Select[Any]:
    query = select(contents.c.seq, contents.c.about, entries.c.kind, entries.c.entry_id, entries.c.at)
    query = query.join(entries, entries.c.seq == contents.c.seq)
    if order.advertiser is not None:
        query = query.where(contents.c.advertiser_id == order.advertiser)
    if order.before is not None:
        decision = entries.alias("decision")
        of_golden = (decision.c.seq.is_(None)) & (entries.c.kind == Answered.kind) & (entries.c.at < micros(order.before))
        query = query.outerjoin(decision, (decision.c.entry_id == contents.c.about) & (decision.c.kind == DecisionMade.kind))
        query = query.where(or_((decision.c.at < micros(order.before)) & ~_under_way(contents.c.about), of_golden))
    return query


def _under_way(about: Any) -> Any:
    return exists().where(tasks.c.about == about, tasks.c.state.in_(UNDER_WAY))


def _delete_tasks(connection: Connection, order: _Order, decisions: Sequence[str]) -> int:
    """Those about the decisions, and all of an advertiser who is erased altogether."""
    gone = 0
    for start in range(0, len(decisions), PART):
        gone += connection.execute(delete(tasks).where(tasks.c.about.in_(decisions[start : start + PART]))).rowcount
    if order.before is None:
        gone += connection.execute(delete(tasks).where(tasks.c.advertiser_id == order.advertiser)).rowcount
    return gone


def _delete_keys(connection: Connection, erased: dict[str, int]) -> int:
    """Idempotency keys that any of these entries answered; ``erased``: their times by id. Few are young enough to have a key still."""
    oldest = connection.execute(select(func.min(idempotency.c.at))).scalar()
    young = {entry_id for entry_id, at in erased.items() if oldest is not None and at >= oldest}
    if not young:
        return 0
    since = min(erased[entry_id] for entry_id in young)
    query = select(idempotency.c.caller, idempotency.c.key, idempotency.c.entry_ids).where(idempotency.c.at >= since)
    found = [row for row in connection.execute(query) if not young.isdisjoint(json.loads(row.entry_ids))]
    for row in found:
        connection.execute(delete(idempotency).where(idempotency.c.caller == row.caller, idempotency.c.key == row.key))
    return len(found)


def _held_back(connection: Connection, order: _Order) -> int:
    if order.before is None:
        return 0
    query = select(func.count()).select_from(contents.join(entries, entries.c.seq == contents.c.seq))
    query = query.where(entries.c.kind == DecisionMade.kind, entries.c.at < micros(order.before))
    if order.advertiser is not None:
        query = query.where(contents.c.advertiser_id == order.advertiser)
    return connection.execute(query).scalar_one()


def _golden(connection: Connection, advertiser: str | None) -> int:
    if advertiser is None:
        return 0
    return sum(json.loads(ad)["advertiser_id"] == advertiser for (ad,) in connection.execute(select(golden.c.ad)))


def _kept(connection: Connection, digest: str) -> bytes:
    return bytes(connection.execute(select(kept.c.body).where(kept.c.kind == HISTORY, kept.c.digest == digest)).scalar_one())


def _sum(one: Erasure, two: Erasure) -> Erasure:
    return Erasure(
        one.contents + two.contents,
        one.tasks + two.tasks,
        one.keys + two.keys,
        one.entry_ids + two.entry_ids,
        one.history or two.history,
    )
