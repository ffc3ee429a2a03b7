"""What each threshold would do to the labelled ads: the curves of a certificate."""

from __future__ import annotations

import numpy as np

from adverdict.certification.certificate import CurvePoint
from adverdict.certification.thresholds.answers import Answer
from adverdict.certification.thresholds.sequence import GRID, Counts, LabelledAds, Side
from adverdict.decisions.policy import Thresholds

POINTS = 30


def curve(found: Answer, chosen: Thresholds) -> tuple[CurvePoint, ...]:
    """At most ``POINTS`` thresholds and those chosen, evenly spread over the ads' risks and over the grid's range of them; none without
    ads."""
    ads = found.approve.counts.ads
    if not len(ads):
        return ()
    above = Counts(ads, Side.REJECT)
    return tuple(_point(found, above, index) for index in _indices(ads, chosen))


def _indices(ads: LabelledAds, chosen: Thresholds) -> list[int]:
    low, high = (int(np.searchsorted(GRID, end)) for end in (ads.risk.min(), ads.risk.max()))
    even = np.linspace(low, min(high + 1, len(GRID) - 1), POINTS // 2)
    by_ads = np.searchsorted(GRID, np.quantile(ads.risk, np.linspace(0.02, 0.98, POINTS // 2)))
    used = [int(np.searchsorted(GRID, end)) for end in (chosen.approve_below, chosen.reject_at) if 0 < end < 1]
    return sorted({min(int(index), len(GRID) - 1) for index in (*even, *by_ads, *used)})


def _point(found: Answer, above: Counts, index: int) -> CurvePoint:
    below, reject = found.approve.counts, found.reject
    tested = reject is not None and GRID[index] >= reject.furthest
    return CurvePoint(
        threshold=float(GRID[index]),
        below=int(below.decided[index]),
        leaked=int(below.errors[index]),
        leakage_upper=below.upper(index, found.approve.test.level),
        above=int(above.decided[index]),
        wronged=int(above.errors[index]),
        wrongful_upper=reject.counts.upper(index, reject.test.level) if reject is not None and tested else None,
    )
