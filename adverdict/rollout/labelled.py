"""Labelled ads of advertisers that a model has not seen, scored: what certificates rest on.

the model, packs -> leave out whoever it was trained on -> labels by design -> score
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from adverdict.certification.certificate import LabelNoise
from adverdict.certification.thresholds.agreement import label_noise
from adverdict.certification.thresholds.scored import ScoredAds
from adverdict.decisions.files.read import read_policies
from adverdict.decisions.policy import PolicyBook
from adverdict.domain.ad import Ad, Label
from adverdict.domain.errors import InvalidInput, Mistake
from adverdict.domain.identity import surface_key
from adverdict.domain.progress import Progress
from adverdict.domain.settings import Settings
from adverdict.models.bundle import Bundle
from adverdict.models.opening import find_model
from adverdict.rollout.audits import ads_a_day
from adverdict.rollout.designs import Designed, by_design
from adverdict.rollout.views import ViewedAds
from adverdict.storage.tables.pack import Pack, read_pack
from adverdict.storage.tables.reading import Source
from adverdict.training.dataset import groups_of
from adverdict.training.evaluation.evaluate import ROWS, history_with


@dataclass(frozen=True)
class Sample:
    """What the certificates rest on. ``seen``: labelled ads left out because the model was made with their advertiser's labels."""

    source: str
    """The exact model."""
    bundle: Bundle
    book: PolicyBook
    ads: Sequence[Ad]
    scored: ScoredAds
    noise: Mapping[str, LabelNoise]
    digests: tuple[str, ...]
    designed: Designed
    labelled: int
    seen: int
    ads_a_day: Mapping[str, float] = field(default_factory=dict)
    """By market, those of advertisers the model has seen among them."""
    early: NDArray[np.float64] | None = None
    """Early risks of the ads, ``float64 (n_ads, n_policies)``; None: the bundle has no early exit."""
    viewed: ViewedAds | None = None
    """Labels of ads drawn by their views; None: there are none."""


def read_sample(data: Sequence[Path | Source], settings: Settings, progress: Progress, *, measure_noise: bool = True) -> Sample:
    """The packs' ads of advertisers the model has not seen, scored. Raises InvalidInput when none of them is labelled."""
    book = read_policies(settings.policies)
    found_model = find_model(settings.model, settings)
    bundle = found_model.load()
    packs = [read_pack(folder) for folder in data]
    ads = [ad for pack in packs for ad in pack.ads]
    _refuse_twice(ads)
    designed = by_design(label for pack in packs for label in pack.labels if label.policy in bundle.policies)
    labelled = {label.ad_id for label in (*designed.random, *designed.risky)}
    fresh = [ad for ad in ads if not bundle.seen.knows(ad)]
    if not any(ad.ad_id in labelled for ad in fresh):
        raise InvalidInput("nothing to certify with", [_nothing(bundle, ads, labelled)])
    random, risky = (_ratings(labels, bundle.policies) for labels in (designed.random, designed.risky))
    scored, early = score_fresh(bundle, fresh, packs, random, risky, progress)
    return Sample(
        source=found_model.source,
        bundle=bundle,
        book=book,
        ads=fresh,
        scored=scored,
        noise=_noise(random, {ad.ad_id for ad in fresh}) if measure_noise else {},
        digests=tuple(pack.digest for pack in packs),
        designed=designed,
        labelled=len(labelled),
        seen=sum(ad.ad_id in labelled for ad in ads) - sum(ad.ad_id in labelled for ad in fresh),
        ads_a_day=ads_a_day(ads),
        early=early,
        viewed=_viewed(designed.by_views, fresh, bundle.policies) if designed.by_views else None,
    )


def _viewed(labels: Sequence[Label], ads: Sequence[Ad], policies: Sequence[str]) -> ViewedAds:
    inclusion = {(label.ad_id, label.policy): label.inclusion_probability or np.nan for label in labels}
    return ViewedAds(
        verdict=_means(_ratings(labels, policies), ads, policies),
        inclusion=np.array([[inclusion.get((ad.ad_id, policy), np.nan) for policy in policies] for ad in ads], dtype=np.float64),
        views=np.array([np.nan if ad.impressions is None else ad.impressions for ad in ads], dtype=np.float64),
    )


def _refuse_twice(ads: Sequence[Ad]) -> None:
    counted: defaultdict[str, int] = defaultdict(int)
    for ad in ads:
        counted[ad.ad_id] += 1
    twice = [Mistake("ad_id", ad_id, "an id that only one of the packs has") for ad_id, n in counted.items() if n > 1]
    if twice:
        raise InvalidInput("the same ad is in two of the packs", twice)


def _nothing(bundle: Bundle, ads: Sequence[Ad], labelled: set[str]) -> Mistake:
    if not labelled:
        return Mistake("labels", "(none)", f"labels under one of {', '.join(bundle.policies)}")
    n = sum(ad.ad_id in labelled for ad in ads)
    expected = "ads of advertisers whose labels the model was not made with (train with --certify-share, or bring other data)"
    return Mistake("ads", f"{n} labelled, all of advertisers the model has seen", expected)


def score_fresh(
    bundle: Bundle, ads: Sequence[Ad], packs: Sequence[Pack], random: Ratings, risky: Ratings, progress: Progress
) -> tuple[ScoredAds, NDArray[np.float64] | None]:
    """Scored ads with their labels by design, and early risks, float64 (n_ads, n_policies), where the bundle has an early exit.

    History: the bundle's and the packs' submissions, as the service has it.
    """
    history = history_with(bundle, packs)
    progress.stage("scoring", len(ads))
    whole, early = [], []
    for start in range(0, len(ads), ROWS):
        some = ads[start : start + ROWS]
        scores = bundle.score(some, history)
        whole.append(scores.risk[:, :, 0])
        sooner = bundle.early_risk(scores, [ad.market for ad in some])
        if sooner is not None:
            early.append(sooner[:, :, 0])
        progress.advance(len(some))
    scored = _scored(bundle, ads, np.concatenate(whole), random, risky)
    return scored, np.concatenate(early) if early else None


Ratings = dict[str, dict[str, list[bool]]]
"""By policy and ad: whether each rating says violating, the first one first."""


def _ratings(labels: Iterable[Label], policies: Sequence[str]) -> Ratings:
    ratings: Ratings = {policy: defaultdict(list) for policy in policies}
    for label in sorted(labels, key=lambda label: label.labelled_at):
        ratings[label.policy][label.ad_id].append(label.violates)
    return ratings


def _noise(ratings: Ratings, fresh: set[str]) -> dict[str, LabelNoise]:
    return {policy: label_noise(said for ad_id, said in by_ad.items() if ad_id in fresh) for policy, by_ad in ratings.items()}


def _scored(bundle: Bundle, ads: Sequence[Ad], risk: NDArray[np.float64], random: Ratings, risky: Ratings) -> ScoredAds:
    return ScoredAds(
        policies=bundle.policies,
        market=np.array([ad.market for ad in ads]),
        surface=np.array([surface_key(ad.surface) for ad in ads]),
        group=np.unique(groups_of(ads), return_inverse=True)[1].astype(np.int64),
        risk=risk,
        verdict=_means(random, ads, bundle.policies),
        risky=_means(risky, ads, bundle.policies) if any(risky.values()) else None,
    )


def _means(ratings: Ratings, ads: Sequence[Ad], policies: Sequence[str]) -> NDArray[np.float64]:
    """Of the raters' verdicts, float64 (n_ads, n_policies); NaN where there is none."""
    means = np.full((len(ads), len(policies)), np.nan)
    for column, policy in enumerate(policies):
        said = [ratings[policy].get(ad.ad_id) for ad in ads]
        means[:, column] = [sum(one) / len(one) if one else np.nan for one in said]
    return means
