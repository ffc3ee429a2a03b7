"""Tasks as they were opened: by day for conversion, by hour of the week, deadline and lane for what work looks like.

Golden tasks are drawn when somebody claims, and planned samples when somebody plans them: neither comes of submissions, so neither is here.
Withdrawn tasks took nobody's time and are left out.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import numpy as np
from sqlalchemy import ColumnElement, case, func, select

from adverdict.ledger.moments import micros
from adverdict.ledger.schema import tasks
from adverdict.ledger.store import Ledger
from adverdict.workforce.volume.history import WEEK_HOURS, Floats, LaneShare, Queue, Shape

HOUR = 3_600_000_000
MINUTE = HOUR // 60
KINDS = ("review", "audit", "double", "senior", "appeal")
SHAPE_DAYS = 56
"""Days of tasks that say how a week looks."""
SMOOTH = 168.0
"""Tasks of all queues that the week of one of them is filled up with."""
FEWEST = 0.01
"""Of a queue's tasks: rarer lanes are counted to the commonest one."""
EPOCH_WEEKDAY_HOURS = 72
"""1970 began on a Thursday."""
QUANTILES = 60


class Opened(NamedTuple):
    """Tasks of one queue opened on one day (days since 1970, UTC)."""

    day: int
    queue: Queue
    number: int


def opened(ledger: Ledger, since: datetime, until: datetime) -> list[Opened]:
    day = (tasks.c.opened_at // (24 * HOUR)).label("day")
    query = select(day, tasks.c.market, tasks.c.kind, func.count().label("told")).where(*_counted(since, until))
    with ledger.look() as connection:
        rows = connection.execute(query.group_by(day, tasks.c.market, tasks.c.kind).order_by(day)).all()
    return [Opened(int(row.day), Queue(row.market, row.kind), int(row.told)) for row in rows]


def shapes(ledger: Ledger, since: datetime, until: datetime, severe: Collection[str], *, by_policy: bool) -> dict[Queue, Shape]:
    """By queue. ``severe``: policies that count as severe content. ``by_policy``: tell lanes apart by policies, too."""
    hour = (tasks.c.opened_at // HOUR).label("hour")
    waits_for = tasks.c.due_at - tasks.c.opened_at
    # Minutes up to two hours, for what may do harm is due in one; half hours beyond. Each with its mean, so that nothing is rounded.
    bin_of = case((waits_for < 2 * HOUR, waits_for // MINUTE), else_=2 * HOUR // MINUTE + waits_for // (HOUR // 2)).label("bin")
    columns = (tasks.c.market, tasks.c.kind, tasks.c.language, tasks.c.senior, tasks.c.policies)
    weeks: defaultdict[Queue, Floats] = defaultdict(lambda: np.zeros(WEEK_HOURS))
    waits: defaultdict[Queue, list[tuple[float, int]]] = defaultdict(list)
    lanes: defaultdict[Queue, dict[tuple[str | None, bool, tuple[str, ...]], int]] = defaultdict(lambda: defaultdict(int))
    with ledger.look() as connection:
        where = _counted(since, until)
        for row in connection.execute(select(hour, *columns[:2], func.count().label("told")).where(*where).group_by(hour, *columns[:2])):
            weeks[Queue(row.market, row.kind)][(int(row.hour) + EPOCH_WEEKDAY_HOURS) % WEEK_HOURS] += row.told
        due = select(bin_of, *columns[:2], func.avg(waits_for).label("mean"), func.count().label("told")).where(*where)
        for row in connection.execute(due.group_by(bin_of, *columns[:2]).order_by(bin_of)):
            waits[Queue(row.market, row.kind)].append((float(row.mean) / HOUR, row.told))
        for row in connection.execute(select(*columns, func.count().label("told")).where(*where).group_by(*columns)):
            lanes[Queue(row.market, row.kind)][row.language, bool(row.senior), tuple(json.loads(row.policies))] += row.told
    everywhere = sum(weeks.values(), np.zeros(WEEK_HOURS))
    return {
        queue: Shape(_smoothed(week, everywhere), _due(waits[queue]), _lanes(lanes[queue], frozenset(severe), by_policy))
        for queue, week in weeks.items()
    }


def _counted(since: datetime, until: datetime) -> tuple[ColumnElement[bool], ...]:
    span = tasks.c.opened_at >= micros(since), tasks.c.opened_at < micros(until)
    return (*span, tasks.c.kind.in_(KINDS), tasks.c.state != "withdrawn")


def _smoothed(week: Floats, everywhere: Floats) -> Floats:
    filled = week + SMOOTH * everywhere / max(float(everywhere.sum()), 1.0)
    return np.asarray(filled / filled.sum()) if filled.sum() else np.full(WEEK_HOURS, 1 / WEEK_HOURS)


def _due(told: Sequence[tuple[float, int]]) -> Floats:
    """Hours until due, at evenly spaced ranks; ``told``: hours and how many tasks, the soonest first."""
    hours, counts = np.array([one for one, _ in told]), np.array([number for _, number in told])
    ranks = (np.arange(QUANTILES) + 0.5) / QUANTILES * counts.sum()
    return np.asarray(hours[np.searchsorted(np.cumsum(counts), ranks)])


def _lanes(
    counted: Mapping[tuple[str | None, bool, tuple[str, ...]], int], severe: frozenset[str], by_policy: bool
) -> tuple[LaneShare, ...]:
    """Lanes by their share of tasks, the largest first. Severe ones are told apart: they count against the limit on severe content."""
    total, found = sum(counted.values()), dict[tuple[str | None, bool, tuple[str, ...], bool], int]()
    for (language, senior, policies), count in counted.items():
        key = language, senior, policies if by_policy else (), bool(severe.intersection(policies))
        found[key] = found.get(key, 0) + count
    order = sorted(found, key=lambda key: (-found[key], key[0] or "", key[1:]))
    common = [key for key in order if found[key] >= FEWEST * total] or order[:1]
    rest = total - sum(found[key] for key in common)
    shares = [(found[key] + (rest if number == 0 else 0)) / total for number, key in enumerate(common)]
    return tuple(
        LaneShare(language, senior, policies, share, grave)
        for (language, senior, policies, grave), share in zip(common, shares, strict=True)
    )
