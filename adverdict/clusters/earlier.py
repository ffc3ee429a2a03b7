"""What people said of near copies of an ad by other advertisers, strictly before it was submitted: a fact about an ad that any model could
read, counted the same way whether labels come one by one, as online, or a whole table is walked in order, as in training.

Only ads that people have spoken of are kept, so an ad that nobody read is never looked at, and what is counted for an ad is a function of
the labels given before it: nothing that comes later can change it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from adverdict.clusters.fingerprints import Fingerprints, fingerprints
from adverdict.clusters.index import ALIKE, ClusterIndex
from adverdict.domain.ad import Ad, Label
from adverdict.ledger.moments import micros

MOST = 200
"""Copies that are compared, those spoken of last."""


@dataclass
class _Copy:
    """An ad that people have spoken of."""

    advertiser: str
    said: dict[tuple[int, str | None], tuple[int, bool]] = field(default_factory=dict)
    """Policy and rater -> when, in microseconds, and whether it violates: each rater's last word."""


class EarlierSaid:
    """Labels in the order in which they are given; ads are asked about, and never taken in. Not for several threads at once."""

    def __init__(self, policies: Sequence[str]) -> None:
        self.policies = tuple(policies)
        self._place = {name: place for place, name in enumerate(self.policies)}
        self._index = ClusterIndex()
        self._copies: list[_Copy] = []
        self._number: dict[tuple[str, int], int] = {}
        """Version of an ad -> its place among them."""

    def say(self, ad: Ad, made: Fingerprints, label: Label) -> None:
        """A label on an ad, whose fingerprint ``made`` is. Labels of policies that are not counted are passed over."""
        place = self._place.get(label.policy)
        if place is None:
            return
        version = ad.ad_id, micros(ad.submitted_at)
        number = self._number.get(version)
        if number is None:
            number = self._number[version] = len(self._copies)
            self._index.add(made)
            self._copies.append(_Copy(ad.advertiser_id))
        self._copies[number].said[place, label.rater_id] = micros(label.labelled_at), label.violates

    def of(self, ad: Ad, made: Fingerprints) -> NDArray[np.int64]:
        """``int64 (n_policies, 2)``: near copies by other advertisers of which people said, before the ad was submitted, that they do not
        violate, and that they do; by the majority of raters, a tie violates."""
        counted = np.zeros((len(self.policies), 2), dtype=np.int64)
        near = self._index.near(made)[0] if self._copies else []
        if not near:
            return counted
        roots = np.unique(self._index.roots(np.array([one.other for one in near], dtype=np.int32)))
        everybody = np.arange(self._index.size, dtype=np.int32)
        kin = everybody[np.isin(self._index.roots(everybody), roots)][-MOST:]
        until = micros(ad.submitted_at)
        for number in kin[self._index.words_among(made, kin) >= ALIKE].tolist():
            copy = self._copies[number]
            if copy.advertiser == ad.advertiser_id:
                continue
            for place in range(len(self.policies)):
                votes = [violates for (policy, _), (at, violates) in copy.said.items() if policy == place and at < until]
                if votes:
                    counted[place, int(2 * sum(votes) >= len(votes))] += 1
        return counted


def earlier_said(ads: Sequence[Ad], labels: Sequence[Label], policies: Sequence[str]) -> NDArray[np.int64]:
    """``int64 (n_ads, n_policies, 2)``, as ``EarlierSaid.of`` of each ad when it was submitted. A label on an ad with several versions here
    is about the last one submitted before it. What is said at the moment of a submission comes after it."""
    made, by_id = fingerprints(ads), dict[str, list[int]]()
    for row in sorted(range(len(ads)), key=lambda row: ads[row].submitted_at):
        by_id.setdefault(ads[row].ad_id, []).append(row)
    events = [(micros(ad.submitted_at), 0, row) for row, ad in enumerate(ads)]
    events += [(micros(label.labelled_at), 1, place) for place, label in enumerate(labels)]
    known, found = EarlierSaid(policies), np.zeros((len(ads), len(policies), 2), dtype=np.int64)
    for _, said, place in sorted(events):
        if not said:
            found[place] = known.of(ads[place], made[place : place + 1])
            continue
        label = labels[place]
        versions = [row for row in by_id.get(label.ad_id, ()) if ads[row].submitted_at <= label.labelled_at]
        if versions:
            row = versions[-1]
            known.say(ads[row], made[row : row + 1], label)
    return found
