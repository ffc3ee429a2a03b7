"""A forecast of tasks by queue and week, with what it has to be compared with: seasonal naive, and what nobody can be better than."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np

from adverdict.domain.errors import InvalidInput, Mistake
from adverdict.workforce.forecast.conversion import shares, tasks_ahead
from adverdict.workforce.forecast.intervals import Bands, bands
from adverdict.workforce.forecast.submissions import EventEffect, forecast_submissions
from adverdict.workforce.operations.events import Event
from adverdict.workforce.volume.history import WEEK, Floats, History, Queue, Series, weekly

FEWEST_DAYS = 14
"""Of history: a week has to be seen twice before a weekday says anything."""
MOMENTS = 12
"""Earlier moments at which the same forecast is made, a week apart, to see how far it was off."""
WARM_UP_DAYS = 28
"""Of history before the first of them."""
BEFORE_DAYS = 4
FLOOR = 0.8
"""Mean absolute deviation of a Poisson count of mean n, in units of its square root (sqrt(2 / pi))."""


@dataclass(frozen=True)
class Forecast:
    """From the day after the history's last. A week is seven days from there on."""

    start: date
    series: tuple[Series, ...]
    submissions: Floats
    """float64 (series, days)."""
    queues: tuple[Queue, ...]
    share: Floats
    """Tasks a submission, float64 (queues,)."""
    daily: Floats
    """Tasks, float64 (queues, days)."""
    bands: Bands
    """Of one queue's week."""
    total_bands: Bands
    effects: tuple[EventEffect, ...]
    naive: Floats
    """The last week's tasks, for every week ahead: float64 (queues,)."""
    past: Backtest | None
    before: Floats
    """Tasks of the last ``BEFORE_DAYS`` on record, float64 (queues, 4): what the first week finds waiting comes of them."""

    @property
    def tasks(self) -> Floats:
        """Mean by week, float64 (queues, weeks)."""
        return weekly(self.daily)

    def band(self) -> tuple[Floats, Floats]:
        """P10 and P90 by queue and week."""
        return self.bands.of(self.tasks)

    def total_band(self) -> tuple[Floats, Floats]:
        """P10 and P90 of all queues together, by week."""
        return self.total_bands.of(self.tasks.sum(axis=0))

    def floor(self) -> Floats:
        """The least relative error anybody could have, by queue and week: what chance alone does to a count."""
        return FLOOR / np.sqrt(np.maximum(self.tasks, 1.0))

    def times(self, factor: Floats) -> Forecast:
        """With other shares; ``factor`` float64 (queues,)."""
        return replace(self, share=self.share * factor, daily=self.daily * factor[:, None])


@dataclass(frozen=True)
class Backtest:
    """The same forecast at earlier moments, beside what came: float64 (moments, queues, weeks), NaN where a week was not over."""

    actual: Floats
    predicted: Floats
    naive: Floats

    def between(self, first: int, last: int) -> Backtest:
        """Some of the moments."""
        return Backtest(self.actual[first:last], self.predicted[first:last], self.naive[first:last])

    def wape(self, predicted: Floats, weeks: int = 2) -> float | None:
        """Sum of absolute errors over sum of tasks, of queues' weeks up to ``weeks`` ahead; None where there is none."""
        actual, told = self.actual[..., :weeks], predicted[..., :weeks]
        known = np.isfinite(actual)
        total = float(actual[known].sum())
        return float(np.abs(actual - told)[known].sum()) / total if total else None

    def floor(self, weeks: int = 2) -> float | None:
        """What chance alone would make of it."""
        actual = self.actual[..., :weeks]
        known = np.isfinite(actual)
        total = float(actual[known].sum())
        return FLOOR * float(np.sqrt(actual[known]).sum()) / total if total else None


def forecast(history: History, events: Sequence[Event], weeks: int, *, moments: int = MOMENTS, past: Backtest | None = None) -> Forecast:
    """Tasks of the next ``weeks`` weeks. ``past``: the backtest, where it was made already. Raises InvalidInput where the history is too
    short to tell a weekday."""
    if history.days < FEWEST_DAYS:
        expected = f"at least {FEWEST_DAYS} whole days on record"
        raise InvalidInput("nothing can be forecast yet:", [Mistake("days", history.days, expected)])
    past = past or backtest(history, events, weeks, moments)
    once = point(history, events, weeks * WEEK)
    naive = history.opened[:, -WEEK:].sum(axis=1)
    nothing = np.zeros((0, 1, weeks))
    actual, predicted = (past.actual, past.predicted) if past else (nothing, nothing)
    cells, total = bands(actual, predicted), bands(actual.sum(axis=1, keepdims=True), predicted.sum(axis=1, keepdims=True))
    return replace(once, bands=cells, total_bands=total, naive=naive, past=past)


def point(history: History, events: Sequence[Event], days: int) -> Forecast:
    """Means alone."""
    coming = forecast_submissions(history, events, days)
    share = shares(history)
    daily = tasks_ahead(history, coming.mean, share)
    unknown = bands(np.zeros((0, 1, 1)), np.zeros((0, 1, 1)))
    return Forecast(
        start=history.end,
        series=history.series,
        submissions=coming.mean,
        queues=history.queues,
        share=share,
        daily=daily,
        bands=unknown,
        total_bands=unknown,
        effects=coming.effects,
        naive=np.zeros(len(share)),
        past=None,
        before=history.opened[:, -BEFORE_DAYS:],
    )


def backtest(history: History, events: Sequence[Event], weeks: int, moments: int) -> Backtest | None:
    """Forecasts of earlier moments, oldest first; None where the history is too short for one."""
    first = max(FEWEST_DAYS, min(WARM_UP_DAYS, history.days - WEEK))
    ends = [history.days - WEEK * back for back in range(moments, 0, -1)]
    ends = [end for end in ends if end >= first]
    if not ends:
        return None
    actual = np.full((len(ends), len(history.queues), weeks), np.nan)
    predicted, naive = actual.copy(), actual.copy()
    for number, end in enumerate(ends):
        over = min(weeks, (history.days - end) // WEEK)
        known = history.until(end)
        predicted[number, :, :over] = point(known, events, over * WEEK).tasks
        actual[number, :, :over] = weekly(history.opened[:, end : end + over * WEEK])
        naive[number, :, :over] = known.opened[:, -WEEK:].sum(axis=1, keepdims=True)
    return Backtest(actual, predicted, naive)
