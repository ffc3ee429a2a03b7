"""The next weeks: tasks, hours and people, with what is sure of them and what decides them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta

import numpy as np

from adverdict.domain.errors import InvalidSettings, Mistake
from adverdict.domain.progress import SILENT, Progress
from adverdict.workforce.change import Change, changed, launched_shapes
from adverdict.workforce.forecast.forecast import Forecast, forecast
from adverdict.workforce.heads.odds import Odds, odds
from adverdict.workforce.heads.staffing import BLOCK, BLOCKS, Staffing, staffing
from adverdict.workforce.heads.week import WeekWork, demands, week_work
from adverdict.workforce.operations.read import Operations
from adverdict.workforce.operations.roster import Shift
from adverdict.workforce.practice import Practice, Took
from adverdict.workforce.volume.history import WEEK, WEEK_HOURS, History, LaneShare, Queue, Shape

ROUND_THE_CLOCK = tuple(
    Shift("(nobody rostered)", 0.0, tuple(range(7)), time(begin), time((begin + 8) % 24), "UTC", 40.0, senior=True) for begin in (0, 8, 16)
)
"""Shifts to plan on where no roster is declared: eight hours around the clock, with every skill."""


@dataclass(frozen=True)
class Known:
    """What a plan is made from."""

    history: History
    shapes: dict[Queue, Shape]
    practice: Practice = field(default_factory=Practice)
    operations: Operations = field(default_factory=Operations)
    golden_share: float = 0.0
    seq: int = 0
    """The ledger's last entry that is counted."""
    seed: int = 0
    lease_seconds: float = 900.0

    @property
    def rostered(self) -> bool:
        return bool(self.operations.roster)

    def must_be_rostered(self) -> None:
        """Raises InvalidSettings where nobody is: then there is nobody to simulate."""
        if not self.rostered:
            expected = "people on a roster, in the operations folder"
            raise InvalidSettings("nobody can be simulated:", [Mistake("roster.csv", "(none)", expected)])

    def seconds(self, queue: Queue, lane: LaneShare) -> float:
        """Mean handling time of a queue's lane."""
        return self.practice.of(queue.kind, queue.market, lane.policies).seconds


@dataclass(frozen=True)
class Cell:
    """One queue in one week."""

    queue: Queue
    tasks: float
    low: float
    """P10, as ``high`` is P90."""
    high: float
    naive: float
    """As many as in the last week on record."""
    floor: float
    """The least relative error anybody could have."""
    took: Took
    """How long one takes."""

    @property
    def hours(self) -> float:
        return self.tasks * self.took.seconds / 3600


@dataclass(frozen=True)
class Week:
    """Seven days from ``start`` on."""

    start: date
    cells: tuple[Cell, ...]
    low: float
    """P10 of all tasks together, as ``high`` is P90."""
    high: float
    staffing: Staffing
    """For the P90 of tasks."""
    odds: Odds | None
    """With the roster; None: nobody is rostered, or it was not asked."""

    @property
    def tasks(self) -> float:
        return sum(cell.tasks for cell in self.cells)

    @property
    def hours(self) -> float:
        """Of handling, expected."""
        return sum(cell.hours for cell in self.cells)


@dataclass(frozen=True)
class Outlook:
    """The weeks, and what they rest on."""

    change: Change
    weeks: tuple[Week, ...]
    forecast: Forecast
    known: Known


def outlook(
    known: Known, weeks: int, change: Change | None = None, *, twin: bool = True, told: Forecast | None = None, progress: Progress = SILENT
) -> Outlook:
    """``told``: the forecast without the change, where it was made already. Raises InvalidInput where the history is too short."""
    change = change or Change()
    made = changed(told or forecast(known.history, known.operations.events, weeks), change)
    shapes = launched_shapes(known.shapes, change.launch) if change.launch else known.shapes
    known = replace(known, shapes=shapes)
    progress.stage("planning weeks", weeks)
    found = []
    for number in range(weeks):
        found.append(_week(known, made, change, number, twin))
        progress.advance()
    return Outlook(change, tuple(found), made, known)


def _week(known: Known, made: Forecast, change: Change, number: int, twin: bool) -> Week:
    work, start = week_work(made, known.shapes, number), made.start + timedelta(days=number * WEEK)
    begin = datetime.combine(start, time(), UTC)
    operations = known.operations
    shrinkage = operations.shrinkage.with_absence(change.absence) if change.absence else operations.shrinkage
    roster = [shift for shift in operations.roster if shift.hours_on(begin, WEEK_HOURS).any()] or list(ROUND_THE_CLOCK)
    covers = np.array([shift.hours_on(begin, WEEK_HOURS).reshape(BLOCKS, BLOCK).sum(axis=1) for shift in roster])
    took = _Seconds(known.practice, change)
    high = work.high * (1 + 1.2816 * change.doubt)
    wanted = demands(work, known.shapes, took, high * (1 + known.golden_share))
    found = staffing(wanted, roster, covers, shrinkage, operations.targets)
    likely = None
    if twin and known.rostered:
        likely = odds(
            work,
            known.shapes,
            took,
            roster,
            begin,
            shrinkage,
            operations.targets,
            variation=known.practice.variation,
            seed=known.seed + number,
            golden_share=known.golden_share,
        )
    return Week(start, _cells(made, work, number, took), *_total(made, number, change.doubt), found, likely)


@dataclass(frozen=True)
class _Seconds:
    """Mean handling time of a queue's lane, with the change."""

    practice: Practice
    change: Change

    def __call__(self, queue: Queue, lane: LaneShare) -> float:
        return self._of(queue, lane.policies).seconds * self.change.seconds.get(queue, 1.0)

    def _of(self, queue: Queue, policies: tuple[str, ...] = ()) -> Took:
        """Of a market that opens and of which nothing was read: as in the first market it is like."""
        launch, market = self.change.launch, queue.market
        if launch is not None and market == launch.market and market not in self.practice.markets.factors:
            market = launch.like[0]
        return self.practice.of(queue.kind, market, policies)

    def took(self, queue: Queue) -> Took:
        found, times = self._of(queue), self.change.seconds.get(queue, 1.0)
        return replace(found, seconds=found.seconds * times, low=found.low and found.low * times, high=found.high and found.high * times)


def _cells(made: Forecast, work: WeekWork, number: int, took: _Seconds) -> tuple[Cell, ...]:
    (low, high), floor, tasks = made.band(), made.floor(), made.tasks
    return tuple(
        Cell(
            queue,
            float(tasks[row, number]),
            float(low[row, number]),
            float(high[row, number]),
            float(made.naive[row]),
            float(floor[row, number]),
            took.took(queue),
        )
        for row, queue in enumerate(work.queues)
    )


def _total(made: Forecast, number: int, doubt: float) -> tuple[float, float]:
    low, high = made.total_band()
    mean = float(made.tasks[:, number].sum())
    wider = 1.2816 * doubt * mean
    return max(0.0, float(low[number]) - wider), float(high[number]) + wider


def absent(known: Known, week: Week) -> list[Shift]:
    """Lines of the roster on which nobody is left in the week, all being away."""
    begin, there = datetime.combine(week.start, time(), UTC), {_line(need.shift) for need in week.staffing.needs}
    gone = [shift for shift in known.operations.absent if shift.hours_on(begin, WEEK_HOURS).any()]
    return list({_line(shift): shift for shift in gone if _line(shift) not in there}.values())


def _line(shift: Shift) -> Shift:
    """Of the roster, whoever of it is away."""
    return replace(shift, people=0.0, since=None, until=None)


def heads(weeks: Sequence[Week]) -> float:
    """Full-time people of the fullest week, with a fraction."""
    return max((week.staffing.fte for week in weeks), default=0.0)
