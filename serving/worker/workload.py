"""What metrics say of work for people: what waits now, and what the last plan on record expects of this week."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from adverdict.ledger.entries import PlanMade
from adverdict.ledger.store import Ledger
from adverdict.review.queue import Queue, QueueDepth

EVERY = timedelta(seconds=30)
"""Queues are looked at."""
PLANS_EVERY = timedelta(minutes=10)
WEEK = timedelta(days=7)
Place = tuple[str, str, str]
"""Kind, market and language of tasks."""


@dataclass(frozen=True)
class Workload:
    """``waiting`` by place: open, oldest in seconds, overdue. ``expected`` by kind and market: P10, mean and P90 of this week's tasks."""

    waiting: Mapping[Place, tuple[int, float, int]]
    expected: Mapping[tuple[str, str], tuple[float, float, float]]
    needed: float | None
    """Full-time people of the plan; None: no plan on record has this week."""
    rostered: float | None


class WorkloadWatch:
    """Looks now and then; whoever asks more often is answered with None: nothing new."""

    def __init__(self, ledger: Ledger, queue: Queue, clock: Callable[[], datetime]) -> None:
        self._ledger, self._queue, self._clock = ledger, queue, clock
        self._looked: datetime | None = None
        self._planned_at: datetime | None = None
        self._plan: PlanMade | None = None

    def look(self) -> Workload | None:
        """Raises Unavailable."""
        now = self._clock()
        if self._looked is not None and now - self._looked < EVERY:
            return None
        self._looked = now
        if self._planned_at is None or now - self._planned_at >= PLANS_EVERY:
            self._planned_at, self._plan = now, _last_plan(self._ledger, now.date())
        return workload(self._queue.depths(), self._plan, now.date())


def workload(depths: list[QueueDepth], plan: PlanMade | None, today: date) -> Workload:
    waiting: defaultdict[Place, tuple[int, float, int]] = defaultdict(lambda: (0, 0.0, 0))
    for depth in depths:
        place = depth.kind, depth.market, depth.language or ""
        count, oldest, overdue = waiting[place]
        waiting[place] = count + depth.open + depth.leased, max(oldest, depth.oldest_seconds), overdue + depth.overdue
    if plan is None:
        return Workload(dict(waiting), {}, None, None)
    week = next(one for one in plan.weeks if one.week <= today < one.week + WEEK)
    expected = {(cell.kind, cell.market): (cell.low, cell.tasks, cell.high) for cell in plan.cells if cell.week == week.week}
    return Workload(dict(waiting), expected, week.fte, week.rostered)


def _last_plan(ledger: Ledger, today: date) -> PlanMade | None:
    """The last that has this week and plans what stands, not a change."""
    found = None
    for entry in ledger.read(kinds=[PlanMade.kind]):
        body = entry.body
        if isinstance(body, PlanMade) and any(one.week <= today < one.week + WEEK for one in body.weeks):
            found = body
    return found
