"""Erasing what entries say, on an advertiser's request or because it is old. The chain keeps a salted digest and stays verifiable.

A decision goes with everything that was recorded about it, its tasks, the pictures that no other ad shows, the idempotency keys it
answered, and what was kept to tell others of its ad, who are told that it was erased. Golden items stay: their ads
are the platform's choice, and it replaces them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple
from uuid import uuid4

from sqlalchemy import Connection, Row, Select, bindparam, delete, exists, func, or_, select

from adverdict.domain.errors import InvalidInput, Mistake
from adverdict.domain.identity import number_of
from adverdict.ledger.changes import erased
from adverdict.ledger.compact import compact
from adverdict.ledger.entries import Answered, DecisionMade, Erased
from adverdict.ledger.moments import micros
from adverdict.ledger.pictures import forget as forget_pictures
from adverdict.ledger.schema import contents, entries, golden, idempotency, kept, monitoring_counted, probes, tasks
from adverdict.ledger.store import Ledger, Writing, keep, recall

Forget = Callable[[bytes, str], bytes]
"""A kept history without an advertiser."""
BATCH = 5_000
"""Contents erased in one transaction, each with an entry of its own: whoever decides ads waits for one batch at most."""
PART = 500
"""Values named in one statement."""
HISTORY = "history"
UNDER_WAY = ("open", "leased")


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
    pictures: int = 0
    """Creatives whose pictures went: no other ad on record shows them."""
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


class _Key(NamedTuple):
    """An idempotency key that answered with an entry which goes."""

    caller: str
    key: str
    entry_ids: frozenset[str | None]


@dataclass(frozen=True)
class _Rewritten:
    """The kept history without the advertiser."""

    was: str | None
    """Digest of the one it was made from; None: there is none."""
    body: bytes = b""

    @property
    def digest(self) -> str | None:
        return None if self.was is None else hashlib.sha256(self.body).hexdigest()


@dataclass(frozen=True)
class _ErasureBatch:
    """What is to go next, as it was seen before anybody had to wait."""

    rows: Sequence[Row[Any]]
    """Up to ``BATCH``, in the order of the chain."""
    keys: Sequence[_Key]
    tasks: bool
    """Whether there are tasks of an advertiser who is erased altogether."""
    history: _Rewritten | None
    """None: it is left alone."""

    @property
    def anything(self) -> bool:
        return bool(self.rows) or self.tasks or (self.history is not None and self.history.digest != self.history.was)


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
    rewriting = forget if before is None else None
    done, after = Erasure(), 0
    while True:
        with ledger.look() as connection:
            found = _found(connection, order, after, rewriting)
        if found.anything:
            with ledger.write() as writing:
                done = _sum(done, _part(writing, order, found, rewriting))
        if not found.rows:
            break
        after, rewriting = found.rows[-1].seq, None
    with ledger.look() as connection:
        done = replace(done, held_back=_held_back(connection, order), golden=_golden(connection, advertiser))
    return replace(done, traces=not (rewrite and compact(ledger)))


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


def _found(connection: Connection, order: _Order, after: int, forget: Forget | None) -> _ErasureBatch:
    """From the entry ``after`` on. Nobody waits for this: going through all contents, or rewriting a history, takes a while."""
    query = _selected(order).where(contents.c.seq > after).order_by(contents.c.seq).limit(BATCH)
    rows = connection.execute(query).all()
    theirs = select(tasks.c.task_id).where(tasks.c.advertiser_id == order.advertiser).limit(1)
    has_tasks = order.before is None and connection.execute(theirs).first() is not None
    history = None if forget is None else _rewritten(connection, order, forget)
    return _ErasureBatch(rows, _keys(connection, {row.entry_id: row.at for row in rows}), has_tasks, history)


def _part(writing: Writing, order: _Order, found: _ErasureBatch, forget: Forget | None) -> Erasure:
    """What was found and is still to go, and what hangs on it; no entry when there is nothing to say."""
    connection = writing.connection
    history = None if found.history is None or forget is None else _replace_history(connection, order, found.history, forget)
    rows = _still(connection, order, [row.seq for row in found.rows])
    ads = {row.ad_id for row in rows if row.kind == DecisionMade.kind}
    decisions = [row.about for row in rows if row.kind == DecisionMade.kind]
    gone, pictures = _delete_tasks(connection, order, decisions), forget_pictures(connection, decisions)
    if not rows and history is None:
        return Erasure(tasks=gone)
    keys = _delete_keys(connection, found.keys, {row.entry_id for row in rows})
    told = runs([row.seq for row in rows])
    for first, last in told:
        connection.execute(delete(contents).where(contents.c.seq.between(first, last)))
    entry_id = f"ers-{uuid4().hex}"
    seq = writing.append(entry_id, Erased(seqs=tuple(told), why=order.why, by=order.by, history=history), order.now)
    erased(connection, ads, seq, order.now)
    return Erasure(len(rows), gone, keys, (entry_id,), history, pictures=pictures)


def _rewritten(connection: Connection, order: _Order, forget: Forget) -> _Rewritten:
    from adverdict.ledger.history import base

    was = base(connection)
    return _Rewritten(was, b"" if was is None else forget(recall(connection, HISTORY, was), order.advertiser or ""))


def _replace_history(connection: Connection, order: _Order, found: _Rewritten, forget: Forget) -> str | None:
    """Digest of the history kept from now on; None: it is the same."""
    from adverdict.ledger.history import base

    if found.was != base(connection):  # somebody else has erased meanwhile
        found = _rewritten(connection, order, forget)
    if found.digest is None or found.digest == found.was:
        return None
    keep(connection, HISTORY, found.digest, found.body, order.now)
    connection.execute(delete(kept).where(kept.c.kind == HISTORY, kept.c.digest != found.digest))
    return found.digest


def _still(connection: Connection, order: _Order, seqs: Sequence[int]) -> list[Row[Any]]:
    """Those that are there still and that nobody has come to need since they were found."""
    rows: list[Row[Any]] = []
    for start in range(0, len(seqs), PART):
        query = _selected(order).where(contents.c.seq.in_(seqs[start : start + PART]))
        rows += connection.execute(query.order_by(contents.c.seq)).all()
    return rows


def runs(seqs: Sequence[int]) -> list[tuple[int, int]]:
    """Sorted numbers as first and last of each unbroken run."""
    found: list[tuple[int, int]] = []
    for seq in seqs:
        if found and seq == found[-1][1] + 1:
            found[-1] = found[-1][0], seq
        else:
            found.append((seq, seq))
    return found


def _selected(order: _Order) -> Select[Any]:
    query = select(contents.c.seq, contents.c.about, contents.c.ad_id, entries.c.kind, entries.c.entry_id, entries.c.at)
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
        if order.advertiser is not None:
            connection.execute(delete(probes).where(probes.c.advertiser_id == order.advertiser))
            connection.execute(delete(monitoring_counted).where(monitoring_counted.c.advertiser == number_of(order.advertiser)))
    return gone


def _keys(connection: Connection, erased: dict[str, int]) -> list[_Key]:
    """Those that any of these entries answered; ``erased``: their times by id.

    A key is written with the entries that answer it, at one time: only keys of the very times of these entries are looked at, and of
    entries older than the oldest key none.
    """
    oldest = connection.execute(select(func.min(idempotency.c.at))).scalar()
    times = sorted({at for at in erased.values() if oldest is not None and at >= oldest})
    found: list[_Key] = []
    for start in range(0, len(times), PART):
        query = select(idempotency.c.caller, idempotency.c.key, idempotency.c.entry_ids)
        query = query.where(idempotency.c.at.in_(times[start : start + PART]))
        with connection.execute(query, execution_options={"stream_results": True, "max_row_buffer": PART}) as read:
            for row in read:
                key = _Key(row.caller, row.key, frozenset(json.loads(row.entry_ids)))
                found += [] if key.entry_ids.isdisjoint(erased) else [key]
    return found


def _delete_keys(connection: Connection, found: Sequence[_Key], erased: set[str]) -> int:
    gone = [{"of": one.caller, "named": one.key} for one in found if not one.entry_ids.isdisjoint(erased)]
    if gone:
        which = (idempotency.c.caller == bindparam("of")) & (idempotency.c.key == bindparam("named"))
        connection.execute(delete(idempotency).where(which), gone)
    return len(gone)


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


def _sum(one: Erasure, two: Erasure) -> Erasure:
    return Erasure(
        one.contents + two.contents,
        one.tasks + two.tasks,
        one.keys + two.keys,
        one.entry_ids + two.entry_ids,
        one.history or two.history,
        pictures=one.pictures + two.pictures,
    )
