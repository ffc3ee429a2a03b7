"""What a sample drawn by views shows: of the views of the ads that are approved, the share that is of violating ones.

A platform's harm is in what is seen. An ad drawn with probability in proportion to its views, and labelled, is a draw of a view: errors
among such ads bound the share of views, as errors among ads drawn alike bound the share of ads. The thresholds come of other labels, so one
look at them needs no more than their confidence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from adverdict.certification.certificate import Bound, Certificate, Views, sealed, thresholds
from adverdict.certification.statistics.bounds import Sizes, upper_bound
from adverdict.certification.thresholds.scored import ScoredAds
from adverdict.certification.thresholds.wording import statement
from adverdict.certification.words import Side, Strength
from adverdict.decisions.policy import PolicyBook
from adverdict.rollout.surfaces import on_its_surfaces


@dataclass(frozen=True)
class ViewedAds:
    """Labels of ads drawn by views; one row a scored ad. ``verdict``, ``inclusion`` float64 (n_ads, n_policies), NaN without such a label;
    ``views`` float64 (n_ads,), NaN where the ad does not tell."""

    verdict: NDArray[np.float64]
    inclusion: NDArray[np.float64]
    views: NDArray[np.float64]


def with_views(certificates: Sequence[Certificate], scored: ScoredAds, viewed: ViewedAds, book: PolicyBook) -> tuple[Certificate, ...]:
    """The same, each with the bound of views for what it approves, where such labels speak of it."""
    return tuple(_with_views(one, scored, viewed, book) for one in certificates)


def _with_views(one: Certificate, scored: ScoredAds, viewed: ViewedAds, book: PolicyBook) -> Certificate:
    bound, point = one.bound(Side.APPROVE), next(iter(thresholds([one]).points.values()), None)
    if bound is None or point is None or point.approve_below <= 0:
        return one
    column = scored.policies.index(one.policy)
    rows = _rows(one, bound, scored, book) & (scored.risk[:, column] < point.approve_below) & ~np.isnan(viewed.verdict[:, column])
    if not rows.any():
        return one
    shown = _shown(one, bound, scored.group[rows], viewed, rows, column)
    told = one.model_copy(update={"views": shown})
    return sealed(told.model_copy(update={"statement": statement(told)}))


def _rows(one: Certificate, bound: Bound, scored: ScoredAds, book: PolicyBook) -> NDArray[np.bool_]:
    """The ads that the promise is for: of its market, or of all that are taken together."""
    together = bound.strength is Strength.TOGETHER
    rows = np.zeros(len(scored), dtype=np.bool_)
    for market in one.markets:
        if together or not market.lends:
            rows |= (scored.market == market.market) & on_its_surfaces(one, market.market, scored, book)
    return rows


def _shown(one: Certificate, bound: Bound, group: NDArray[np.int64], viewed: ViewedAds, rows: NDArray[np.bool_], column: int) -> Views:
    """An ad with more views than a draw's share is drawn for certain, and then stands for less than its views: such ads, all of which are
    labelled, are counted by their views, and the larger of the two shares is the bound, whatever their part in the whole is."""
    violating = viewed.verdict[rows, column] >= 0.5
    certain, views = viewed.inclusion[rows, column] >= 1, viewed.views[rows]
    drawn = ~certain
    errors = int(violating[drawn].sum())
    sizes = Sizes.of(np.unique(group[drawn], return_inverse=True)[1], one.alike)
    raised = bound.target / bound.limit if bound.limit else 1.0  # readers miss violations
    upper = min(1.0, upper_bound(errors, sizes, bound.level) * raised)
    if certain.any():
        seen = views[certain].sum()
        share = views[certain & violating].sum() / seen if seen > 0 else float(violating[certain].mean())
        upper = max(upper, min(1.0, float(share) * raised))
    return Views(labelled=len(violating), errors=int(violating.sum()), certain=int(certain.sum()), upper=upper)
