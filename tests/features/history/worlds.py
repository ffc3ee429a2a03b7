"""Small marketplaces for the history tests, and a slow history that is right by being obvious."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from hypothesis import strategies as st

from adverdict.domain.ad import Ad, Label
from adverdict.features.history.counts import HistoryCounts
from adverdict.features.history.entities import KINDS, WORDS, entities, microseconds, words
from adverdict.features.history.known import NEVER, USES, WINDOWS, EntityCounts

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
POLICIES = ("deceptive", "gambling")
ALL_POLICIES = (*POLICIES, "alcohol")
World = tuple[list[Ad], list[Label]]

moments = st.builds(
    lambda days, ticks: START + timedelta(days=days, microseconds=ticks),
    st.sampled_from([0, 0, 1, 2, 7, 8, 28, 29]),
    st.sampled_from([-1, 0, 0, 1]),
)


def an_ad(ad_id: str, at: datetime, **fields: Any) -> Ad:
    return Ad(**{"ad_id": ad_id, "advertiser_id": "adv", "market": "SE", "submitted_at": at, "title": "t", **fields})


def a_label(ad_id: str, at: datetime, violates: bool = True, policy: str = "deceptive", rater: str | None = None) -> Label:
    return Label(ad_id=ad_id, policy=policy, violates=violates, labelled_at=at, rater_id=rater)


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Few entities and many ties; some ad ids are submitted several times, edited or not."""
    ads = draw(
        st.lists(
            st.builds(
                an_ad,
                st.sampled_from("abcdefghij"),
                moments,
                advertiser_id=st.sampled_from(["adv", "other"]),
                market=st.sampled_from(["SE", "DE"]),
                creative_id=st.sampled_from([None, "c1", "c2"]),
                landing_domain=st.sampled_from([None, "shop.example", "Shop.Example.", "win.example"]),
                creative_format=st.sampled_from([None, "native", "Native", "display"]),
                creative_category=st.sampled_from([None, "games"]),
                surface=st.sampled_from(["feed", "search"]),
            ),
            max_size=12,
        )
    )
    if not ads:
        return [], []
    about, raters = st.sampled_from([ad.ad_id for ad in ads]), st.sampled_from([None, "eva", "ole"])
    labels = st.builds(a_label, about, moments, st.booleans(), st.sampled_from(ALL_POLICIES), raters)
    return ads, draw(st.lists(labels, max_size=16))


def _counts(number: int, labelled: Sequence[tuple[Label, Ad]]) -> bool:
    """Whether a label is the one with which its rater began to say what they said last of that version."""
    label, ad = labelled[number]
    if (label, ad) in labelled[:number]:
        return False
    if label.rater_id is None:
        return True
    said = sorted(
        {
            (one.labelled_at, one.violates)
            for one, about in labelled
            if (about, one.policy, one.rater_id) == (ad, label.policy, label.rater_id)
        }
    )
    place = said.index((label.labelled_at, label.violates))
    return {verdict for _, verdict in said[place:]} == {label.violates} and (place == 0 or said[place - 1][1] != label.violates)


def slow_counts(ads: Sequence[Ad], known_ads: Sequence[Ad], labels: Sequence[Label], policies: Sequence[str]) -> HistoryCounts:
    """Look at every event for every ad."""
    versions = {ad.ad_id: sorted((a for a in known_ads if a.ad_id == ad.ad_id), key=_version_order) for ad in known_ads}
    labelled = [
        (label, ([a for a in versions[label.ad_id] if a.submitted_at <= label.labelled_at] or versions[label.ad_id][:1])[-1])
        for label in labels
    ]
    labelled = [one for number, one in enumerate(labelled) if _counts(number, labelled)]
    by_kind = {}
    for i, kind in enumerate(KINDS):
        rows = []
        for ad in ads:
            key, t = entities(ad)[i], microseconds(ad.submitted_at)
            times = sorted(
                microseconds(a.submitted_at) for a in known_ads if entities(a)[i] == key is not None and a.submitted_at < ad.submitted_at
            )
            known = [label for label, about in labelled if entities(about)[i] == key is not None and label.labelled_at < ad.submitted_at]
            under = [[label.violates for label in known if label.policy == policy] for policy in policies]
            recent = [sum(time >= t - window for time in times) for window in WINDOWS]
            ends = [times[0], times[-1]] if times else [NEVER, NEVER]
            totals = [len(known), sum(label.violates for label in known)]
            rows.append([int(key is not None), *recent, len(times), *ends, *totals, *map(len, under), *map(sum, under)])
        by_kind[kind] = EntityCounts.from_table(np.array(rows, dtype=np.int64).reshape(len(rows), 9 + 2 * len(policies)), len(policies))
    distinct = {}
    for name, (user, thing) in USES.items():
        whose = KINDS.index(user)
        used = [
            {
                dict(zip((*KINDS, *WORDS), (*entities(a), *words(a)), strict=True))[thing]
                for a in known_ads
                if entities(a)[whose] == entities(ad)[whose] is not None and a.submitted_at < ad.submitted_at
            }
            for ad in ads
        ]
        distinct[name] = np.array([len(things - {None}) for things in used], dtype=np.int64)
    return HistoryCounts.assemble(policies, np.array([microseconds(ad.submitted_at) for ad in ads], dtype=np.int64), by_kind, distinct)


def _version_order(ad: Ad) -> tuple[datetime, list[str]]:
    return ad.submitted_at, [key or "" for key in entities(ad)]


def difference(left: Any, right: Any, path: str = "counts") -> list[str]:
    """Where two counts differ, in value, shape or type; empty when they are the same."""
    if is_dataclass(left):
        return [
            line
            for field in fields(left)
            for line in difference(getattr(left, field.name), getattr(right, field.name), f"{path}.{field.name}")
        ]
    if isinstance(left, np.ndarray) and (left.dtype, left.shape) != (right.dtype, right.shape):
        return [f"{path}: {left.dtype} {left.shape} is not {right.dtype} {right.shape}"]
    return [] if np.array_equal(left, right) else [f"{path}: {left} is not {right}"]
