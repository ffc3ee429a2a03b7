"""What each threshold would do to the labelled ads: the curves of a certificate."""

from __future__ import annotations

import numpy as np

from adverdict.certification.certificate import CurvePoint
from adverdict.certification.statistics.bounds import upper_bound
from adverdict.certification.thresholds.sequence import GRID, Counts, LabelledAds, Side, ThresholdCount
from adverdict.decisions.policy import Thresholds

POINTS = 30


def curve(ads: LabelledAds, level: float, chosen: Thresholds) -> tuple[CurvePoint, ...]:
    """At most ``POINTS`` thresholds and those chosen, evenly spread over the ads' risks and over the grid's range of them; none without
    ads."""
    if not len(ads):
        return ()
    approve, reject = Counts(ads, Side.APPROVE), Counts(ads, Side.REJECT)
    return tuple(_point(approve.at(index), reject.at(index), level) for index in _indices(ads, chosen))


def _indices(ads: LabelledAds, chosen: Thresholds) -> list[int]:
    low, high = (int(np.searchsorted(GRID, end)) for end in (ads.risk.min(), ads.risk.max()))
    even = np.linspace(low, min(high + 1, len(GRID) - 1), POINTS // 2)
    by_ads = np.searchsorted(GRID, np.quantile(ads.risk, np.linspace(0.02, 0.98, POINTS // 2)))
    used = [int(np.searchsorted(GRID, end)) for end in (chosen.approve_below, chosen.reject_at) if 0 < end < 1]
    return sorted({min(int(index), len(GRID) - 1) for index in (*even, *by_ads, *used)})


def _point(below: ThresholdCount, above: ThresholdCount, level: float) -> CurvePoint:
    return CurvePoint(
        threshold=below.threshold,
        below=below.ads,
        leaked=below.errors,
        leakage_upper=upper_bound(below.errors, below.sizes, level),
        above=above.ads,
        wronged=above.errors,
        wrongful_upper=upper_bound(above.errors, above.sizes, level),
    )
