"""Whose task is next, in memory: the rules of ``review.tasks.claims`` without a database, a hundred thousand tasks a second.

The earliest due among those a reviewer may take; the smaller id where two are due at once; never another reading of an ad they have read.
"""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heappop, heappush
from typing import NamedTuple

from adverdict.review.tasks.claims import may_take
from adverdict.review.tasks.routing import Reviewer
from adverdict.review.tasks.tasks import RoutingKey


class Waiting(NamedTuple):
    """A task that waits. Smaller comes first."""

    due: float
    task_id: str
    number: int
    about: str


class Pool:
    """Open tasks of some lanes, for reviewers of some profiles (skills, by their place in the list)."""

    def __init__(self, lanes: Sequence[RoutingKey], profiles: Sequence[Reviewer]) -> None:
        self._takers = [[number for number, who in enumerate(profiles) if may_take(who, lane)] for lane in lanes]
        self._heaps: list[list[Waiting]] = [[] for _ in profiles]
        self._taken: set[int] = set()
        self._readers: dict[str, list[str]] = {}

    def takers(self, lane: int) -> list[int]:
        """Profiles that may take a lane's tasks."""
        return self._takers[lane]

    def add(self, task: Waiting, lane: int) -> None:
        for profile in self._takers[lane]:
            heappush(self._heaps[profile], task)

    def take(self, profile: int, reviewer: str) -> Waiting | None:
        """The reviewer's next task, taken out; None where there is none for them."""
        heap, aside = self._heaps[profile], list[Waiting]()
        found = None
        while heap:
            task = heappop(heap)
            if task.number in self._taken:
                continue
            if task.about and reviewer in self._readers.get(task.about, ()):
                aside.append(task)
                continue
            found = task
            break
        for task in aside:
            heappush(heap, task)
        if found is not None:
            self._taken.add(found.number)
            if found.about:
                self._readers.setdefault(found.about, []).append(reviewer)
        return found
