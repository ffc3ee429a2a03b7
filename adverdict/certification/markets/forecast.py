"""What labels would show in a market that has none, if its ads violate as often as was estimated."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from adverdict.certification.markets.cells import Floats, Unlabelled
from adverdict.certification.statistics.bounds import draws_needed, fewest_draws
from adverdict.certification.thresholds.sequence import GRID, Counts, LabelledAds, Side

CLOSE = 12
"""Thresholds whose need is worked out in full; the others would need more by Chernoff's bound."""
BEYOND = 1_000_000
"""Nobody labels more ads than this."""
MIN_DECIDED = 20
"""A threshold that would decide fewer ads is not suggested."""


@dataclass(frozen=True)
class Forecast:
    """One side of one policy."""

    side: Side
    limit: float
    at_least: int | None
    """Independent ads, none of them an error, without which nothing is ever certified here, whatever the rate; None: the target is 0."""
    threshold: float | None = None
    """Of the model's own risk: where the fewest labels certify. None: nowhere."""
    decided: int = 0
    """Ads of the market that it would decide."""
    errors: float = 0.0
    """Of those, as many would be errors."""
    draws: int | None = None
    """Labels of ads it decides, each of another advertiser, that certify it with probability .8."""
    advertisers_needed: int | None = None
    """Advertisers of the market, one ad labelled of each, among whom as many have an ad that it decides."""
    labels_needed: int | None = None
    """Labels of ads as they come, several of an advertiser, that are worth as much."""


def forecast(ads: Unlabelled, corrected: Floats, side: Side, limit: float, level: float) -> Forecast:
    """The threshold that is certified with the fewest labels, if one ad is labelled of each advertiser, and how many.

    ``corrected`` float64 (m,): what is believed to be P(violates) of each ad; thresholds are those of ``ads.risk``.
    """
    nothing = Forecast(side, limit, fewest_draws(limit, level) if limit > 0 else None)
    if not len(ads) or limit <= 0:
        return nothing
    counts = Counts(LabelledAds(ads.risk, np.zeros(len(ads), dtype=np.bool_), ads.group), side)
    expected, advertisers = _expected(ads, corrected, counts), len(np.unique(ads.group))
    best: Forecast = nothing
    for index in _promising(counts, expected, limit).tolist():
        decided = int(counts.decided[index])
        draws = draws_needed(float(expected[index] / decided), limit, level, at_most=BEYOND)
        if draws is None:
            continue
        sizes = counts.at(index).sizes
        needed = math.ceil(draws * advertisers / sizes.groups)
        if best.advertisers_needed is None or needed < best.advertisers_needed:
            labels = math.ceil(draws * len(ads) / sizes.draws)
            best = Forecast(side, limit, nothing.at_least, float(GRID[index]), decided, float(expected[index]), draws, needed, labels)
    return best


def boldest(ads: Unlabelled, corrected: Floats, side: Side, limit: float) -> float | None:
    """The boldest threshold of the model's risk at which the rate of errors believed in keeps the limit; None: there is none."""
    counts = Counts(LabelledAds(ads.risk, np.zeros(len(ads), dtype=np.bool_), ads.group), side)
    expected = _expected(ads, corrected, counts)
    way = counts.cautious_to_bold()
    kept = way[(counts.decided[way] >= MIN_DECIDED) & (expected[way] <= limit * counts.decided[way])]
    return float(GRID[kept[-1]]) if len(kept) else None


def _expected(ads: Unlabelled, corrected: Floats, counts: Counts) -> Floats:
    """Errors at each threshold of the grid."""
    error = corrected if counts.side is Side.APPROVE else 1.0 - corrected
    order = np.argsort(ads.risk, kind="stable")
    order = order if counts.side is Side.APPROVE else order[::-1]
    return np.concatenate([[0.0], np.cumsum(error[order])])[counts.decided]


def _promising(counts: Counts, expected: Floats, limit: float) -> NDArray[np.intp]:
    """The thresholds surest to pass with a given number of labels: the exponent of the binomial's tail is largest."""
    way = counts.cautious_to_bold()
    rate = expected[way] / counts.decided[way]
    way, rate = way[rate < limit], rate[rate < limit]
    draws = np.array([counts.at(index).sizes.groups for index in way.tolist()])
    top = min(limit, 1 - 1e-12)
    safe = np.clip(rate, 1e-12, 1 - 1e-12)
    exponent = draws * (safe * np.log(safe / top) + (1 - safe) * np.log((1 - safe) / (1 - top)))
    return np.asarray(way[np.argsort(-exponent, kind="stable")[:CLOSE]])
