"""Events observed one by one, and what came before a moment counted: the same for whatever keeps them.

No ids are kept: whoever calls observes each event once, and holds a lock if other threads observe or count at the same time.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from adverdict.domain.ad import Ad, Label
from adverdict.domain.votes import votes
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
from adverdict.features.history.entity import EntityTimeline, Timeline
from adverdict.features.history.known import DISTINCT, USES, EntityCounts, HistoryCounts


class EventCounter(ABC):
    """Whose events are kept how is the subclass's. The order in which they are observed does not matter."""

    def observe_ads(self, ads: Iterable[Ad]) -> None:
        """Each ad is one submission at ``submitted_at``. Amortised O(1) an ad when no earlier ad comes after a later one."""
        for ad in sorted(ads, key=lambda ad: ad.submitted_at):
            at, whose = microseconds(ad.submitted_at), entities(ad)
            for kind, key in zip(KINDS, whose, strict=True):
                if key is not None:
                    self._timeline(kind, key).observe_ad(at)
            stated = dict(zip((*KINDS, *WORDS), (*whose, *words(ad)), strict=True))
            for name, (user, thing) in USES.items():
                whose_, what = stated[user], stated[thing]
                if whose_ is not None and what is not None:
                    self._use(name, whose_, what, at)

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
                    self._retract(kind, key, label.policy, label.violates, at)

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
            [unstated if key is None else unknown if (timeline := self._find(kind, key)) is None else timeline.before(t, policies)]
            for column, kind in enumerate(KINDS)
            for keys, t in zip(whose, at, strict=True)
            for key in [keys[column]]
        ]
        tables = np.array(rows, dtype=np.int64).reshape(len(KINDS), len(ads), len(unknown))
        numbers = [
            [0 if (key := keys[column]) is None else self._distinct_before(name, key, t) for keys, t in zip(whose, at, strict=True)]
            for name, (user, _) in USES.items()
            for column in [KINDS.index(user)]
        ]
        by_kind = {kind: EntityCounts.from_table(table, len(policies)) for kind, table in zip(KINDS, tables, strict=True)}
        distinct = dict(zip(DISTINCT, np.array(numbers, dtype=np.int64), strict=True))
        return HistoryCounts.assemble(policies, np.array(at, dtype=np.int64), by_kind, distinct)

    def _observe_labels(self, labels: Sequence[Label], labelled: Sequence[Ad]) -> None:
        for label, ad in sorted(zip(labels, labelled, strict=True), key=lambda pair: pair[0].labelled_at):
            at = microseconds(label.labelled_at)
            for kind, key in zip(KINDS, entities(ad), strict=True):
                if key is not None:
                    self._timeline(kind, key).observe_label(label.policy, label.violates, at)

    def _retract(self, kind: str, key: str, policy: str, violates: bool, at: int) -> None:
        """Raises ValueError where no such label was observed."""
        self._timeline(kind, key).retract_label(policy, violates, at)

    @abstractmethod
    def _timeline(self, kind: str, key: str) -> EntityTimeline:
        """Where what happens to an entity is put down."""

    @abstractmethod
    def _find(self, kind: str, key: str) -> Timeline | None:
        """What is known of an entity; None: nothing."""

    @abstractmethod
    def _use(self, name: str, whose: str, what: str, at: int) -> None:
        """``USES[name]``: an entity used a thing."""

    @abstractmethod
    def _distinct_before(self, name: str, key: str, at: int) -> int:
        """How many different things an entity used before a moment."""


_NO_TIMELINE = EntityTimeline()
