"""The history kept event by event, for scoring ads as they arrive; the online twin of ``asof``.

Times are kept sorted, so counting before any moment is a bisection and the order in which events are observed does not matter. No ids
are kept: whoever calls observes each event once, and holds a lock if other threads observe or count at the same time.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np

from adverdict.domain.ad import Ad, Label
from adverdict.domain.votes import votes
from adverdict.features.history.distinct import Distinct
from adverdict.features.history.entities import (
    KINDS,
    WORDS,
    ads_of_labels,
    entities,
    microseconds,
    one_row_a_version,
    rows_of_labels,
    words,
)
from adverdict.features.history.known import DISTINCT, NEVER, USES, WINDOWS, EntityCounts, HistoryCounts


class EntityTimeline:
    """What happened to one entity: sorted times, in microseconds. A dictionary or an array exists only once there is something in it."""

    __slots__ = ("ads", "labels", "violating")

    def __init__(self) -> None:
        self.ads: array[int] | None = None
        self.labels: dict[str, array[int]] | None = None
        """By policy."""
        self.violating: dict[str, array[int]] | None = None
        """Those of ``labels`` that say violating."""

    def observe_ad(self, at: int) -> None:
        if self.ads is None:
            self.ads = array("q")
        _insert(self.ads, at)

    def observe_label(self, policy: str, violates: bool, at: int) -> None:
        if self.labels is None:
            self.labels = {}
        _insert(self.labels.setdefault(policy, array("q")), at)
        if violates:
            if self.violating is None:
                self.violating = {}
            _insert(self.violating.setdefault(policy, array("q")), at)

    def retract_label(self, policy: str, violates: bool, at: int) -> None:
        """As if the label had never been observed. Raises ValueError when it was not."""
        _remove(self.labels, policy, at)
        self.labels = self.labels or None
        if violates:
            _remove(self.violating, policy, at)
            self.violating = self.violating or None

    def before(self, at: int, policies: Sequence[str]) -> list[int]:
        """One row of ``EntityCounts.from_table``."""
        ads = _EMPTY if self.ads is None else self.ads
        ever = bisect_left(ads, at)
        recent = [ever - bisect_left(ads, at - window, 0, ever) for window in WINDOWS]
        labels = _before(self.labels, at)
        violating = _before(self.violating, at)
        return [
            1,
            *recent,
            ever,
            ads[0] if ever else NEVER,
            ads[ever - 1] if ever else NEVER,
            sum(labels.values()),
            sum(violating.values()),
            *[labels.get(policy, 0) for policy in policies],
            *[violating.get(policy, 0) for policy in policies],
        ]


class HistoryState:
    """All entities' timelines. Equal when they know the same events, whatever the order in which they were observed."""

    def __init__(self) -> None:
        self.timelines: dict[str, dict[str, EntityTimeline]] = {kind: {} for kind in KINDS}
        self.distinct: dict[str, dict[str, Distinct]] = {name: {} for name in DISTINCT}

    def observe_ads(self, ads: Iterable[Ad]) -> None:
        """Each ad is one submission at ``submitted_at``. Amortised O(1) an ad when no earlier ad comes after a later one."""
        for ad in sorted(ads, key=lambda ad: ad.submitted_at):
            at, whose = microseconds(ad.submitted_at), entities(ad)
            for kind, key in zip(KINDS, whose, strict=True):
                if key is not None:
                    self._timeline(kind, key).observe_ad(at)
            stated = dict(zip((*KINDS, *WORDS), (*whose, *words(ad)), strict=True))
            for name, (user, thing) in USES.items():
                self._use(name, stated[user], stated[thing], at)

    def observe_labels(self, labels: Iterable[Label], ads: Mapping[str, Ad]) -> None:
        """Each label counts from ``labelled_at`` for the entities of ``ads[label.ad_id]``, and need not wait for ``observe_ads``.

        No raters are kept: whoever brings a rater's second word on an ad takes back the first.
        Raises InvalidInput, before anything is observed, naming every label whose ad is not in ``ads``.
        """
        labels = list(labels)
        self._observe_labels(labels, ads_of_labels(labels, ads))

    def retract_labels(self, labels: Iterable[Label], ads: Mapping[str, Ad]) -> None:
        """Take back labels that turned out wrong: the state is as if they had never been observed.

        ``ads`` as they were given to ``observe_labels``. Raises InvalidInput naming every label whose ad is not in ``ads``, and ValueError
        for a label that was not observed.
        """
        labels = list(labels)
        for label, ad in zip(labels, ads_of_labels(labels, ads), strict=True):
            at = microseconds(label.labelled_at)
            for kind, key in zip(KINDS, entities(ad), strict=True):
                if key is not None:
                    self._timeline(kind, key).retract_label(label.policy, label.violates, at)

    def forget(self, advertiser: str) -> None:
        """Erase an advertiser by name: its own past, and its place among the users of creatives and domains."""
        self.timelines["advertiser"].pop(advertiser, None)
        for name, (user, thing) in USES.items():
            if user == "advertiser":
                self.distinct[name].pop(advertiser, None)
            elif thing == "advertiser":
                self.distinct[name] = {key: seen for key, seen in self.distinct[name].items() if seen.discard(advertiser)}

    def observe(self, ads: Sequence[Ad], labels: Sequence[Label]) -> None:
        """Ads and labels on them at once, exactly as ``counts_asof`` understands them: ad ids may repeat, and raters have one vote.

        Raises InvalidInput, before anything is observed, naming every label whose ad is not in ``ads``.
        """
        rows = rows_of_labels(labels, ads)
        counting = votes(labels, one_row_a_version(rows, ads))
        self.observe_ads(ads)
        self._observe_labels([labels[one] for one in counting], [ads[rows[one]] for one in counting])

    def counts(self, ads: Sequence[Ad], policies: Sequence[str]) -> HistoryCounts:
        """What was known strictly before each ad's ``submitted_at``; later events may have been observed already."""
        policies = tuple(policies)
        at = [microseconds(ad.submitted_at) for ad in ads]
        whose = [entities(ad) for ad in ads]
        unknown = _NO_TIMELINE.before(0, policies)
        unstated = [0, *unknown[1:]]
        rows = [
            [unstated if key is None else unknown if (timeline := self.timelines[kind].get(key)) is None else timeline.before(t, policies)]
            for column, kind in enumerate(KINDS)
            for keys, t in zip(whose, at, strict=True)
            for key in [keys[column]]
        ]
        tables = np.array(rows, dtype=np.int64).reshape(len(KINDS), len(ads), len(unknown))
        numbers = [
            [self._distinct_before(name, keys[column], t) for keys, t in zip(whose, at, strict=True)]
            for name, (user, _) in USES.items()
            for column in [KINDS.index(user)]
        ]
        by_kind = {kind: EntityCounts.from_table(table, len(policies)) for kind, table in zip(KINDS, tables, strict=True)}
        distinct = dict(zip(DISTINCT, np.array(numbers, dtype=np.int64), strict=True))
        return HistoryCounts.assemble(policies, np.array(at, dtype=np.int64), by_kind, distinct)

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

    def _observe_labels(self, labels: Sequence[Label], labelled: Sequence[Ad]) -> None:
        for label, ad in sorted(zip(labels, labelled, strict=True), key=lambda pair: pair[0].labelled_at):
            at = microseconds(label.labelled_at)
            for kind, key in zip(KINDS, entities(ad), strict=True):
                if key is not None:
                    self._timeline(kind, key).observe_label(label.policy, label.violates, at)

    def _timeline(self, kind: str, key: str) -> EntityTimeline:
        timelines = self.timelines[kind]
        timeline = timelines.get(key)
        if timeline is None:
            timeline = timelines[key] = EntityTimeline()
        return timeline

    def _use(self, name: str, whose: str | None, what: str | None, at: int) -> None:
        if whose is None or what is None:
            return
        of = self.distinct[name]
        seen = of.get(whose)
        if seen is None:
            seen = of[whose] = Distinct()
        seen.add(what, at)

    def _distinct_before(self, name: str, key: str | None, at: int) -> int:
        seen = None if key is None else self.distinct[name].get(key)
        return 0 if seen is None else seen.before(at)


_NO_TIMELINE = EntityTimeline()
_EMPTY: array[int] = array("q")


def _before(by_policy: dict[str, array[int]] | None, at: int) -> dict[str, int]:
    """How many of each policy's times come before a moment."""
    return {policy: bisect_left(times, at) for policy, times in by_policy.items()} if by_policy else {}


def _remove(by_policy: dict[str, array[int]] | None, policy: str, at: int) -> None:
    times = (by_policy or {}).get(policy, _EMPTY)
    index = bisect_left(times, at)
    if by_policy is None or index == len(times) or times[index] != at:
        raise ValueError(f"no label under {policy} at {at} was observed")
    del times[index]
    if not times:
        del by_policy[policy]


def _insert(times: array[int], at: int) -> None:
    if not times or at >= times[-1]:
        times.append(at)
    else:
        insort(times, at)
