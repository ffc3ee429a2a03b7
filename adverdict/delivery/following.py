"""The chain, followed: which entries changed what stands about an ad, from what to what.

resolutions, rulings, decisions of rescoring steps, withdrawals of steps -> what stood before each and after it -> changes, numbered

A change is on record exactly if its entry is: it is made of the entry, and where a process ends in between, the next one makes it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, select

from adverdict.ledger import changes
from adverdict.ledger.bodies.copies import Unwound
from adverdict.ledger.effective import SPEAKING, DecisionHistory, decision_histories
from adverdict.ledger.entries import DecisionMade, Entry, Rescored, Resolved, Ruled, Withdrawn
from adverdict.ledger.history import end_of
from adverdict.ledger.moments import moment
from adverdict.ledger.schema import contents, entries, projections
from adverdict.ledger.store import Ledger, entry_of, entry_query, now

STEP = "changes-step"
"""Row of ``projections``: of the step whose withdrawal comes next, the entry of the last decision that was told."""
WINDOW = 5_000
"""Entries looked at in one go."""
PAGE = 1_000
"""Decisions of a withdrawn step told in one transaction."""
KEPT = timedelta(days=30)
"""For which changes are kept."""


@dataclass(frozen=True)
class _Step:
    """What is to be kept, and how far that goes."""

    told: Sequence[dict[str, Any]]
    cursor: int
    within: int = 0
    """Above 0: the entry after the cursor is a withdrawal, told up to this decision's entry."""


def follow(ledger: Ledger, clock: Callable[[], datetime] = now) -> int:
    """Make changes of all that is new; how many. The first time nothing of the past is told. Raises Unavailable.

    Who does it at the same moment makes nothing twice: the second one finds that the first has moved on.
    """
    total = 0
    while True:
        with ledger.look() as connection:
            begin, within, end = _cursor(connection, changes.NAME), _cursor(connection, STEP) or 0, end_of(connection)
            if begin is not None and begin >= end:
                return total
            step = None if begin is None else _next(connection, begin, within, end)
        with ledger.change() as connection:
            if begin is None or step is None:
                if changes.hold(connection) is None:
                    changes.begin(connection, end)
                return total
            if (changes.hold(connection), _cursor(connection, STEP) or 0) != (begin, within):
                return total  # somebody else does it
            gone = set(changes.no_more_on_record(connection, [one["ad_id"] for one in step.told]))  # erased since they were read
            total += changes.add(connection, [one for one in step.told if one["ad_id"] not in gone], step.cursor)
            changes.remember(connection, STEP, step.within)
            if step.cursor == end:
                changes.forget(connection, clock() - KEPT)


def _next(connection: Connection, begin: int, within: int, end: int) -> _Step:
    until = min(begin + WINDOW, end)
    found = list(_speaking(connection, begin, until))
    first = found[0] if found else None
    if first is not None and isinstance(first.body, Withdrawn):
        return _withdrawal(connection, first, first.body.step, within)
    stop = next((one.seq for one in found if isinstance(one.body, Withdrawn)), None)
    some = [one for one in found if stop is None or one.seq < stop]
    return _Step(list(_told(connection, some)), until if stop is None else stop - 1)


def _speaking(connection: Connection, after: int, until: int) -> Iterator[Entry]:
    """Entries that may change what stands, but for decisions that were asked for: their answer says what they are."""
    span = (entries.c.seq > after, entries.c.seq <= until)
    kinds = [kind for kind in (*SPEAKING, Withdrawn.kind) if kind != DecisionMade.kind]
    said = connection.execute(entry_query().where(*span, entries.c.kind.in_(kinds))).all()
    stepped = connection.execute(entry_query().where(*span, contents.c.step.is_not(None), contents.c.submitted_at.is_not(None))).all()
    yield from sorted((entry_of(row) for row in (*said, *stepped)), key=lambda one: one.seq)


def _told(connection: Connection, some: Sequence[Entry]) -> Iterator[dict[str, Any]]:
    ads = {one.seq: _ad(one) for one in some}
    histories = decision_histories(connection, {ad for ad in ads.values() if ad})
    repairs = _repairs(connection, {one.body.step for one in some if isinstance(one.body, DecisionMade) and one.body.step})
    who = _advertisers(connection, {ad for ad in ads.values() if ad})
    for one in some:
        ad = ads[one.seq]
        history = histories.get(ad or "")
        if ad is None or history is None:
            continue  # erased since: the erasure tells of it
        told = _change(ad, history, one.seq, one.at, always=isinstance(one.body, Ruled))
        if told is None:
            continue
        violated = one.body.violated if isinstance(one.body, Resolved) else ()
        yield told | {"change": _name(one, repairs), "violated": violated} | who.get(ad, {})


def _change(ad: str, history: DecisionHistory, seq: int, at: datetime, *, always: bool = False) -> dict[str, Any] | None:
    """None: the same stands as before. ``always``: told all the same, for whoever appealed waits for an answer."""
    before, after = history.at(seq - 1), history.at(seq)
    was, is_now = before.verdict if before else None, after.verdict if after else None
    if was is is_now and not always:
        return None
    stands = {} if after is None else {"decision_id": after.decision_id, "by": after.by, "submitted_at": moment(after.submitted_at)}
    return {"entry": seq, "at": at, "ad_id": ad, "before": was, "verdict": is_now, **stands}


def _withdrawal(connection: Connection, entry: Entry, step: str, within: int) -> _Step:
    """A part of the ads of a step that was withdrawn."""
    query = select(contents.c.seq, contents.c.ad_id).where(contents.c.step == step, contents.c.submitted_at.is_not(None))
    rows = connection.execute(query.where(contents.c.seq > within).order_by(contents.c.seq).limit(PAGE)).all()
    histories, who = decision_histories(connection, {row.ad_id for row in rows}), _advertisers(connection, {row.ad_id for row in rows})
    told = []
    for ad in dict.fromkeys(row.ad_id for row in rows):
        change = _change(ad, histories[ad], entry.seq, entry.at) if ad in histories else None
        told += [change | {"change": "withdrawal"} | who.get(ad, {})] if change else []
    if len(rows) < PAGE:
        return _Step(told, entry.seq)
    return _Step(told, entry.seq - 1, rows[-1].seq)


def _name(entry: Entry, repairs: set[str]) -> str:
    match entry.body:
        case DecisionMade(step=step):
            return "repair" if step in repairs else "rescoring"
        case Ruled():
            return "appeal"
        case Unwound():
            return "unwinding"
        case body:
            return str(getattr(body, "by", None) or entry.body.kind) if entry.body else ""


def _ad(entry: Entry) -> str | None:
    body = entry.body
    return body.ad.ad_id if isinstance(body, DecisionMade) else getattr(body, "ad_id", None)


def _repairs(connection: Connection, steps: set[str]) -> set[str]:
    """Of the steps, those that decide again what an aborted roll-out had approved."""
    found = connection.execute(entry_query().where(entries.c.entry_id.in_(sorted(steps)))) if steps else ()
    told = [(entry.entry_id, entry.body) for entry in map(entry_of, found)]
    return {name for name, body in told if isinstance(body, Rescored) and body.rollout}


def _advertisers(connection: Connection, ads: set[str]) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    wanted = sorted(ads)
    for start in range(0, len(wanted), changes.PART):
        columns = select(contents.c.ad_id, contents.c.advertiser_id, contents.c.market).distinct()
        query = columns.where(contents.c.ad_id.in_(wanted[start : start + changes.PART]), contents.c.submitted_at.is_not(None))
        for row in connection.execute(query):
            found[row.ad_id] = {"advertiser_id": row.advertiser_id, "market": row.market}
    return found


def _cursor(connection: Connection, name: str) -> int | None:
    return connection.execute(select(projections.c.seq).where(projections.c.name == name)).scalar_one_or_none()
