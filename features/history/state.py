"""The history kept event by event in memory, for scoring ads as they arrive; the online twin of ``asof``.

Times are kept sorted, so counting before any moment is a bisection and the order in which events are observed does not matter.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator

from adverdict.features.history.counting import EventCounter
from adverdict.features.history.distinct import Distinct
from adverdict.features.history.entities import KINDS
from adverdict.features.history.entity import EntityTimeline
from adverdict.features.history.known import DISTINCT, USES


class HistoryState(EventCounter):
    """All entities' timelines. Equal when they know the same events, whatever the order in which they were observed."""

    def __init__(self) -> None:
        self.timelines: dict[str, dict[str, EntityTimeline]] = {kind: {} for kind in KINDS}
        self.distinct: dict[str, dict[str, Distinct]] = {name: {} for name in DISTINCT}

    def forget(self, advertiser: str) -> None:
        """Erase an advertiser by name: its own past, and its place among the users of creatives and domains."""
        self.timelines["advertiser"].pop(advertiser, None)
        for name, (user, thing) in USES.items():
            if user == "advertiser":
                self.distinct[name].pop(advertiser, None)
            elif thing == "advertiser":
                self.distinct[name] = {key: seen for key, seen in self.distinct[name].items() if seen.discard(advertiser)}

    def rows(self) -> Iterator[tuple[str, str, str | None, array[int], array[int], list[str]]]:
        """Everything that is known, in one order, as rows of ``snapshot``: kind, key, policy, times, violating and things."""
        none: array[int] = array("q")
        for kind in sorted((*KINDS, *DISTINCT)):
            for key, seen in sorted(self.distinct.get(kind, {}).items()):
                uses = seen.first_uses()
                yield kind, key, None, array("q", [at for _, at in uses]), none, [thing for thing, _ in uses]
            for key, timeline in sorted(self.timelines.get(kind, {}).items()):
                if timeline.ads:
                    yield kind, key, None, timeline.ads, none, []
                for policy, when in sorted((timeline.labels or {}).items()):
                    yield kind, key, policy, when, (timeline.violating or {}).get(policy, none), []

    def __eq__(self, other: object) -> bool:
        return isinstance(other, HistoryState) and list(self.rows()) == list(other.rows())

    def _timeline(self, kind: str, key: str) -> EntityTimeline:
        timelines = self.timelines[kind]
        timeline = timelines.get(key)
        if timeline is None:
            timeline = timelines[key] = EntityTimeline()
        return timeline

    def _find(self, kind: str, key: str) -> EntityTimeline | None:
        return self.timelines[kind].get(key)

    def _use(self, name: str, whose: str, what: str, at: int) -> None:
        of = self.distinct[name]
        seen = of.get(whose)
        if seen is None:
            seen = of[whose] = Distinct()
        seen.add(what, at)

    def _distinct_before(self, name: str, key: str, at: int) -> int:
        seen = self.distinct[name].get(key)
        return 0 if seen is None else seen.before(at)
