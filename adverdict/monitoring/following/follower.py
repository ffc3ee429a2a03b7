"""The state that follows the chain, in tables: read, brought up to date a page of entries at a time, compared with the chain, made anew."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pydantic_core import from_json
from sqlalchemy import Connection, Table, bindparam, delete, select, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite

from adverdict.domain.progress import SILENT, Progress
from adverdict.ledger.history import end_of
from adverdict.ledger.moments import micros
from adverdict.ledger.schema import contents, entries, monitoring_counted, monitoring_tallies, monitoring_waiting, projections
from adverdict.ledger.store import CHUNK, Ledger
from adverdict.monitoring.following.fold import AGAIN, KINDS, State
from adverdict.monitoring.following.waiting import Waiting

NAME, TODAY, ERASED = "monitoring", "monitoring-today", "monitoring-erased"
"""Rows of ``projections``: up to which entry, up to which day, and how much was erased since it was counted."""
PAGE = 2000
"""Entries in one transaction."""
A_DAY = 86_400_000_000
"""Microseconds."""
AFTER_MIDNIGHT = timedelta(hours=1)
"""Workers' clocks differ a little: a day is over when nobody can still be deciding an ad of it."""
MARGIN = 30
"""Days an advertiser is remembered beyond those in which it does not count: days are counted late."""
TABLES = (monitoring_waiting, monitoring_tallies, monitoring_counted)


def follow(ledger: Ledger, now: datetime, progress: Progress = SILENT) -> State:
    """Bring the tables up to date; what they say. Others may do the same at once. Raises Unavailable."""
    end, state = ledger.end()[0], load(ledger)
    progress.stage("following the chain", max(1, end - state.seq))
    while state.seq < end:
        before = state.seq
        for entry in _page(ledger, before, min(before + PAGE, end)):
            state.follow(*entry)
        state.seq = min(before + PAGE, end)
        state = keep(ledger, state, before)
        progress.advance(state.seq - before)
    state.roll(day_of(now - AFTER_MIDNIGHT))
    return keep(ledger, state, state.seq)


def rebuild(ledger: Ledger, now: datetime, progress: Progress = SILENT) -> State:
    """Throw the tables away and follow the whole chain."""
    with ledger.change() as connection:
        for table in TABLES:
            connection.execute(delete(table))
        connection.execute(delete(projections).where(projections.c.name.in_((NAME, TODAY, ERASED))))
    state = follow(ledger, now, progress)
    state.erased = 0  # what is gone was not counted
    return keep(ledger, state, state.seq)


@dataclass(frozen=True)
class Checked:
    """What the tables say beside what the chain says."""

    seq: int
    rows: int
    """Compared."""
    differ: tuple[str, ...]
    """In words, the first few."""
    erased: int
    """Entries erased since they were counted: the chain cannot say them again."""

    @property
    def equal(self) -> bool:
        return not self.differ


def verify(ledger: Ledger, progress: Progress = SILENT) -> Checked:
    """Follow the chain from its beginning, in memory, and compare. Changes nothing. Raises Unavailable."""
    kept, again = load(ledger), State()
    progress.stage("following the chain again", max(1, kept.seq))
    while again.seq < kept.seq:
        before = again.seq
        for entry in _page(ledger, before, min(before + PAGE, kept.seq)):
            again.follow(*entry)
        again.seq = min(before + PAGE, kept.seq)
        progress.advance(again.seq - before)
    again.roll(kept.today)
    _forget(again)
    differ: list[str] = []
    for name in ("waiting", "tallies", "counted"):
        ours, theirs = getattr(kept, name), getattr(again, name)
        wrong = [key for key in ours.keys() | theirs.keys() if ours.get(key) != theirs.get(key)]
        differ += [f"{name} of {_said(key)}: {ours.get(key)} kept, {theirs.get(key)} by the chain" for key in sorted(wrong, key=str)[:5]]
    rows = sum(len(getattr(kept, name)) for name in ("waiting", "tallies", "counted"))
    return Checked(kept.seq, rows, tuple(differ), kept.erased)


def load(ledger: Ledger) -> State:
    with ledger.look() as connection:
        return _load(connection)


def followed_to(ledger: Ledger) -> tuple[int, int]:
    """The last entry that was followed, 0: none, and the last there is."""
    with ledger.look() as connection:
        seq = connection.execute(select(projections.c.seq).where(projections.c.name == NAME)).scalar_one_or_none() or 0
        return int(seq), end_of(connection)


def day_of(moment: datetime) -> int:
    """Since 1970, UTC."""
    return micros(moment) // A_DAY


def _load(connection: Connection) -> State:
    told = {row.name: int(row.seq) for row in connection.execute(select(projections.c.name, projections.c.seq))}
    state = State(told.get(NAME, 0), told.get(TODAY, 0), erased=told.get(ERASED, 0))
    for row in connection.execute(select(monitoring_waiting).order_by(monitoring_waiting.c.seq)):
        state.waiting[row.decision_id] = Waiting.from_json(row.seq, row.state)
    for row in connection.execute(select(monitoring_tallies)):
        state.tallies[row.what, row.day, row.bin] = [int(row.number), int(row.of_them)]
    for row in connection.execute(select(monitoring_counted)):
        state.counted[row.what, row.advertiser] = row.day
    return state


def _page(ledger: Ledger, after: int, until: int) -> Iterator[tuple[int, str, str, int, Any]]:
    """As ``State.follow`` takes them."""
    query = select(entries.c.seq, entries.c.kind, entries.c.entry_id, entries.c.at, contents.c.body)
    query = query.outerjoin(contents, contents.c.seq == entries.c.seq).where(entries.c.seq > after, entries.c.seq <= until)
    with ledger.look() as connection:
        rows = connection.execute(query.where(entries.c.kind.in_(KINDS)).order_by(entries.c.seq)).all()
    for row in rows:
        told = None if row.body is None else from_json(zlib.decompress(row.body))
        yield row.seq, row.kind, row.entry_id, row.at // A_DAY, told


def keep(ledger: Ledger, state: State, before: int) -> State:
    """What changed since ``before``, in one transaction; where somebody else was faster, what they wrote instead."""
    _forget(state)
    with ledger.change() as connection:
        dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
        connection.execute(dialect.insert(projections).values(name=NAME, seq=0).on_conflict_do_nothing())
        found = connection.execute(select(projections.c.seq).where(projections.c.name == NAME).with_for_update()).scalar_one()
        if found != before:
            return _load(connection)
        _put(connection, monitoring_waiting, _waiting_rows(state))
        _put(connection, monitoring_tallies, _tally_rows(state))
        _put(connection, monitoring_counted, _counted_rows(state))
        gone = [one for one in state.changed_waiting if one not in state.waiting]
        for start in range(0, len(gone), CHUNK):
            connection.execute(delete(monitoring_waiting).where(monitoring_waiting.c.decision_id.in_(gone[start : start + CHUNK])))
        forgotten = [one for one in state.changed_counted if one not in state.counted]
        keys = tuple_(monitoring_counted.c.what, monitoring_counted.c.advertiser)
        for start in range(0, len(forgotten), CHUNK):
            connection.execute(delete(monitoring_counted).where(keys.in_(forgotten[start : start + CHUNK])))
        connection.execute(update(projections).where(projections.c.name == NAME).values(seq=state.seq))
        _put(connection, projections, [{"name": TODAY, "seq": state.today}, {"name": ERASED, "seq": state.erased}])
    state.written()
    return state


def _forget(state: State) -> None:
    """Advertisers who count again are nobody's to remember."""
    longest = {str(watched): days for watched, days in AGAIN.items()}
    old = [key for key, day in state.counted.items() if state.today - day > longest[key[0].partition("/")[0]] + MARGIN]
    for key in old:
        del state.counted[key]
        state.changed_counted.add(key)


def _waiting_rows(state: State) -> list[dict[str, object]]:
    changed = [one for one in state.changed_waiting if one in state.waiting]
    return [{"decision_id": one, "seq": state.waiting[one].seq, "state": state.waiting[one].to_json()} for one in sorted(changed)]


def _tally_rows(state: State) -> list[dict[str, object]]:
    rows = ((*key, *state.tallies[key]) for key in sorted(state.changed_tallies))
    return [dict(zip(("what", "day", "bin", "number", "of_them"), row, strict=True)) for row in rows]


def _counted_rows(state: State) -> list[dict[str, object]]:
    changed = sorted(one for one in state.changed_counted if one in state.counted)
    return [{"what": what, "advertiser": who, "day": state.counted[what, who]} for what, who in changed]


def _put(connection: Connection, table: Table, rows: list[dict[str, object]]) -> None:
    """Written, whether they are there or not."""
    if not rows:
        return
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    adding = dialect.insert(table).values({name: bindparam(name) for name in rows[0]})
    others = {column.name: adding.excluded[column.name] for column in table.columns if not column.primary_key}
    connection.execute(adding.on_conflict_do_update(index_elements=list(table.primary_key), set_=others), rows)


def _said(key: Any) -> str:
    return " ".join(map(str, key)) if isinstance(key, tuple) else str(key)
