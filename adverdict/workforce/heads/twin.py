"""A twin of the queue: tasks come, people are there in their shifts, each takes what the product's own rules give them.

Says what a bound cannot: how many were answered in time and how long everybody waited, for one draw of volumes and handling times.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush

import numpy as np
from numpy.typing import NDArray

from adverdict.review.tasks.routing import Reviewer
from adverdict.review.tasks.tasks import RoutingKey
from adverdict.workforce.heads.pool import Pool, Waiting
from adverdict.workforce.volume.history import Floats

Ints = NDArray[np.int64]
NEVER = float("inf")


@dataclass(frozen=True)
class Tasks:
    """One draw of what comes. Hours from the same moment throughout; all of one length, in order of ``opened``."""

    opened: Floats
    due: Floats
    seconds: Floats
    lane: Ints
    about: tuple[str, ...] = ()
    """What each is about, where two may be about the same; empty: all differ."""


@dataclass(frozen=True)
class Person:
    """Somebody on the roster."""

    profile: int
    """Their skills, by the place in the list of profiles."""
    shifts: tuple[tuple[float, float], ...]
    """Begin and end in hours, in order. A task begun before the end is finished."""
    pace: float = 1.0
    """Times the usual handling time: learners take longer."""


@dataclass(frozen=True)
class Answers:
    """When each task was taken and done, in hours; infinity: it was not."""

    begun: Floats
    done: Floats
    busy: float
    """Hours of handling, of all people together."""
    order: Ints
    """Tasks in the order in which they were taken."""


def answered(tasks: Tasks, people: Sequence[Person], lanes: Sequence[RoutingKey], profiles: Sequence[Reviewer], until: float) -> Answers:
    """Let the people work from hour 0 until an hour."""
    return _Run(tasks, people, Pool(lanes, profiles)).run(until)


class _Run:
    def __init__(self, tasks: Tasks, people: Sequence[Person], pool: Pool) -> None:
        self._opened, self._due = tasks.opened.tolist(), tasks.due.tolist()
        self._seconds, self._lane = tasks.seconds.tolist(), tasks.lane.tolist()
        self._about = tasks.about or ("",) * len(self._opened)
        self._people, self._pool = people, pool
        self._begun, self._done = [NEVER] * len(self._opened), [NEVER] * len(self._opened)
        self._shift = [0] * len(people)
        self._events = [(person.shifts[0][0], number) for number, person in enumerate(people) if person.shifts]
        heapify(self._events)
        self._idle: dict[int, list[int]] = {}
        self._order: list[int] = []
        self._busy = 0.0

    def run(self, until: float) -> Answers:
        coming, count, events = 0, len(self._opened), self._events
        while True:
            wake = events[0][0] if events else NEVER
            arrival = self._opened[coming] if coming < count else NEVER
            if min(wake, arrival) >= until:
                break
            if arrival <= wake:
                self._arrive(coming, arrival)
                coming += 1
            else:
                at, who = heappop(events)
                self._free(who, at)
        return Answers(np.array(self._begun), np.array(self._done), self._busy, np.array(self._order, dtype=np.int64))

    def _arrive(self, number: int, at: float) -> None:
        lane = self._lane[number]
        self._pool.add(Waiting(self._due[number], f"{number:09d}", number, self._about[number]), lane)
        for profile in self._pool.takers(lane):
            waiting = self._idle.get(profile)
            while waiting:
                who = waiting.pop()
                if at < self._people[who].shifts[self._shift[who]][1]:
                    self._free(who, at)
                    return
                self._home(who)

    def _free(self, who: int, at: float) -> None:
        person = self._people[who]
        end = person.shifts[self._shift[who]][1]
        if at >= end:
            self._home(who, at)
            return
        task = self._pool.take(person.profile, str(who))
        if task is None:
            self._idle.setdefault(person.profile, []).append(who)
            return
        number, hours = task.number, self._seconds[task.number] * person.pace / 3600
        self._begun[number], self._done[number] = at, at + hours
        self._busy += hours
        self._order.append(number)
        heappush(self._events, (at + hours, who))

    def _home(self, who: int, at: float = 0.0) -> None:
        """Until their next shift."""
        shifts = self._people[who].shifts
        self._shift[who] += 1
        while self._shift[who] < len(shifts) and shifts[self._shift[who]][1] <= at:
            self._shift[who] += 1
        if self._shift[who] < len(shifts):
            heappush(self._events, (max(shifts[self._shift[who]][0], at), who))
        else:
            self._shift[who] = len(shifts) - 1 if shifts else 0
