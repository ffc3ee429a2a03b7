"""How many events of an entity came before a moment, for many entities and moments at once.

Entities are codes, moments become ranks among the times of all known events; (entity, moment) is then one integer, the key. Events are
sorted by key once, and every "how many before" is a binary search.
"""

from __future__ import annotations

import numpy as np

from features.history.known import WINDOWS, Bools, Ints

MISSING = -1
"""Code of an entity that the ad does not state. Its keys come before every known event's, so everything counted for it is 0."""


class Clock:
    """Ranks moments: an event is before a moment exactly when its rank is below the moment's.

    ``known``: times of all events; ``at``: moments asked about, int64 (n,); both in microseconds.
    """

    def __init__(self, known: Ints, at: Ints) -> None:
        self._ticks = np.unique(known)
        self.now = self._rank(at)
        self.ago = [self._rank(at - window) for window in WINDOWS]

    def key(self, entity: Ints, rank: Ints) -> Ints:
        """Below 2**63 as long as entities times events are."""
        return entity * (len(self._ticks) + 1) + rank

    def events(self, entity: Ints, times: Ints) -> Events:
        rows = np.flatnonzero(entity != MISSING)
        keys = self.key(entity[rows], self._rank(times[rows]))
        order = np.argsort(keys, kind="stable")
        return Events(keys[order], rows[order], times[rows[order]])

    def _rank(self, moments: Ints) -> Ints:
        return np.searchsorted(self._ticks, moments, side="left")


class Events:
    """Events of one kind of entity, sorted by entity and time: keys, rows in the table they came from, times."""

    def __init__(self, keys: Ints, rows: Ints, times: Ints) -> None:
        self._keys = keys
        self.rows = rows
        self.times = times

    def before(self, keys: Ints) -> Ints:
        return np.searchsorted(self._keys, keys, side="left")


class Asked:
    """The ads to describe, for one kind of entity; sorted by entity and time inside, so that searches stay in the processor's cache."""

    def __init__(self, clock: Clock, entity: Ints) -> None:
        key = clock.key(entity, clock.now)
        self._order = np.argsort(key, kind="stable")
        self._entity = entity[self._order]
        self.stated: Bools = entity != MISSING
        self.end = key[self._order]
        self.start = clock.key(self._entity, np.zeros_like(self._entity))
        self.windows = [clock.key(self._entity, ago[self._order]) for ago in clock.ago]

    def restore(self, values: Ints) -> Ints:
        """Back into the order in which the ads came."""
        restored = np.empty_like(values)
        restored[self._order] = values
        return restored
