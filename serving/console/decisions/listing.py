"""Looking through the decisions on record, latest first, for those that are asked for; for a bounded time.

Bodies are compressed, so that some of what people look for (the policy, a title) is known only once they were opened. A look goes on until
a page is full or its time is over, and says how far it came: whoever wants more goes on from there. What narrows it by a column that is
indexed, an advertiser or a reviewer, is looked up instead.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Connection, and_, collate, false, func, or_, select

from adverdict.ledger.entries import Appealed, DecisionMade
from adverdict.ledger.moments import micros
from adverdict.ledger.schema import contents, entries, tasks
from adverdict.serving.console.decisions.filters import ON, DecisionFilter
from adverdict.serving.console.decisions.summary import DecisionSummary, lines

PAGE = 50
CHUNK = 250
"""Decisions opened at once."""
PATIENCE = 0.8
"""Seconds that one page looks."""
MOST = 20_000
"""Of an advertiser, a domain, a reviewer: the latest."""
SKEW = 3600 * 10**6
"""Microseconds by which the clocks of those who append may differ: entries are in the order of the chain, not quite in that of time."""

Column = Literal["advertiser_id", "creative_id", "landing_domain", "ad_id"]


@dataclass(frozen=True)
class Found:
    """A page. ``before``: where to go on; None: everything was looked at."""

    decisions: tuple[DecisionSummary, ...]
    before: int | None
    looked: int
    """Decisions opened for it."""
    full: bool
    """Whether the page is; else the time was over, or there are no more."""


@dataclass(frozen=True)
class Search:
    """What is looked for beside the filter. Texts that people type: they come in a form and are in no address."""

    text: str = ""
    """Begins a word of the title, or the landing domain."""
    column: Column | None = None
    """One of ``values`` stands there."""
    values: tuple[str, ...] = ()

    def fits(self, one: DecisionSummary) -> bool:
        folded = self.text.casefold()
        return (
            not folded or f" {folded}" in f" {' '.join(one.title.casefold().split())}" or (one.domain or "").casefold().startswith(folded)
        )


NOTHING = Search()


def look(
    connection: Connection,
    asked: DecisionFilter,
    search: Search = NOTHING,
    *,
    before: int | None = None,
    blind: bool = False,
    limit: int = PAGE,
    patience: float = PATIENCE,
    clock: Callable[[], float] = time.monotonic,
) -> Found:
    """``blind``: whoever looks may be the next reader, and learns nothing of what is still being read."""
    end, looked, found = clock() + patience, 0, list[DecisionSummary]()
    condition = _condition(connection, asked)
    for chunk in _candidates(connection, asked, search, before):
        read = lines(connection, and_(entries.c.seq.in_(chunk), condition))
        looked += len(read)
        for one in read:
            if fits(one, asked, blind=blind) and search.fits(one):
                found.append(one)
                if len(found) == limit:
                    return Found(tuple(found), one.seq, looked, True)
        if clock() > end:
            return Found(tuple(found), chunk[-1], looked, False)
    return Found(tuple(found), None, looked, False)


def fits(one: DecisionSummary, asked: DecisionFilter, *, blind: bool = False) -> bool:
    """By what only a decision's body, and people, say."""
    sealed = blind and one.being_read
    if sealed:
        return asked.verdict in ("", "review") and not (
            asked.policy or asked.uncertified or asked.degraded or asked.appealed or asked.reviewer
        )
    if asked.verdict and not (one.overturned if asked.verdict == "overturned" else one.stands == asked.verdict):
        return False
    if asked.policy and asked.policy not in (one.against or (one.why,)):
        return False
    if asked.uncertified == ON and one.certification != "not certified":
        return False
    return not (asked.degraded == ON and not one.degraded) and not (asked.appealed == ON and not one.appealed)


def _candidates(connection: Connection, asked: DecisionFilter, search: Search, before: int | None) -> Iterator[list[int]]:
    """Seqs, latest first, a chunk at a time; those of the narrowest thing asked for."""
    chosen = _narrowest(connection, asked, search)
    if chosen is not None:
        seqs = [seq for seq in sorted(set(chosen), reverse=True) if before is None or seq < before]
        for start in range(0, len(seqs), CHUNK):
            yield seqs[start : start + CHUNK]
        return
    at = first_after(connection, micros(asked.to_at) + SKEW) if asked.to_at else None
    last = min((one for one in (before, at) if one is not None), default=None)
    while True:
        query = select(entries.c.seq).where(entries.c.kind == DecisionMade.kind)
        query = query if last is None else query.where(entries.c.seq < last)
        chunk = list(connection.scalars(query.order_by(entries.c.seq.desc()).limit(CHUNK)))
        if not chunk:
            return
        yield chunk
        last = chunk[-1]
        if asked.from_at is not None and _at(connection, last) < micros(asked.from_at) - SKEW:
            return


def _narrowest(connection: Connection, asked: DecisionFilter, search: Search) -> list[int] | None:
    """Seqs of candidates, some of other kinds than decisions; None: all decisions are."""
    if search.column is not None:
        return _seqs(connection, contents.c[search.column].in_(search.values))
    if asked.advertiser:
        return _seqs(connection, contents.c.advertiser_id == asked.advertiser)
    if asked.reviewer:
        answered = select(tasks.c.about).where(tasks.c.reviewer == asked.reviewer, tasks.c.state == "done")
        ids = list(connection.scalars(answered.order_by(tasks.c.closed_at.desc()).limit(MOST)))
        return _of_decisions(connection, ids)
    if asked.appealed == ON:
        query = select(contents.c.about).join(entries, entries.c.seq == contents.c.seq).where(entries.c.kind == Appealed.kind)
        return _of_decisions(connection, list(connection.scalars(query.order_by(entries.c.seq.desc()).limit(MOST))))
    return None


def of_domains(connection: Connection, text: str) -> list[str]:
    """Landing domains on record that begin with ``text``, as it was typed or in small letters; a hundred at most."""
    # In the order of code points, so that a range is a prefix; PostgreSQL would order them as a language does.
    column: Any = contents.c.landing_domain
    if connection.dialect.name == "postgresql":
        column = collate(column, "C")
    begins = or_(*(and_(column >= one, column < one + "\U0010ffff") for one in {text, text.lower()})) if text else false()
    return list(connection.scalars(select(contents.c.landing_domain).where(begins).distinct().limit(100)))


def _seqs(connection: Connection, condition: Any) -> list[int]:
    return list(connection.scalars(select(contents.c.seq).where(condition).order_by(contents.c.seq.desc()).limit(MOST)))


def _of_decisions(connection: Connection, ids: list[str]) -> list[int]:
    found: list[int] = []
    for start in range(0, len(ids), 500):
        found += connection.scalars(select(entries.c.seq).where(entries.c.entry_id.in_(ids[start : start + 500])))
    return found


def _condition(connection: Connection, asked: DecisionFilter) -> Any:
    conditions = []
    if asked.market:
        conditions.append(contents.c.market == asked.market)
    if asked.advertiser:
        conditions.append(contents.c.advertiser_id == asked.advertiser)
    if asked.from_at:
        conditions.append(entries.c.at >= micros(asked.from_at))
    if asked.to_at:
        conditions.append(entries.c.at < micros(asked.to_at))
    if asked.reviewer:
        answered = select(tasks.c.about).where(tasks.c.reviewer == asked.reviewer, tasks.c.state == "done")
        conditions.append(entries.c.entry_id.in_(answered))
    return and_(*conditions) if conditions else entries.c.seq > 0


def first_after(connection: Connection, at: int) -> int:
    """The first seq whose entry is later, by halving: the chain grows with time."""
    low, high = 0, (connection.scalar(select(func.max(entries.c.seq))) or 0) + 1
    while low + 1 < high:
        middle = (low + high) // 2
        low, high = (middle, high) if _at(connection, middle) < at else (low, middle)
    return high


def _at(connection: Connection, seq: int) -> int:
    return connection.scalar(select(entries.c.at).where(entries.c.seq >= seq).order_by(entries.c.seq).limit(1)) or 0
