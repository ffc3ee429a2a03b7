"""Submissions and the tasks they became, by day: what every forecast is made from. Plain numbers, wherever they were counted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

WEEK = 7
WEEK_HOURS = 168


class Series(NamedTuple):
    """Submissions are counted and forecast by these."""

    market: str
    surface: str
    """Empty: not told."""


class Queue(NamedTuple):
    """Tasks of one kind in one market."""

    market: str
    kind: str


@dataclass(frozen=True)
class History:
    """Whole days, oldest first."""

    start: date
    series: tuple[Series, ...]
    submissions: Floats
    """float64 (series, days)."""
    queues: tuple[Queue, ...]
    opened: Floats
    """Tasks opened, float64 (queues, days)."""
    braked: Bools = field(default_factory=lambda: np.zeros((0, 0), dtype=np.bool_))
    """bool (queues, days): a brake was on, so shares of these days say nothing of other days. Of shape (0, 0): none was."""

    @property
    def days(self) -> int:
        return int(self.submissions.shape[1])

    @property
    def end(self) -> date:
        """The day after the last."""
        return self.start + timedelta(days=self.days)

    @property
    def markets(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys([one.market for one in self.series] + [one.market for one in self.queues]))

    def weekdays(self, days: int | None = None) -> NDArray[np.int64]:
        """Monday is 0; int64 (days,), from the first day on."""
        return (np.arange(self.days if days is None else days) + self.start.weekday()) % WEEK

    def of_market(self, market: str) -> Floats:
        """Submissions a day, all surfaces; float64 (days,)."""
        rows = [number for number, one in enumerate(self.series) if one.market == market]
        return np.asarray(self.submissions[rows].sum(axis=0))

    def learnable(self) -> Bools:
        """bool (queues, days): no brake was on."""
        return ~self.braked if self.braked.size else np.ones_like(self.opened, dtype=np.bool_)

    def until(self, days: int) -> History:
        """As it was known after so many days."""
        braked = self.braked[:, :days] if self.braked.size else self.braked
        return replace(self, submissions=self.submissions[:, :days], opened=self.opened[:, :days], braked=braked)

    def only(self, keep: Callable[[str], bool]) -> History:
        """Of some markets."""
        series = [number for number, one in enumerate(self.series) if keep(one.market)]
        queues = [number for number, one in enumerate(self.queues) if keep(one.market)]
        return replace(
            self,
            series=tuple(self.series[number] for number in series),
            submissions=self.submissions[series],
            queues=tuple(self.queues[number] for number in queues),
            opened=self.opened[queues],
            braked=self.braked[queues] if self.braked.size else self.braked,
        )


@dataclass(frozen=True)
class LaneShare:
    """One of the lanes that a queue's tasks go to."""

    language: str | None
    senior: bool
    policies: tuple[str, ...]
    share: float
    """Of the queue's tasks, in (0, 1]."""
    severe: bool = False
    """Whether any policy asked about is of a severity that counts as severe content."""


@dataclass(frozen=True)
class Shape:
    """How a queue's tasks lie in the week, and what they ask."""

    hours: Floats
    """Share of a week's tasks opened in each of its hours from Monday 00:00 UTC on; float64 (168,), sums to 1."""
    due_hours: Floats
    """Sorted: hours from being opened to being due; float64 (n,), n at least 1."""
    lanes: tuple[LaneShare, ...]


Shapes = Mapping[Queue, Shape]


def weekly(daily: Floats) -> Floats:
    """Sums of whole weeks; float64 (…, weeks). What is left over at the end is left out."""
    weeks = daily.shape[-1] // WEEK
    return np.asarray(daily[..., : weeks * WEEK].reshape(*daily.shape[:-1], weeks, WEEK).sum(axis=-1))
