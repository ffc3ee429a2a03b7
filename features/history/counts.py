"""The history features: functions of integer counts, so whoever counted (``state`` online, ``asof`` offline) gets bit-equal features.

A function's name is the feature's name. ``SHARED`` holds the features of an ad, float64 (n_ads,); ``PER_POLICY`` those of an ad under one
policy, float64 (n_ads, n_policies). NaN means that there is nothing to say: the ad states no creative or no landing domain, or the
entity was never seen before.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt

from adverdict.features.history.known import DAY, NEVER, EntityCounts, HistoryCounts, Ints, without_labels

__all__ = ["ENTITY_PRIOR", "MARKET_PRIOR", "PER_POLICY", "SHARED", "EntityCounts", "HistoryCounts", "without_labels"]

Floats = npt.NDArray[np.float64]

MARKET_PRIOR: Final = (1, 20)
"""Violations and labels every market starts with: 5 % violate until labels say otherwise, as firmly as 20 labels say it."""
ENTITY_PRIOR: Final = 5
"""An entity's rate starts at its market's rate, as firmly as 5 labels say it (the beta prior's strength)."""

Feature = Callable[[HistoryCounts], Floats]
SHARED: Final[dict[str, Feature]] = {}
"""Name -> feature of the ad, float64 (n_ads,)."""
PER_POLICY: Final[dict[str, Feature]] = {}
"""Name -> feature of the ad under each policy, float64 (n_ads, n_policies)."""


def shared(feature: Feature) -> Feature:
    SHARED[feature.__name__] = feature
    return feature


def per_policy(feature: Feature) -> Feature:
    PER_POLICY[feature.__name__] = feature
    return feature


def where_present(entity: EntityCounts, values: Ints | Floats) -> Floats:
    """NaN where the ad states no such entity."""
    present = entity.present if values.ndim == 1 else entity.present[:, None]
    return np.where(present, values.astype(np.float64), np.nan)


def days_since(at: Ints, moment: Ints) -> Floats:
    """Days from ``moment`` to ``at``; NaN where it has not happened."""
    happened = moment != NEVER
    return np.where(happened, (at - np.where(happened, moment, at)) / DAY, np.nan)


def market_rate(labels: Ints, violations: Ints) -> Floats:
    """Smoothed share of violating labels in a market, in (0, 1)."""
    k, n = MARKET_PRIOR
    return (violations + k) / (labels + n)


def rate_any(entity: EntityCounts, market: EntityCounts) -> Floats:
    """(n_ads,): the entity's share of violating labels under all policies, drawn towards its market's; in (0, 1) or NaN."""
    prior = market_rate(market.labels_any, market.violations_any)
    return where_present(entity, (entity.violations_any + ENTITY_PRIOR * prior) / (entity.labels_any + ENTITY_PRIOR))


def rate(entity: EntityCounts, market: EntityCounts) -> Floats:
    """(n_ads, n_policies): likewise under each policy."""
    prior = market_rate(market.labels, market.violations)
    return where_present(entity, (entity.violations + ENTITY_PRIOR * prior) / (entity.labels + ENTITY_PRIOR))


def all_at_once(counts: HistoryCounts) -> tuple[Floats, Floats]:
    """All of ``SHARED``, ``(n_ads, n)``, and all of ``PER_POLICY``, ``(n_ads, n_policies, n)``, in their order and equal in every digit.

    For one ad a function each costs five times as much. The functions say what the features are; a test holds this to them.
    """
    kinds, market = (counts.advertiser, counts.creative, counts.domain), counts.market
    n, n_policies = market.labels.shape
    present = np.array([kind.present for kind in kinds])
    times = np.array([[kind.first, kind.last] for kind in kinds])
    labels_any, violations_any = np.array([[kind.labels_any, kind.violations_any] for kind in kinds]).swapaxes(0, 1)
    labels, violations = np.array([[kind.labels, kind.violations] for kind in kinds]).swapaxes(0, 1)
    of_ad = np.empty((3, 10, n))  # advertiser, creative and domain have ten features each, alike but for the seventh and eighth
    of_ad[:, :4] = np.array([[kind.ads_1d, kind.ads_7d, kind.ads_28d, kind.ads_ever] for kind in kinds])
    of_ad[0, 6], of_ad[0, 7] = counts.advertiser_markets, counts.advertiser_domains
    of_ad[1, 6], of_ad[2, 6] = counts.creative_advertisers, counts.domain_advertisers
    of_ad[1:, 7] = np.minimum(violations_any[1:], 1)
    of_ad[:, 8] = labels_any
    prior_any = market_rate(market.labels_any, market.violations_any)
    of_ad[:, 9] = (violations_any + ENTITY_PRIOR * prior_any) / (labels_any + ENTITY_PRIOR)
    of_ad.swapaxes(1, 2)[~present] = np.nan
    of_ad[:, 4:6] = days_since(counts.at, times)
    everything = np.empty((n, 31))
    everything[:, :30] = of_ad.reshape(30, n).T
    everything[:, 30] = prior_any
    under_policy = np.empty((n, n_policies, 7))
    prior = market_rate(market.labels, market.violations)
    under = np.array([labels, (violations + ENTITY_PRIOR * prior) / (labels + ENTITY_PRIOR)])
    under[:, ~present] = np.nan
    under_policy[:, :, :6] = under.transpose(2, 3, 1, 0).reshape(n, n_policies, 6)
    under_policy[:, :, 6] = prior
    return everything, under_policy


@shared
def advertiser_ads_1d(counts: HistoryCounts) -> Floats:
    return where_present(counts.advertiser, counts.advertiser.ads_1d)


@shared
def advertiser_ads_7d(counts: HistoryCounts) -> Floats:
    return where_present(counts.advertiser, counts.advertiser.ads_7d)


@shared
def advertiser_ads_28d(counts: HistoryCounts) -> Floats:
    return where_present(counts.advertiser, counts.advertiser.ads_28d)


@shared
def advertiser_ads_ever(counts: HistoryCounts) -> Floats:
    return where_present(counts.advertiser, counts.advertiser.ads_ever)


@shared
def advertiser_days_since_first_seen(counts: HistoryCounts) -> Floats:
    return days_since(counts.at, counts.advertiser.first)


@shared
def advertiser_days_since_last_ad(counts: HistoryCounts) -> Floats:
    return days_since(counts.at, counts.advertiser.last)


@shared
def advertiser_markets(counts: HistoryCounts) -> Floats:
    return where_present(counts.advertiser, counts.advertiser_markets)


@shared
def advertiser_domains(counts: HistoryCounts) -> Floats:
    return where_present(counts.advertiser, counts.advertiser_domains)


@shared
def advertiser_labels_any(counts: HistoryCounts) -> Floats:
    return where_present(counts.advertiser, counts.advertiser.labels_any)


@shared
def advertiser_violation_rate_any(counts: HistoryCounts) -> Floats:
    return rate_any(counts.advertiser, counts.market)


@shared
def creative_ads_1d(counts: HistoryCounts) -> Floats:
    return where_present(counts.creative, counts.creative.ads_1d)


@shared
def creative_ads_7d(counts: HistoryCounts) -> Floats:
    return where_present(counts.creative, counts.creative.ads_7d)


@shared
def creative_ads_28d(counts: HistoryCounts) -> Floats:
    return where_present(counts.creative, counts.creative.ads_28d)


@shared
def creative_ads_ever(counts: HistoryCounts) -> Floats:
    return where_present(counts.creative, counts.creative.ads_ever)


@shared
def creative_days_since_first_seen(counts: HistoryCounts) -> Floats:
    return days_since(counts.at, counts.creative.first)


@shared
def creative_days_since_last_ad(counts: HistoryCounts) -> Floats:
    return days_since(counts.at, counts.creative.last)


@shared
def creative_advertisers(counts: HistoryCounts) -> Floats:
    return where_present(counts.creative, counts.creative_advertisers)


@shared
def creative_rejected_before(counts: HistoryCounts) -> Floats:
    """1 when the ad re-submits a creative that a rater found violating before, under any policy; else 0."""
    return where_present(counts.creative, np.minimum(counts.creative.violations_any, 1))


@shared
def creative_labels_any(counts: HistoryCounts) -> Floats:
    return where_present(counts.creative, counts.creative.labels_any)


@shared
def creative_violation_rate_any(counts: HistoryCounts) -> Floats:
    return rate_any(counts.creative, counts.market)


@shared
def domain_ads_1d(counts: HistoryCounts) -> Floats:
    return where_present(counts.domain, counts.domain.ads_1d)


@shared
def domain_ads_7d(counts: HistoryCounts) -> Floats:
    return where_present(counts.domain, counts.domain.ads_7d)


@shared
def domain_ads_28d(counts: HistoryCounts) -> Floats:
    return where_present(counts.domain, counts.domain.ads_28d)


@shared
def domain_ads_ever(counts: HistoryCounts) -> Floats:
    return where_present(counts.domain, counts.domain.ads_ever)


@shared
def domain_days_since_first_seen(counts: HistoryCounts) -> Floats:
    return days_since(counts.at, counts.domain.first)


@shared
def domain_days_since_last_ad(counts: HistoryCounts) -> Floats:
    return days_since(counts.at, counts.domain.last)


@shared
def domain_advertisers(counts: HistoryCounts) -> Floats:
    return where_present(counts.domain, counts.domain_advertisers)


@shared
def domain_rejected_before(counts: HistoryCounts) -> Floats:
    """1 when an ad leading to the same landing domain was found violating before, under any policy; else 0."""
    return where_present(counts.domain, np.minimum(counts.domain.violations_any, 1))


@shared
def domain_labels_any(counts: HistoryCounts) -> Floats:
    return where_present(counts.domain, counts.domain.labels_any)


@shared
def domain_violation_rate_any(counts: HistoryCounts) -> Floats:
    return rate_any(counts.domain, counts.market)


@shared
def market_violation_rate_any(counts: HistoryCounts) -> Floats:
    return market_rate(counts.market.labels_any, counts.market.violations_any)


@per_policy
def advertiser_labels(counts: HistoryCounts) -> Floats:
    return where_present(counts.advertiser, counts.advertiser.labels)


@per_policy
def advertiser_violation_rate(counts: HistoryCounts) -> Floats:
    return rate(counts.advertiser, counts.market)


@per_policy
def creative_labels(counts: HistoryCounts) -> Floats:
    return where_present(counts.creative, counts.creative.labels)


@per_policy
def creative_violation_rate(counts: HistoryCounts) -> Floats:
    return rate(counts.creative, counts.market)


@per_policy
def domain_labels(counts: HistoryCounts) -> Floats:
    return where_present(counts.domain, counts.domain.labels)


@per_policy
def domain_violation_rate(counts: HistoryCounts) -> Floats:
    return rate(counts.domain, counts.market)


@per_policy
def market_violation_rate(counts: HistoryCounts) -> Floats:
    return market_rate(counts.market.labels, counts.market.violations)
