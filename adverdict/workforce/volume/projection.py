"""The ``volumes`` table: submissions and answers by the hour, counted from the chain entry by entry.

It follows the chain by seq, each entry once, and can be thrown away and counted anew. Holds counts only: erasing an ad takes nothing from
it.
"""

from __future__ import annotations

import zlib
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, delete, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from adverdict.domain.identity import language_key, surface_key
from adverdict.domain.progress import SILENT, Progress
from adverdict.ledger.columns import outline
from adverdict.ledger.entries import Answered, DecisionMade
from adverdict.ledger.moments import micros, moment
from adverdict.ledger.schema import contents, entries, projections, volumes
from adverdict.ledger.store import Ledger

NAME = "volumes"
PAGE = 5000
"""Entries counted in one transaction."""
SUBMISSION = "submission"
MOST = 200
"""Characters of a surface that are told apart."""
HOUR = 3_600_000_000
"""Microseconds."""


class Cell(NamedTuple):
    """A row of the table, but for what is counted."""

    hour: int
    market: str
    surface: str
    language: str
    what: str


def follow(ledger: Ledger, progress: Progress = SILENT) -> int:
    """Count what has come since: the seq up to which is counted now. Others may do the same at once. Raises Unavailable."""
    end = ledger.end()[0]
    progress.stage("counting entries", max(1, end - counted_to(ledger)))
    while (seq := counted_to(ledger)) < end:
        with ledger.change() as connection:
            now = _count(connection)
        progress.advance(max(0, now - seq))
    return seq


def rebuild(ledger: Ledger, progress: Progress = SILENT) -> int:
    """Throw the table away and count the whole chain."""
    with ledger.change() as connection:
        connection.execute(delete(volumes))
        connection.execute(delete(projections).where(projections.c.name == NAME))
    return follow(ledger, progress)


def counted_to(ledger: Ledger) -> int:
    """The last entry that is counted; 0: none."""
    with ledger.look() as connection:
        return connection.execute(select(projections.c.seq).where(projections.c.name == NAME)).scalar_one_or_none() or 0


def _count(connection: Connection) -> int:
    """Count one page; the seq of its last entry. Holds the projection's row, so nobody counts the same entries meanwhile."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    connection.execute(dialect.insert(projections).values(name=NAME, seq=0).on_conflict_do_nothing())
    begin = connection.execute(select(projections.c.seq).where(projections.c.name == NAME).with_for_update()).scalar_one()
    query = select(entries.c.seq, entries.c.kind, entries.c.at, contents.c.body)
    query = query.outerjoin(contents, contents.c.seq == entries.c.seq).where(entries.c.seq > begin).order_by(entries.c.seq).limit(PAGE)
    rows = connection.execute(query).all()
    if not rows:
        return int(begin)
    found: defaultdict[Cell, list[float]] = defaultdict(lambda: [0, 0.0, 0.0])
    for cell, seconds in (one for row in rows for one in _told(row)):
        sums = found[cell]
        sums[0] += 1
        sums[1] += seconds
        sums[2] += seconds**2
    _add(connection, dict(found))
    connection.execute(update(projections).where(projections.c.name == NAME).values(seq=rows[-1].seq))
    return int(rows[-1].seq)


def _told(row: Any) -> Iterator[tuple[Cell, float]]:
    """What an entry adds. Rescorings submit nothing, golden answers are about the reviewer, and what is erased is not known."""
    if row.body is None or row.kind not in (DecisionMade.kind, Answered.kind):
        return
    plain, hour = zlib.decompress(row.body), row.at // HOUR * HOUR
    if row.kind == DecisionMade.kind:
        told = outline(row.kind, plain)
        if told["first"] and told.get("step") is None:
            ad = told["ad"]
            surface, language = surface_key(ad.get("surface"))[:MOST], language_key(ad.get("language")) or ""
            yield Cell(hour, ad["market"], surface, language, SUBMISSION), 0.0
        return
    answer = outline(row.kind, plain)
    if answer["task_kind"] != "golden":
        yield Cell(hour, answer["market"], "", "", f"answer/{answer['task_kind']}"), float(answer["seconds"] or 0.0)


def _add(connection: Connection, found: dict[Cell, list[float]]) -> None:
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    adding = dialect.insert(volumes)
    rows = [{**cell._asdict(), "count": int(sums[0]), "seconds": sums[1], "squares": sums[2]} for cell, sums in sorted(found.items())]
    if rows:
        added = {name: volumes.c[name] + adding.excluded[name] for name in ("count", "seconds", "squares")}
        connection.execute(adding.on_conflict_do_update(index_elements=list(volumes.primary_key), set_=added), rows)


class Counted(NamedTuple):
    """Submissions of one day."""

    day: datetime
    market: str
    surface: str
    number: int


def submissions(ledger: Ledger, since: datetime, until: datetime) -> list[Counted]:
    """By day (UTC), market and surface, as counted so far."""
    day = (volumes.c.hour // (24 * HOUR)).label("day")
    query = select(day, volumes.c.market, volumes.c.surface, func.sum(volumes.c.count).label("told"))
    query = query.where(volumes.c.what == SUBMISSION, volumes.c.hour >= micros(since), volumes.c.hour < micros(until))
    with ledger.look() as connection:
        rows = connection.execute(query.group_by(day, volumes.c.market, volumes.c.surface).order_by(day)).all()
    return [Counted(moment(int(row.day) * 24 * HOUR), row.market, row.surface, int(row.told)) for row in rows]


def answered_seconds(ledger: Ledger) -> dict[str, float]:
    """By kind of task, of all answers counted so far."""
    with ledger.look() as connection:
        query = select(volumes.c.what, func.sum(volumes.c.seconds).label("told")).where(volumes.c.what.like("answer/%"))
        return {row.what.partition("/")[2]: float(row.told) for row in connection.execute(query.group_by(volumes.c.what))}


def first_hour(ledger: Ledger) -> datetime | None:
    """Of the first submission; None: there is none."""
    with ledger.look() as connection:
        found = connection.execute(select(func.min(volumes.c.hour)).where(volumes.c.what == SUBMISSION)).scalar_one_or_none()
    return None if found is None else moment(found)
