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
from adverdict.workforce.heads.pool import Pool
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
    order: Ints
    """Tasks in the order in which they were taken."""


def answered(tasks: Tasks, people: Sequence[Person], lanes: Sequence[RoutingKey], profiles: Sequence[Reviewer], until: float) -> Answers:
    """Let the people work from hour 0 until an hour."""
    return _Run(tasks, people, lanes, profiles).run(until)


class _Run:
    def __init__(self, tasks: Tasks, people: Sequence[Person], lanes: Sequence[RoutingKey], profiles: Sequence[Reviewer]) -> None:
        order = np.argsort(tasks.due, kind="stable")
        self._rank = np.argsort(order, kind="stable").tolist()
        self._number = order.tolist()
        about = [tasks.about[number] for number in self._number] if tasks.about else ()
        self._pool = Pool(lanes, profiles, len(order), about)
        self._opened, self._lane = tasks.opened.tolist(), tasks.lane.tolist()
        self._hours = (tasks.seconds / 3600).tolist()
        self._people, self._names = people, [str(number) for number in range(len(people))]
        self._begun, self._done = [NEVER] * len(order), [NEVER] * len(order)
        self._shift = [0] * len(people)
        self._events = [(person.shifts[0][0], number) for number, person in enumerate(people) if person.shifts]
        heapify(self._events)
        self._idle: list[list[int]] = [[] for _ in profiles]
        self._order: list[int] = []

    def run(self, until: float) -> Answers:
        coming, count, events, opened = 0, len(self._opened), self._events, [*self._opened, NEVER]
        while True:
            wake, arrival = events[0][0] if events else NEVER, opened[coming]
            if arrival <= wake:
                if arrival >= until or coming >= count:
                    break
                self._arrive(coming, arrival)
                coming += 1
            elif wake >= until:
                break
            else:
                at, who = heappop(events)
                self._free(who, at)
        return Answers(np.array(self._begun), np.array(self._done), np.array(self._order, dtype=np.int64))

    def _arrive(self, number: int, at: float) -> None:
        lane = self._lane[number]
        self._pool.add(self._rank[number], lane)
        for profile in self._pool.takers(lane):
            waiting = self._idle[profile]
            while waiting:
                who = waiting.pop()
                if at < self._people[who].shifts[self._shift[who]][1]:
                    self._free(who, at)
                    return
                self._home(who, at)

    def _free(self, who: int, at: float) -> None:
        person = self._people[who]
        if at >= person.shifts[self._shift[who]][1]:
            self._home(who, at)
            return
        rank = self._pool.take(person.profile, self._names[who])
        if rank < 0:
            self._idle[person.profile].append(who)
            return
        number = self._number[rank]
        done = at + self._hours[number] * person.pace
        self._begun[number], self._done[number] = at, done
        self._order.append(number)
        heappush(self._events, (done, who))

    def _home(self, who: int, at: float) -> None:
        """Until their next shift; those without one do not come again."""
        shifts = self._people[who].shifts
        following = self._shift[who] + 1
        while following < len(shifts) and shifts[following][1] <= at:
            following += 1
        if following < len(shifts):
            self._shift[who] = following
            heappush(self._events, (max(shifts[following][0], at), who))
