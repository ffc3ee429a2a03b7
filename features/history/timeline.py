"""How many events of an entity came before a moment, for many entities and moments at once.

Entities are codes, moments become ranks among the times of all known events; (entity, moment) is then one integer, the key. Events are
sorted by key once, and every "how many before" is a binary search.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from adverdict.features.history.known import WINDOWS, Bools, Ints

MISSING = -1
"""Code of an entity that the ad does not state. Its keys come before every known event's, so everything counted for it is 0."""


class Clock:
    """Ranks moments by how many known events came before them: an event is before a moment exactly when its rank is below the moment's.

    ``known``: times of all events; ``at``: moments asked about; both int64 microseconds.
    """

    def __init__(self, known: Ints, at: Ints) -> None:
        self._known = np.sort(known, kind="stable")
        self.now = self.rank(at)
        self.ago = [self.rank(at - window) for window in WINDOWS]

    def rank(self, moments: Ints) -> Ints:
        return np.searchsorted(self._known, moments, side="left")

    def time(self, rank: Ints) -> Ints:
        """The time of a known event of this rank."""
        return self._known[rank]

    def key(self, entity: Ints, rank: Ints) -> Ints:
        """Below 2**63 as long as entities times events are."""
        return entity * (len(self._known) + 1) + rank

    def events(self, entity: Ints, rank: Ints) -> Events:
        """The events of a table that state an entity of one kind."""
        rows = np.flatnonzero(entity != MISSING)
        keys = self.key(entity[rows], rank[rows])
        order = np.argsort(keys, kind="stable")
        return Events(keys[order], rows[order])


@dataclass(frozen=True, slots=True)
class Events:
    """Events of one kind of entity, sorted by entity and time: their keys, and their rows in the table they came from."""

    keys: Ints
    rows: Ints

    def before(self, keys: Ints) -> Ints:
        return np.searchsorted(self.keys, keys, side="left")


class AsOfQuery:
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
