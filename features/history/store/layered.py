"""What came since a store was written, above it: counted as if all of it were one state."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Sequence

from adverdict.features.history.counting import EventCounter
from adverdict.features.history.entities import KINDS
from adverdict.features.history.entity import EntityTimeline, Timeline
from adverdict.features.history.known import DISTINCT, NEVER, USES
from adverdict.features.history.store.reading import UNKNOWN, HistoryStore, StoredEntities

_FIRST, _LAST = 5, 6
"""Places of the first and the last submission in a row of counts."""


class LayeredHistory(EventCounter):
    """Equal in every count to a ``HistoryState`` that observed the same events. Its memory grows with what came since alone."""

    def __init__(self, store: HistoryStore) -> None:
        self.store = store
        self._since: dict[str, dict[str, EntityTimeline]] = {kind: {} for kind in KINDS}
        self._taken: dict[str, dict[int, EntityTimeline]] = {kind: {} for kind in KINDS}
        """By row: what the store has and no longer counts."""
        self._sets: dict[str, dict[int | str, LayeredSet]] = {name: {} for name in DISTINCT}
        """By the entity's row, or by its name where the store knows nothing of it."""
        self._codes: tuple[tuple[str, ...], list[int]] = (), []

    def take_ads(self, kind: str, row: int, times: Iterable[int]) -> None:
        """Submissions that the store has are as if they had never been."""
        taken = self._taken[kind].setdefault(row, EntityTimeline())
        for at in times:
            taken.observe_ad(at)

    def take_label(self, kind: str, row: int, policy: str, violates: bool, at: int) -> None:
        """Likewise a label."""
        self._taken[kind].setdefault(row, EntityTimeline()).observe_label(policy, violates, at)

    def use_first(self, name: str, row: int, thing: int, first: int | None) -> None:
        """An entity of the store used a thing of the store first at another time, as far as the store knows; None: never."""
        self._set(name, row).replace(thing, first)

    def _timeline(self, kind: str, key: str) -> EntityTimeline:
        timelines = self._since[kind]
        timeline = timelines.get(key)
        if timeline is None:
            timeline = timelines[key] = EntityTimeline()
        return timeline

    def _find(self, kind: str, key: str) -> Timeline | None:
        row, since = self.store.row(kind, key), self._since[kind].get(key)
        return since if row == UNKNOWN else _LayeredTimeline(self, self.store.kinds[kind], row, since, self._taken[kind].get(row))

    def _retract(self, kind: str, key: str, policy: str, violates: bool, at: int) -> None:
        since, row = self._since[kind].get(key), self.store.row(kind, key)
        if since is not None and _given(since, policy, violates, at):
            since.retract_label(policy, violates, at)
            return
        code = self.store.codes.get(policy)
        there = 0 if row == UNKNOWN or code is None else self.store.kinds[kind].labels_at(row, code + violates, at)
        taken = self._taken[kind].get(row)
        if there <= (0 if taken is None else _given(taken, policy, violates, at)):
            raise ValueError(f"no label under {policy} at {at} was observed")
        self.take_label(kind, row, policy, violates, at)

    def _use(self, name: str, whose: str, what: str, at: int) -> None:
        user, thing = USES[name]
        row = self.store.row(user, whose)
        used = self.store.row(thing, what)
        self._set(name, whose if row == UNKNOWN else row).add(what if used == UNKNOWN else used, at)

    def _set(self, name: str, whose: int | str) -> LayeredSet:
        sets = self._sets[name]
        found = sets.get(whose)
        if found is None:
            found = sets[whose] = LayeredSet(self.store, name, whose)
        return found

    def _distinct_before(self, name: str, key: str, at: int) -> int:
        row = self.store.row(USES[name][0], key)
        since = self._sets[name].get(key if row == UNKNOWN else row)
        if since is not None:
            return since.before(at)
        return 0 if row == UNKNOWN else self.store.sets[name].before(row, at)

    def codes(self, policies: Sequence[str]) -> list[int]:
        """Of policies in the store; -2 for one that it knows no label of, so that the next number is no code either."""
        asked = tuple(policies)
        if self._codes[0] != asked:
            self._codes = asked, [self.store.codes.get(policy, -2) for policy in asked]
        return self._codes[1]


class _LayeredTimeline:
    """One entity of the store, with what came since."""

    __slots__ = ("_entities", "_history", "_row", "_since", "_taken")

    def __init__(
        self, history: LayeredHistory, entities: StoredEntities, row: int, since: EntityTimeline | None, taken: EntityTimeline | None
    ) -> None:
        self._history, self._entities, self._row, self._since, self._taken = history, entities, row, since, taken

    def before(self, at: int, policies: Sequence[str]) -> list[int]:
        counts = self._entities.before(self._row, at, self._history.codes(policies))
        if self._taken is not None:
            left = [one - other for one, other in zip(counts, self._taken.before(at, policies), strict=True)]
            left[0], left[_FIRST], left[_LAST] = 1, *self._ends(at, self._taken.ads)
            counts = left
        if self._since is not None:
            new = self._since.before(at, policies)
            first, last = _earlier(counts[_FIRST], new[_FIRST]), max(counts[_LAST], new[_LAST])
            counts = [one + other for one, other in zip(counts, new, strict=True)]
            counts[0], counts[_FIRST], counts[_LAST] = 1, first, last
        return counts

    def _ends(self, at: int, taken: array[int] | None) -> tuple[int, int]:
        """First and last submission before a moment that was not taken; those taken are among the store's."""
        ads, start = self._entities.ads, self._entities.ads_from[self._row]
        end = bisect_left(ads, at, start, self._entities.ads_from[self._row + 1])
        gone = taken or _NO_TIMES
        until = bisect_left(gone, at)
        low = 0
        while start < end and low < until and gone[low] == ads[start]:
            start, low = start + 1, low + 1
        while start < end and until > low and gone[until - 1] == ads[end - 1]:
            end, until = end - 1, until - 1
        return (ads[start], ads[end - 1]) if start < end else (NEVER, NEVER)


class LayeredSet:
    """The different things that one entity used, by their rows, or by their names where the store knows nothing of them."""

    __slots__ = ("_first", "_gone", "_new", "_row", "_stored")

    def __init__(self, store: HistoryStore, name: str, whose: int | str) -> None:
        self._stored = store.sets[name] if isinstance(whose, int) else None
        self._row = whose if isinstance(whose, int) else UNKNOWN
        self._first: dict[int | str, int | None] = {}
        """First uses that are not the store's; None: of a thing that was used no more."""
        self._new, self._gone = array("q"), array("q")
        """First uses that count and the store does not have, and those that it has and that do not count; sorted."""

    def add(self, thing: int | str, at: int) -> None:
        known = self._known(thing)
        if known is None or at < known:
            self.replace(thing, at)

    def replace(self, thing: int | str, first: int | None) -> None:
        """``first``: when it was used first, from now on; None: never."""
        known = self._known(thing)
        if known is not None:
            if thing in self._first:
                del self._new[bisect_left(self._new, known)]
            else:
                insort(self._gone, known)
        self._first[thing] = first
        if first is not None:
            insort(self._new, first)

    def before(self, at: int) -> int:
        stored = 0 if self._stored is None else self._stored.before(self._row, at)
        return stored - bisect_left(self._gone, at) + bisect_left(self._new, at)

    def _known(self, thing: int | str) -> int | None:
        if thing in self._first:
            return self._first[thing]
        return None if self._stored is None or isinstance(thing, str) else self._stored.first_use(self._row, thing)


_NO_TIMES: array[int] = array("q")


def _given(timeline: EntityTimeline, policy: str, violates: bool, at: int) -> int:
    """How many such labels a timeline has."""
    labels, violating = (_at((by or {}).get(policy, _NO_TIMES), at) for by in (timeline.labels, timeline.violating))
    return violating if violates else labels - violating


def _at(times: array[int], at: int) -> int:
    return bisect_right(times, at) - bisect_left(times, at)


def _earlier(one: int, other: int) -> int:
    """Of two moments, either of which may be ``NEVER``."""
    return max(one, other) if NEVER in (one, other) else min(one, other)
