"""Entries of a period, and what else is on record about the same decisions: read in pages, so that memory does not grow with the ledger."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import TypeVar

from sqlalchemy import Connection, func, select

from adverdict.domain.errors import InvalidSettings, Mistake
from adverdict.domain.formats import moment
from adverdict.ledger.entries import DecisionMade, Entry, Withdrawn
from adverdict.ledger.moments import micros
from adverdict.ledger.schema import contents, entries
from adverdict.ledger.store import Ledger, entry_of, entry_query

PAGE = 500
"""Decisions looked up together."""
_ASKED = 5000
"""Ids in one statement; SQLite takes 32,766 parameters, PostgreSQL 65,535."""

Item = TypeVar("Item")


@dataclass(frozen=True)
class Period:
    """From ``since`` up to, and without, ``until``; None is open. Both with a time zone."""

    since: datetime | None = None
    until: datetime | None = None

    def __post_init__(self) -> None:
        """Raises InvalidSettings for a period in which there is no time."""
        if self.since is not None and self.until is not None and self.since >= self.until:
            raise InvalidSettings("not a period", [Mistake("until", self.until.isoformat(), f"a time after {self.since.isoformat()}")])

    def holds(self, at: datetime) -> bool:
        return (self.since is None or at >= self.since) and (self.until is None or at < self.until)

    def __str__(self) -> str:
        since = f"since {moment(self.since.astimezone(UTC))}" if self.since else "from the beginning"
        return f"{since} until {moment(self.until.astimezone(UTC))}" if self.until else since


def entries_in(ledger: Ledger, period: Period, kinds: Sequence[str], last: int | None = None) -> Iterator[Entry]:
    """Entries of some kinds recorded in the period, in order, up to the entry ``last``; erased ones are left out."""
    with ledger.look() as connection:
        first, end = _span(connection, period)
    if first is None or end is None:
        return
    until = end if last is None else min(end, last)
    # Workers' clocks differ a little: within the span a neighbour may lie just outside the period.
    yield from (entry for entry in ledger.read(first - 1, until, kinds) if entry.body is not None and period.holds(entry.at))


def pages(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    rest = iter(items)
    while page := list(islice(rest, size)):
        yield page


def about_each(connection: Connection, decisions: Iterable[str], kinds: Sequence[str], last: int | None = None) -> dict[str, list[Entry]]:
    """By decision, the entries of some kinds about it, in order, up to the entry ``last``; a decision without any has none.

    The withdrawal of a step is about each of its decisions, and is found where these are asked for, too.
    """
    found: defaultdict[str, list[Entry]] = defaultdict(list)
    for some in pages(sorted(set(decisions)), _ASKED):
        query = entry_query().add_columns(contents.c.about)
        query = query.where(contents.c.about.in_(some), entries.c.kind.in_(kinds)).order_by(entries.c.seq)
        for row in connection.execute(query if last is None else query.where(entries.c.seq <= last)):
            found[row.about].append(entry_of(row))
    if Withdrawn.kind in kinds:
        _add_withdrawals(connection, found, last)
    return found


def _add_withdrawals(connection: Connection, found: dict[str, list[Entry]], last: int | None) -> None:
    ended = withdrawals(connection)
    for about in found.values() if ended else ():
        step = next((one.body.step for one in about if isinstance(one.body, DecisionMade)), None)
        if step in ended and (last is None or ended[step].seq <= last):
            about.append(ended[step])
            about.sort(key=lambda one: one.seq)


def withdrawals(connection: Connection) -> dict[str | None, Entry]:
    """By step, what withdrew it. There are as many as steps that were undone: few."""
    rows = connection.execute(entry_query().where(entries.c.kind == Withdrawn.kind).order_by(entries.c.seq))
    found = (entry_of(row) for row in rows)
    return {one.body.step: one for one in found if isinstance(one.body, Withdrawn)}


def standing_only(ledger: Ledger, made: Iterable[Entry]) -> Iterator[Entry]:
    """Without decisions that were withdrawn, as far as is known when the first is asked for."""
    with ledger.look() as connection:
        ended = withdrawals(connection)
    return (one for one in made if not (isinstance(one.body, DecisionMade) and one.body.step in ended))


def decisions_of(connection: Connection, ids: Iterable[str]) -> dict[str, DecisionMade]:
    """Decisions by id; those erased are left out."""
    found = {}
    for some in pages(sorted(set(ids)), _ASKED):
        for row in connection.execute(entry_query().where(entries.c.entry_id.in_(some))):
            body = entry_of(row).body
            if isinstance(body, DecisionMade):
                found[row.entry_id] = body
    return found


def _span(connection: Connection, period: Period) -> tuple[int | None, int | None]:
    """First and last seq of the entries of the period; None where there are none."""
    query = select(func.min(entries.c.seq), func.max(entries.c.seq))
    if period.since is not None:
        query = query.where(entries.c.at >= micros(period.since))
    if period.until is not None:
        query = query.where(entries.c.at < micros(period.until))
    first, last = connection.execute(query).one()
    return first, last
