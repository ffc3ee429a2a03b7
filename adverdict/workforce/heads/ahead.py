"""What will be past due in the next hours: the tasks that wait now and those that will come, worked on by the people on the roster."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time

import numpy as np
from sqlalchemy import select

from adverdict.ledger.moments import micros
from adverdict.ledger.schema import tasks as table
from adverdict.ledger.store import Ledger
from adverdict.review.tasks.tasks import UNFINISHED, RoutingKey
from adverdict.workforce.forecast.forecast import Forecast
from adverdict.workforce.heads.odds import on_duty
from adverdict.workforce.heads.twin import Tasks, answered
from adverdict.workforce.heads.week import LEAD, Seconds, WeekWork, draw, week_work
from adverdict.workforce.operations.read import Operations
from adverdict.workforce.volume.history import WEEK_HOURS, Floats, LaneShare, Queue, Shape

MARKS = (2, 4, 8, 12, 24)
"""Hours from now."""
DRAWS = 20
HOUR = 3_600_000_000
KINDS_LEFT_OUT = ("golden",)


@dataclass(frozen=True)
class Waiting:
    """A task that nobody has answered."""

    queue: Queue
    lane: RoutingKey
    due: float
    """Hours from now; below 0: past due."""


@dataclass(frozen=True)
class Overdue:
    """Tasks past due and unanswered at a mark."""

    hours: int
    p50: float
    p90: float
    by_queue: Mapping[Queue, float]
    """Means."""


def waiting(ledger: Ledger, now: datetime) -> list[Waiting]:
    columns = (table.c.market, table.c.kind, table.c.language, table.c.senior, table.c.lane, table.c.due_at)
    query = select(*columns).where(table.c.state.in_(UNFINISHED), table.c.kind.not_in(KINDS_LEFT_OUT)).order_by(table.c.due_at)
    with ledger.look() as connection:
        rows = connection.execute(query).all()
    return [Waiting(Queue(row.market, row.kind), RoutingKey.parse(row.lane), (row.due_at - micros(now)) / HOUR) for row in rows]


def overdue(
    there: Sequence[Waiting],
    coming: Forecast,
    shapes: Mapping[Queue, Shape],
    seconds: Seconds,
    operations: Operations,
    now: datetime,
    *,
    variation: float,
    seed: int = 0,
) -> list[Overdue]:
    """At each of ``MARKS``. ``coming``: the forecast from the last midnight on."""
    begun = now.replace(minute=0, second=0, microsecond=0)
    passed = int((begun - datetime.combine(coming.start, time(), UTC)).total_seconds() // 3600)
    work, until = _from(week_work(coming, shapes, 0), passed), float(MARKS[-1])
    people, profiles = on_duty(operations.roster, begun, int(until) + 1, operations.shrinkage), [one.skills for one in operations.roster]
    rng, seen = np.random.default_rng(seed), []
    for _ in range(DRAWS):
        new = draw(work, shapes, seconds, variation, rng)
        fresh = (new.tasks.opened >= LEAD) & (new.tasks.opened < LEAD + until)
        opened = np.concatenate([np.zeros(len(there)), new.tasks.opened[fresh] - LEAD])
        due = np.concatenate([[one.due for one in there], new.tasks.due[fresh] - LEAD])
        spread = np.sqrt(np.log1p(variation**2))
        means = np.array([seconds(one.queue, LaneShare(one.lane.language, one.lane.senior, one.lane.policies, 1.0)) for one in there])
        took = np.concatenate([means * np.exp(spread * rng.standard_normal(len(there)) - spread**2 / 2), new.tasks.seconds[fresh]])
        lanes = [*(one.lane for one in there), *new.lanes]
        lane = np.concatenate([np.arange(len(there)), new.tasks.lane[fresh] + len(there)]).astype(np.int64)
        queues = [*(one.queue for one in there), *(work.queues[row] for row in new.queue[fresh])]
        done = answered(Tasks(opened, due, took, lane), people, lanes, profiles, until).done
        seen.append((queues, due, done))
    return [_at(mark, seen) for mark in MARKS]


def _at(mark: int, seen: Sequence[tuple[list[Queue], Floats, Floats]]) -> Overdue:
    late = [(queues, (due <= mark) & (done > mark)) for queues, due, done in seen]
    totals = np.array([flags.sum() for _, flags in late])
    by: dict[Queue, float] = {}
    for queues, flags in late:
        for number in np.flatnonzero(flags).tolist():
            by[queues[number]] = by.get(queues[number], 0.0) + 1 / len(seen)
    return Overdue(mark, float(np.quantile(totals, 0.5)), float(np.quantile(totals, 0.9)), by)


def _from(work: WeekWork, passed: int) -> WeekWork:
    """The week as it goes on from an hour: nothing of what came before is drawn, for that is there."""
    rolled = np.zeros_like(work.hourly)
    left = max(0, WEEK_HOURS - passed)
    rolled[:, :left] = work.hourly[:, passed : passed + left]
    return WeekWork(work.queues, rolled, np.zeros_like(work.before), work.own, work.common, work.high)
