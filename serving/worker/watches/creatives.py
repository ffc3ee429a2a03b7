"""Creatives fetched from within the service: one worker at a time has those fetched that people are to look at."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from adverdict.creatives.fetching import fetch
from adverdict.creatives.resolver import Resolver
from adverdict.ledger.entropy import hexadecimal
from adverdict.ledger.leases import lease
from adverdict.ledger.store import Ledger, now
from adverdict.serving.worker.periodic import PeriodicWatch

WORK = "creatives"
EVERY = timedelta(seconds=2)
"""So that a picture is there when its ad is: a task is rarely read sooner."""
HELD = timedelta(minutes=5)
"""Longer than a round takes: each of its files has a minute at most."""


class CreativeWatch(PeriodicWatch):
    """A file that cannot be fetched is tried again, later and later, and never keeps the others waiting."""

    def __init__(self, ledger: Ledger, resolver: Resolver, clock: Callable[[], datetime] = now) -> None:
        super().__init__("creatives", "creatives could not be fetched", EVERY)
        self._ledger, self._resolver, self._clock = ledger, resolver, clock
        self._holder = hexadecimal()

    def look(self) -> bool:
        """One round, unless another worker does it; whether there was one. Raises Unavailable."""
        with self._ledger.change() as connection:
            if not lease(connection, WORK, self._holder, self._clock(), HELD):
                return False
        while fetch(self._ledger, self._resolver, self._clock).kept and not self._stop.is_set():
            with self._ledger.change() as connection:
                if not lease(connection, WORK, self._holder, self._clock(), HELD):
                    break
        return True
