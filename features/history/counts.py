"""The history features, of integer counts: whoever counted (``state`` online, ``asof`` offline), the features are equal to the last bit.

``SHARED`` names the features of an ad, ``PER_POLICY`` those of an ad under one policy. ``history_features`` computes them in blocks, in the
order of their names: for one ad a function a feature would cost five times as much. NaN means that there is nothing to say: the ad states
no creative or no landing domain, or the entity was never seen before.
"""

from __future__ import annotations

from itertools import accumulate, pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

from adverdict.features.history.known import DAY, NEVER, Bools, EntityCounts, HistoryCounts, Ints, without_labels

__all__ = ["ENTITY_PRIOR", "MARKET_PRIOR", "PER_POLICY", "SHARED", "HistoryCounts", "history_features", "without_labels"]

Floats = npt.NDArray[np.float64]

MARKET_PRIOR: Final = (1, 20)
"""Violations and labels every market starts with: 5 % violate until labels say otherwise, as firmly as 20 labels say it."""
ENTITY_PRIOR: Final = 5
"""An entity's rate starts at its market's rate, as firmly as 5 labels say it (the beta prior's strength)."""

ENTITIES: Final = ("advertiser", "creative", "domain")
"""Whose past is told, beside the market's. Of each: the following, under any policy."""
SUBMITTED: Final = ("ads_1d", "ads_7d", "ads_28d", "ads_ever")
"""Ads submitted before, within so many days."""
SINCE: Final = ("days_since_first_seen", "days_since_last_ad")
OWN: Final = {
    "advertiser": ("markets", "domains"),
    "creative": ("advertisers", "rejected_before"),
    "domain": ("advertisers", "rejected_before"),
}
"""Distinct things it was seen with before; and 1 if a rater found it violating before, under any policy, else 0."""
LABELLED: Final = ("labels_any", "violation_rate_any")
"""Labels known; and the share of them that say violating, drawn towards the market's."""
UNDER_A_POLICY: Final = ("labels", "violation_rate")
"""Likewise under one policy."""

CAME_LATER: Final = ("advertiser_formats", "advertiser_categories", "advertiser_surfaces")
"""How many different ones the advertiser's ads had before. Last: a model that learnt before there were these reads what is before."""
SHARED: Final = (
    *(f"{kind}_{name}" for kind in ENTITIES for name in (*SUBMITTED, *SINCE, *OWN[kind], *LABELLED)),
    "market_violation_rate_any",
    *CAME_LATER,
)
_ENDS: Final = tuple(accumulate(map(len, (SUBMITTED, SINCE, OWN["advertiser"], LABELLED)), initial=0))
_SUBMITTED, _SINCE, _OWN, _LABELLED = (slice(*ends) for ends in pairwise(_ENDS))
"""Where each of these begins and ends among an entity's features."""
PER_POLICY: Final = (*(f"{kind}_{name}" for kind in ENTITIES for name in UNDER_A_POLICY), "market_violation_rate")


def history_features(counts: HistoryCounts) -> tuple[Floats, Floats]:
    """The features ``SHARED``, ``(n_ads, len(SHARED))``, and ``PER_POLICY``, ``(n_ads, n_policies, len(PER_POLICY))``."""
    kinds = (counts.advertiser, counts.creative, counts.domain)
    unstated = ~np.array([kind.present for kind in kinds])
    return _shared(counts, kinds, unstated), _per_policy(counts.market, kinds, unstated)


def _shared(counts: HistoryCounts, kinds: tuple[EntityCounts, ...], unstated: Bools) -> Floats:
    n, market = len(counts.at), counts.market
    labels, violations = np.array([[kind.labels_any, kind.violations_any] for kind in kinds]).swapaxes(0, 1)
    market_rate = _market_rate(market.labels_any, market.violations_any)
    told = np.empty((len(ENTITIES), _LABELLED.stop, n))
    told[:, _SUBMITTED] = np.array([[kind.ads_1d, kind.ads_7d, kind.ads_28d, kind.ads_ever] for kind in kinds])
    told[:, _SINCE] = _days_since(counts.at, np.array([[kind.first, kind.last] for kind in kinds]))
    told[0, _OWN] = counts.advertiser_markets, counts.advertiser_domains
    told[1:, _OWN.start] = counts.creative_advertisers, counts.domain_advertisers
    told[1:, _OWN.start + 1] = np.minimum(violations[1:], 1)
    told[:, _LABELLED.start] = labels
    told[:, _LABELLED.start + 1] = _rate(labels, violations, market_rate)
    told.swapaxes(1, 2)[unstated] = np.nan
    features = np.empty((n, len(SHARED)))
    end = len(SHARED) - len(CAME_LATER)
    features[:, : end - 1] = told.reshape(end - 1, n).T
    features[:, end - 1] = market_rate
    features[:, end:] = np.array([getattr(counts, name) for name in CAME_LATER]).T
    return features


def _per_policy(market: EntityCounts, kinds: tuple[EntityCounts, ...], unstated: Bools) -> Floats:
    n, n_policies = market.labels.shape
    labels, violations = np.array([[kind.labels, kind.violations] for kind in kinds]).swapaxes(0, 1)
    market_rate = _market_rate(market.labels, market.violations)
    told = np.array([labels, _rate(labels, violations, market_rate)])  # (names, entities, n_ads, n_policies)
    told[:, unstated] = np.nan
    features = np.empty((n, n_policies, len(PER_POLICY)))
    features[:, :, :-1] = told.transpose(2, 3, 1, 0).reshape(n, n_policies, len(PER_POLICY) - 1)
    features[:, :, -1] = market_rate
    return features


def _days_since(at: Ints, moment: Ints) -> Floats:
    """Days from ``moment`` to ``at``; NaN where it has not happened."""
    happened = moment != NEVER
    return np.where(happened, (at - np.where(happened, moment, at)) / DAY, np.nan)


def _market_rate(labels: Ints, violations: Ints) -> Floats:
    """Smoothed share of violating labels in a market, in (0, 1)."""
    k, n = MARKET_PRIOR
    return (violations + k) / (labels + n)


def _rate(labels: Ints, violations: Ints, market_rate: Floats) -> Floats:
    """An entity's share of violating labels, drawn towards its market's; in (0, 1)."""
    return np.asarray((violations + ENTITY_PRIOR * market_rate) / (labels + ENTITY_PRIOR))
