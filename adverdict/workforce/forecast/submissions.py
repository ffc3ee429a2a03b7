"""Submissions a day ahead: a Poisson regression a market and surface, on weekday, trend and declared events.

Everything is drawn towards what is more often seen: a series' week towards that of all, an event's effect towards that of its kind, and a
trend towards none. So a new market has everybody's week from its first day on, and a level of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from adverdict.workforce.forecast.poisson import LEAST, Fitted, fit
from adverdict.workforce.operations.events import Event
from adverdict.workforce.volume.history import WEEK, Floats, History

WINDOW = 26 * WEEK
"""Days looked back."""
HALF_LIFE = 42.0
"""Days after which a day counts half: levels wander."""
TREND_DAYS = 56
DAMPED_AFTER = 14
"""Days ahead after which a trend is not carried on."""
TREND_SPREAD, WEEKDAY_SPREAD, EVENT_SPREAD = 0.05, 0.08, 0.15
"""Prior standard deviations of logarithms: of a trend over ``TREND_DAYS``, of a series' weekday and of one series' event beside its
kind."""
KIND_SPREAD = 1.0
"""Of an event kind's effect, about which nothing is known beforehand."""


@dataclass(frozen=True)
class EventEffect:
    """What a kind of declared event did to submissions, over all series that met it."""

    kind: str
    factor: float
    """Times the usual, or times what its owner expected where they said so."""
    expected: bool
    """Whether it is beside the owner's ``expected_factor``."""
    days: int
    """Series' days on which it was seen; 0: never, and the factor says nothing."""


@dataclass(frozen=True)
class Submissions:
    """A forecast of submissions."""

    mean: Floats
    """float64 (series, days ahead)."""
    usual: Floats
    """The same without events."""
    effects: tuple[EventEffect, ...]


def forecast_submissions(history: History, events: Sequence[Event], days: int) -> Submissions:
    """Mean submissions of each of the next ``days`` days. ``history`` needs at least one day."""
    known = history if history.days <= WINDOW else _last(history)
    calendar = _Calendar(known, events, days)
    past = slice(0, known.days)
    eventful = calendar.on[:, :, past].sum(axis=(0, 1)) > 0
    week = _week(known.submissions.sum(axis=0), eventful, known.weekdays())[calendar.weekdays]
    weights = _weights(known)
    first = _fitted(known, calendar, week + calendar.expected, weights, KIND_SPREAD)
    kinds = _kinds(first, calendar, known.days)
    declared = calendar.expected + np.einsum("k,skd->sd", kinds, calendar.on)
    second = _fitted(known, calendar, week + declared, weights, EVENT_SPREAD)
    ahead = slice(known.days, known.days + days)
    mean = np.exp(np.einsum("sdc,sc->sd", calendar.columns(EVENT_SPREAD)[:, ahead], second.coefficients) + (week + declared)[:, ahead])
    mean[weights.sum(axis=1) == 0] = 0.0
    lift = declared + np.einsum("sk,skd->sd", second.coefficients[:, 2 + WEEK :] * EVENT_SPREAD, calendar.on)
    effects = tuple(
        EventEffect(kind, float(np.exp(kinds[number])), expected, int(calendar.on[:, number, past].sum()))
        for number, (kind, expected) in enumerate(calendar.kinds)
    )
    return Submissions(mean, mean / np.exp(lift[:, ahead]), effects)


class _Calendar:
    """Which events are on, by series and day, past and future."""

    def __init__(self, history: History, events: Sequence[Event], days: int) -> None:
        self.past, self.days = history.days, history.days + days
        self.weekdays = history.weekdays(self.days)
        self.kinds = sorted({(one.kind, one.expected_factor is not None) for one in events})
        self.on = np.zeros((len(history.series), len(self.kinds), self.days))
        """1 where an event of the kind is on, float64 (series, kinds, days)."""
        self.expected = np.zeros((len(history.series), self.days))
        """Logarithm of what owners expect."""
        for event in events:
            low, high = (event.starts - history.start).days, (event.ends - history.start).days + 1
            span = slice(max(low, 0), max(high, 0))
            for row, one in enumerate(history.series):
                if event.concerns(one.market, one.surface):
                    self.on[row, self.kinds.index((event.kind, event.expected_factor is not None)), span] = 1.0
                    self.expected[row, span] += np.log(event.expected_factor or 1.0)

    def columns(self, event_spread: float) -> Floats:
        """Level, trend, weekdays, events, each in units of its prior's standard deviation: float64 (series, days, columns)."""
        since = np.arange(self.days) - (self.past - 1)
        trend = np.clip(since, -TREND_DAYS, DAMPED_AFTER) / TREND_DAYS * TREND_SPREAD
        common = np.column_stack([np.ones(self.days), trend, np.eye(WEEK)[self.weekdays] * WEEKDAY_SPREAD])
        shared = np.broadcast_to(common, (len(self.on), *common.shape))
        return np.concatenate([shared, self.on.transpose(0, 2, 1) * event_spread], axis=2)


def _fitted(history: History, calendar: _Calendar, offset: Floats, weights: Floats, event_spread: float) -> Fitted:
    past = slice(0, history.days)
    return fit(calendar.columns(event_spread)[:, past], history.submissions, offset[:, past], weights)


def _weights(history: History) -> Floats:
    """Recent days heavier; days before a series' first submission are none of its days."""
    began = np.cumsum(history.submissions, axis=1) > 0
    return np.asarray(0.5 ** (np.arange(history.days)[::-1] / HALF_LIFE) * began)


def _kinds(fitted: Fitted, calendar: _Calendar, days: int) -> Floats:
    """The effect of each kind: its series' effects, the better seen the heavier, drawn a little towards none."""
    effects = fitted.coefficients[:, 2 + WEEK :] * KIND_SPREAD
    seen = np.einsum("skd,sd->sk", calendar.on[:, :, :days], fitted.means * fitted.weights) / fitted.scatter[:, None]
    weight = np.where(seen > 0, 1 / (1 / np.maximum(seen, LEAST) + EVENT_SPREAD**2), 0.0)
    return np.asarray((weight * effects).sum(axis=0) / (weight.sum(axis=0) + 1 / KIND_SPREAD**2))


def _last(history: History) -> History:
    cut = history.days - WINDOW
    return replace(
        history,
        start=history.start + timedelta(days=cut),
        submissions=history.submissions[:, cut:],
        opened=history.opened[:, cut:],
        braked=history.braked[:, cut:] if history.braked.size else history.braked,
    )


def _week(total: Floats, eventful: NDArray[np.bool_], weekdays: NDArray[np.int64]) -> Floats:
    """Logarithm of each weekday beside the mean day, over all series; float64 (7,). Days with events are left out where that leaves
    some."""
    means = np.array([_mean(total, ~eventful & (weekdays == day), weekdays == day) for day in range(WEEK)])
    return np.asarray(np.log(means / means.mean())) if (means > 0).all() else np.zeros(WEEK)


def _mean(total: Floats, best: NDArray[np.bool_], otherwise: NDArray[np.bool_]) -> float:
    chosen = total[best] if best.any() else total[otherwise]
    return float(np.median(chosen)) if len(chosen) else 0.0
