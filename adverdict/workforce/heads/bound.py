"""The fewest people with whom every deadline can be kept: the demand bound of earliest-deadline-first (Baruah, Mok and Rosier 1990).

For every stretch of time, the work that comes after its begin and is due by its end has to fit into the hours that people are on duty in
it. Tasks wait for hours or days, so what counts is the fullest stretch, not the busiest minute: Erlang's formulas are about another queue.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from adverdict.workforce.volume.history import Floats

CLASSES = 6
"""Deadlines that stand for all of a queue's: equal parts of its tasks."""
MANY = 1e9
SOON, PARTS = 4.0, 4
"""Where something is due within so many hours, each hour is looked at in so many parts."""
SAFETY = 1.0
"""Standard deviations of a stretch's work, by the chance of arrivals and handling times, that are planned for besides its mean."""


@dataclass(frozen=True)
class Stream:
    """Tasks of one queue as they come."""

    tasks: Floats
    """Expected in each hour, float64 (hours,)."""
    due_hours: Floats
    """From being opened to being due: sorted, float64 (n,), n at least 1."""
    seconds: float
    """Mean handling time."""
    variation: float = 0.8
    """Coefficient of variation of handling times."""

    @property
    def work(self) -> Floats:
        """Hours of handling that come in each hour."""
        return self.tasks * self.seconds / 3600

    def finer(self, parts: int) -> Stream:
        """By parts of an hour, with the same work against the same capacity: everything is counted in parts."""
        return Stream(np.repeat(self.tasks / parts, parts), self.due_hours * parts, self.seconds * parts, self.variation)

    def classes(self) -> Floats:
        """Hours until due that stand for the stream's, float64 (k,), k up to ``CLASSES``."""
        return np.unique([part.mean() for part in np.array_split(self.due_hours, min(CLASSES, len(self.due_hours)))])


@dataclass(frozen=True)
class Needed:
    """People on duty, with a fraction; by what decides it."""

    deadline: float
    """By deadlines."""
    occupancy: float
    """So that nobody is busy for more than the cap."""
    wellness: float = 0.0
    """So that nobody sees severe content for longer than the limit."""

    @property
    def heads(self) -> float:
        return max(self.deadline, self.occupancy, self.wellness)

    @property
    def binds(self) -> str:
        """``deadline``, ``occupancy`` or ``wellness``."""
        by = {"deadline": self.deadline, "occupancy": self.occupancy, "wellness": self.wellness}
        return max(by, key=lambda name: by[name])


def heads_for_deadlines(streams: Sequence[Stream], on_duty: Floats, target: float = 1.0, *, safety: float = SAFETY) -> float:
    """People of all skills with whom ``target`` of the tasks are answered in time; infinity where no number is enough.

    ``on_duty``: of one person, the part of each hour, float64 (hours,), from the streams' first hour on and at least as long. What is due
    after its end is not looked at. Where all can be in time this is the demand bound; where some come and are due while nobody is there,
    the fewest with whom the rest makes up the target.
    """
    if min((one.due_hours[0] for one in streams), default=SOON) < SOON:
        streams, on_duty = [one.finer(PARTS) for one in streams], np.repeat(on_duty, PARTS)
    mean, square = _due_by(streams, len(on_duty))
    served = np.concatenate([[0.0], np.cumsum(on_duty)])
    capacity = served[None, 1:] - served[:-1, None]  # from the begin of hour a to the end of hour b
    asked = np.tri(len(on_duty), dtype=np.bool_).T & (mean > 1e-9)
    possible = asked & (capacity > 1e-9)
    rate = np.divide(mean, capacity, out=np.zeros_like(mean), where=possible)
    highest = float("inf") if (asked & ~possible).any() else float(rate.max(initial=0.0))
    fewest = _fewest(streams, on_duty, target, highest) if target < 1 else highest
    if not np.isfinite(fewest):
        return fewest
    # Chance is planned for in the stretches that so many people can serve; the others are part of what may be late.
    counted = possible & (rate <= fewest * (1 + 1e-6))
    return float(max(fewest, ((mean + safety * np.sqrt(square))[counted] / capacity[counted]).max(initial=0.0)))


def in_time(streams: Sequence[Stream], on_duty: Floats, heads: float) -> float:
    """Share of the tasks answered in time by so many people who always take the earliest due, what is overdue first; as if work were
    fluid."""
    return _in_time(_due_in(streams, len(on_duty)), on_duty, heads)


def possible_share(streams: Sequence[Stream], on_duty: Floats) -> float:
    """Share of the tasks that any number of people could answer in time: the rest comes and is due while nobody is on duty."""
    return in_time(streams, on_duty, MANY)


def _in_time(due: Floats, on_duty: Floats, heads: float) -> float:
    waiting, met, asked = np.zeros(len(on_duty)), 0.0, float(due.sum())
    for hour in range(len(on_duty)):
        waiting += due[hour]
        done = np.diff(np.minimum(np.cumsum(waiting), heads * on_duty[hour]), prepend=0.0)
        met += float(done[hour:].sum())
        waiting -= done
    return met / asked if asked else 1.0


def _fewest(streams: Sequence[Stream], on_duty: Floats, target: float, highest: float) -> float:
    due = _due_in(streams, len(on_duty))
    if _in_time(due, on_duty, MANY) < target:
        return float("inf")
    low, high = 0.0, highest if np.isfinite(highest) else 1e4
    while np.isinf(highest) and _in_time(due, on_duty, high) < target:
        high *= 4
    while high - low > 0.001 * high:
        middle = (low + high) / 2
        low, high = (low, middle) if _in_time(due, on_duty, middle) >= target else (middle, high)
    return high


def needed(
    streams: Sequence[Stream], on_duty: Floats, cap: float, target: float = 1.0, *, severe: float = 0.0, severe_hours: float | None = None
) -> Needed:
    """People of all skills. ``severe``: hours of handling of severe content in the stretch; ``severe_hours``: most of one person in it."""
    work, hours = sum(float(one.work.sum()) for one in streams), float(on_duty.sum())
    wellness = severe / severe_hours if severe_hours else 0.0
    return Needed(heads_for_deadlines(streams, on_duty, target), work / (cap * hours) if hours else float("inf") if work else 0.0, wellness)


def _due_by(streams: Sequence[Stream], hours: int) -> tuple[Floats, Floats]:
    """Work that comes from hour a on and is due by the end of hour b, and the variance of it; float64 (hours, hours) each."""
    mean, square = np.zeros((hours, hours)), np.zeros((hours, hours))
    for stream in streams:
        by = np.cumsum(np.cumsum(_due_in([stream], hours)[::-1], axis=0)[::-1], axis=1)
        mean += by
        square += stream.seconds / 3600 * (1 + stream.variation**2) * by
    return mean, square


def _due_in(streams: Sequence[Stream], hours: int) -> Floats:
    """Work by the hour in which it comes (rows) and that in which it is due (columns), float64 (hours, hours)."""
    due = np.zeros((hours, hours))
    for stream in streams:
        classes, rows, work = stream.classes(), np.arange(min(len(stream.tasks), hours)), stream.work[:hours]
        for wait in classes:
            whole, rest = int(wait), wait - int(wait)
            # Tasks come evenly within their hour, so some of them are due in one hour and the rest in the next.
            for shift, part in ((whole, 1 - rest), (whole + 1, rest)):
                fit = rows + shift < hours
                due[rows[fit], rows[fit] + shift] += part * work[fit] / len(classes)
    return due
