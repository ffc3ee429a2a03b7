"""Simulated time: what happens next, in order."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from heapq import heappop, heappush
from itertools import count

Event = Callable[[], None]


class SimulatedClock:
    """A clock that jumps from one event to the next. Seconds are Unix seconds."""

    def __init__(self, begin: float) -> None:
        self.seconds = begin
        self._order = count()
        self._events: list[tuple[float, int, Event]] = []

    def __call__(self) -> datetime:
        return datetime.fromtimestamp(self.seconds, UTC)

    def at(self, seconds: float, event: Event) -> None:
        """Later, or at once where that is over already."""
        heappush(self._events, (max(seconds, self.seconds), next(self._order), event))

    def after(self, seconds: float, event: Event) -> None:
        self.at(self.seconds + seconds, event)

    def run(self, until: float) -> None:
        """Everything before a moment, which it then is."""
        while self._events and self._events[0][0] < until:
            self.seconds, _, event = heappop(self._events)
            event()
        self.seconds = until
