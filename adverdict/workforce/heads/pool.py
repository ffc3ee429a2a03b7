"""Whose task is next, in memory: the rules of ``review.tasks.claims`` without a database, a few hundred thousand tasks a second.

The earliest due among those a reviewer may take; the smaller id where two are due at once; never another reading of an ad they have read.
Tasks are known by their rank in the order of due moment and id, so that comparing two is comparing numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heappop, heappush

from adverdict.review.tasks.claims import may_take
from adverdict.review.tasks.routing import Reviewer
from adverdict.review.tasks.tasks import RoutingKey


class Pool:
    """Open tasks of some lanes, for reviewers of some profiles (skills, by their place in the list)."""

    def __init__(self, lanes: Sequence[RoutingKey], profiles: Sequence[Reviewer], tasks: int, about: Sequence[str] = ()) -> None:
        """``tasks``: how many there will be. ``about``: by rank, what each is about, where two may be about the same; empty: all differ."""
        self._takers = [[number for number, who in enumerate(profiles) if may_take(who, lane)] for lane in lanes]
        self._heaps: list[list[int]] = [[] for _ in profiles]
        self._taken = bytearray(tasks)
        self._about = about
        self._readers: dict[str, set[str]] = {}

    def takers(self, lane: int) -> list[int]:
        """Profiles that may take a lane's tasks."""
        return self._takers[lane]

    def add(self, rank: int, lane: int) -> None:
        for profile in self._takers[lane]:
            heappush(self._heaps[profile], rank)

    def take(self, profile: int, reviewer: str = "") -> int:
        """The rank of the reviewer's next task, taken out; -1 where there is none for them."""
        heap, taken = self._heaps[profile], self._taken
        read, found = list[int](), -1
        while heap:
            rank = heappop(heap)
            if taken[rank]:
                continue
            if self._about and reviewer in self._readers.get(self._about[rank], ()):
                read.append(rank)  # stays, for others
                continue
            taken[rank], found = 1, rank
            if self._about:
                self._readers.setdefault(self._about[rank], set()).add(reviewer)
            break
        for rank in read:
            heappush(heap, rank)
        return found
