"""What a certificate says of the ads behind it: counts, labels still missing, and whether the labelled ads look like the others."""

from __future__ import annotations

import math

import numpy as np
from scipy import stats

from adverdict.certification.certificate import Count
from adverdict.certification.statistics.bounds import Sizes, draws_needed
from adverdict.certification.thresholds.scored import ScoredAds
from adverdict.certification.thresholds.sequence import Counts, FixedSequenceTest, Floats, ThresholdCount
from adverdict.certification.thresholds.strata import Stratum

MOST_LABELS = 1_000_000
"""Nobody labels more for one pair of thresholds."""
FORESEEN = 50.0
"""Labelled ads that the calibrated risks' own forecast is worth where labels are few."""


def count(counted: ThresholdCount | None) -> Count | None:
    if counted is None:
        return None
    sizes = counted.sizes
    return Count(threshold=counted.threshold, ads=sizes.ads, errors=counted.errors, advertisers=sizes.groups, draws=round(sizes.draws, 1))


def labels_needed(counts: Counts, side: FixedSequenceTest) -> int | None:
    """Labels, one an advertiser and of risks like these, after which the easiest threshold would be certified with probability .8.

    None where the risks separate too badly for ``MOST_LABELS`` to do, and where there are no ads to judge by.
    """
    way = counts.cautious_to_bold()[::4]  # every fourth threshold: this is a forecast
    best: float | None = None
    for index in way.tolist():
        decided = int(counts.decided[index])
        rate = (counts.errors[index] + counts.expected[index] / decided * FORESEEN) / (decided + FORESEEN)
        draws = draws_needed(float(rate), side.limit, side.level)
        if draws is not None:
            needed = draws * len(counts.ads) / decided
            best = needed if best is None else min(best, needed)
    return None if best is None or best > MOST_LABELS else math.ceil(best)


def like_traffic(scored: ScoredAds, stratum: Stratum) -> float | None:
    """p-value of labelled and other ads of the market having the same distribution of risk (Kolmogorov and Smirnov), with each part counted
    as the independent ads it is worth. None where either part is missing."""
    everything, column = stratum.question.rows, scored.policies.index(stratum.policy)
    known = ~np.isnan(scored.verdict[everything, column])
    labelled, others = everything[known], everything[~known]
    if not len(labelled) or not len(others):
        return None
    distance = _distance(scored.risk[labelled, column], scored.risk[others, column])
    n, m = (Sizes.of(np.unique(scored.group[rows], return_inverse=True)[1]).draws for rows in (labelled, others))
    return float(stats.kstwobign.sf(distance * math.sqrt(n * m / (n + m))))


def _distance(one: Floats, two: Floats) -> float:
    """The largest difference of two distribution functions. SciPy gives it too, with a p-value that fails for a handful of ads."""
    values = np.concatenate([one, two])
    shares = [np.searchsorted(np.sort(part), values, side="right") / len(part) for part in (one, two)]
    return float(np.abs(shares[0] - shares[1]).max())
