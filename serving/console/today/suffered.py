"""What advertisers suffer: rejections that people took back, one creative rejected again and again, and long waits for an answer."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, func, select

from adverdict.certification.statistics.intervals import clopper_pearson
from adverdict.domain.verdict import Verdict
from adverdict.ledger.chain import plain_json
from adverdict.ledger.effective import not_withdrawn
from adverdict.ledger.entries import DecisionMade, Resolved
from adverdict.ledger.moments import micros
from adverdict.ledger.schema import contents, entries, tasks
from adverdict.serving.console.decisions.listing import first_after
from adverdict.serving.console.decisions.summary import title_of

DAYS = 28
TIMES = 3
"""Rejections of one creative from which on it is again and again."""
SHOWN = 5
MOST = 5000
"""Rejections that are opened: the latest."""
FEWEST = 5
"""Answered tasks from which on a queue has a usual wait."""


@dataclass(frozen=True)
class Overturned:
    """Automatic rejections under one policy that people looked at again, and those they took back. ``low``, ``high``: 95 %."""

    policy: str
    rejected: int
    looked_at: int
    overturned: int
    low: float
    high: float
    example: str
    """A decision's id."""
    title: str


@dataclass(frozen=True)
class Repeated:
    """One creative, rejected ``times`` times for the same advertiser."""

    times: int
    example: str
    title: str
    markets: tuple[str, ...]


@dataclass(frozen=True)
class Slow:
    """How long tasks of a market and kind waited from being opened to being answered; seconds."""

    market: str
    kind: str
    tasks: int
    mean: float
    longest: float
    example: str


@dataclass(frozen=True)
class Suffered:
    overturned: tuple[Overturned, ...]
    repeated: tuple[Repeated, ...]
    slow: tuple[Slow, ...]
    capped: bool
    """Whether there were more rejections than were opened."""


def count(connection: Connection, now: datetime) -> Suffered:
    """Of the last ``DAYS`` days."""
    since = first_after(connection, micros(now - timedelta(days=DAYS)))
    rows = _rejections(connection, since)
    settled = _settled(connection, [row.entry_id for row in rows])
    return Suffered(_overturned(rows, settled), _repeated(rows), _slow(connection, now), len(rows) == MOST)


def _rejections(connection: Connection, since: int) -> Sequence[Any]:
    columns = (contents.c.advertiser_id, contents.c.creative_id, contents.c.market, contents.c.body)
    query = select(entries.c.seq, entries.c.entry_id, *columns).join(contents, contents.c.seq == entries.c.seq)
    query = query.where(entries.c.kind == DecisionMade.kind, entries.c.seq >= since, contents.c.verdict == Verdict.REJECT.value)
    return connection.execute(query.where(not_withdrawn()).order_by(entries.c.seq.desc()).limit(MOST)).all()


def _settled(connection: Connection, ids: Sequence[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for start in range(0, len(ids), 500):
        query = select(contents.c.about, contents.c.body).join(entries, entries.c.seq == contents.c.seq)
        query = query.where(entries.c.kind == Resolved.kind, contents.c.about.in_(ids[start : start + 500]))
        for row in connection.execute(query.order_by(contents.c.seq)):
            found[row.about] = plain_json(row.body)
    return found


def _overturned(rows: Sequence[Any], settled: Mapping[str, Any]) -> tuple[Overturned, ...]:
    rejected, looked, overturned = Counter[str](), Counter[str](), Counter[str]()
    examples: dict[str, tuple[str, str]] = {}
    for row in rows:
        body: Any = plain_json(row.body)
        people = settled.get(row.entry_id)
        for one in body["decision"]["policies"]:
            if one["verdict"] != Verdict.REJECT.value:
                continue
            rejected[one["policy"]] += 1
            if people is not None:
                looked[one["policy"]] += 1
                if one["policy"] not in people["violated"]:
                    overturned[one["policy"]] += 1
                    examples.setdefault(one["policy"], (row.entry_id, title_of(body["ad"])))
    made = [
        Overturned(policy, rejected[policy], looked[policy], times, *clopper_pearson(times, looked[policy], 0.95), *examples[policy])
        for policy, times in overturned.items()
    ]
    return tuple(sorted(made, key=lambda one: (-one.overturned, one.policy)))


def _repeated(rows: Sequence[Any]) -> tuple[Repeated, ...]:
    found: dict[tuple[str, str], list[Any]] = defaultdict(list)
    for row in rows:
        if row.creative_id:
            found[row.advertiser_id, row.creative_id].append(row)
    most = sorted((group for group in found.values() if len(group) >= TIMES), key=len, reverse=True)[:SHOWN]
    return tuple(_repeat(group) for group in most)


def _repeat(group: Sequence[Any]) -> Repeated:
    body: Any = plain_json(group[0].body)
    return Repeated(len(group), group[0].entry_id, title_of(body["ad"]), tuple(sorted({row.market for row in group})))


def _slow(connection: Connection, now: datetime) -> tuple[Slow, ...]:
    """By the mean: databases disagree about medians."""
    wait = tasks.c.closed_at - tasks.c.opened_at
    done = (tasks.c.state == "done", tasks.c.kind != "golden", tasks.c.closed_at >= micros(now - timedelta(days=7)))
    groups = (tasks.c.market, tasks.c.kind)
    query = select(*groups, func.count().label("number"), func.avg(wait).label("mean"), func.max(wait).label("longest")).where(*done)
    found = connection.execute(query.group_by(*groups).having(func.count() >= FEWEST)).all()
    slowest = sorted(found, key=lambda row: -float(row.mean))[:SHOWN]
    return tuple(
        Slow(
            row.market,
            row.kind,
            row.number,
            float(row.mean) / 1e6,
            float(row.longest) / 1e6,
            connection.scalar(
                select(tasks.c.about).where(*done, tasks.c.market == row.market, tasks.c.kind == row.kind).order_by(wait.desc()).limit(1)
            )
            or "",
        )
        for row in slowest
    )
