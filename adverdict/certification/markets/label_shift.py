"""How often ads violate where nobody labelled any: the base rate of a new market from its unlabelled risks.

Two assumptions, two estimates. *Carried over*: a risk means the same there, so the rate is the mean risk. *Label shift*: violating ads are
scored there as violating ads elsewhere are, the others as the others, and only how many there are of each differs. Then the risks there
are a mixture of two distributions known from labelled ads, and the share of the violating one is the rate. Saerens, Latinne and
Decaestecker (2002, Neural Computation 14, 21-41) find it by EM, whose fixed point is the mixture's maximum likelihood, taken here directly.

Under both the risks are first recalibrated on the labelled ads, level and slope: without that, a level that is off goes into the
label-shift estimate in full (Alexandari, Kundaje and Shrikumar 2020, ICML, arXiv 1901.06852). Likelihood ratios counted in bins of risk
would do as well for the rate, but leave no smooth corrected risk.

Neither assumption can be shown right without labels of the market: violating ads that look harmless to the model leave the same risks as
fewer violations do. An estimate is a start for labelling, never a guarantee.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from adverdict.certification.markets.cells import CENTRES, Cells, Floats, Unlabelled, log_odds, probability, refuse_too_few
from adverdict.certification.thresholds.sequence import LabelledAds

RESAMPLES = 400
COVERAGE = 0.95
"""Of the percentile intervals."""
_FEWEST = 1e-4
"""No rate is estimated closer to 0 or 1: a market without any violation is nothing that risks could show."""
_RIDGE = np.array([1.0, 1.0])
"""Prior precision of the recalibration's offset around 0 and of its slope around 1: few labels hardly move it."""


class Assumption(StrEnum):
    """What is taken to be the same in the new market."""

    CARRIED = "carried over"
    """P(violates | risk)."""
    LABEL_SHIFT = "label shift"
    """P(risk | violates) and P(risk | does not)."""


@dataclass(frozen=True)
class BaseRate:
    """A new market's rate of violating ads, with what it was found from."""

    assumption: Assumption
    rate: float
    low: float
    high: float
    """Percentile interval over resampled advertisers of both sides. It allows for chance, not for a wrong assumption."""
    source_rate: float
    offset: float
    slope: float
    """The recalibration on the labelled ads: log-odds = offset + slope * log-odds of the risk."""

    def corrected(self, risk: Floats) -> Floats:
        """P(violates) in the new market of ads with these risks, float64 of the same shape: recalibrated and, under label shift, moved to
        the new rate."""
        here = probability(self.offset + self.slope * log_odds(risk))
        return here if self.assumption is Assumption.CARRIED else corrected(here, self.source_rate, self.rate)


def corrected(risk: Floats, source_rate: float, target_rate: float) -> Floats:
    """Risks calibrated where ``source_rate`` of the ads violate, as they are where ``target_rate`` do: odds times the odds' ratio.

    Saerens et al. (2002), equation 2.4. ``risk`` in [0, 1], any shape; both rates strictly between 0 and 1.
    """
    return probability(log_odds(risk) + log_odds(np.array(target_rate)) - log_odds(np.array(source_rate)))


def base_rates(source: LabelledAds, target: Unlabelled, seed: int = 0, resamples: int = RESAMPLES) -> dict[Assumption, BaseRate]:
    """The rate of violating ads in ``target`` under each assumption, from labelled ads of other markets.

    Raises InvalidInput where there are too few ads to say anything: see ``cells.MIN_SOURCE``, ``cells.MIN_TARGET``.
    """
    refuse_too_few(source, target)
    rng = np.random.default_rng([seed, 1])
    elsewhere, here = Cells.of_labelled(source), Cells.of_unlabelled(target)
    once = _estimate(elsewhere.all(), here.all()[0])
    again = _estimate(elsewhere.resampled(rng, resamples), here.resampled(rng, resamples)[0])
    return {assumption: _base_rate(assumption, once, again) for assumption in Assumption}


def point_estimates(source: LabelledAds, target: Unlabelled) -> dict[Assumption, float]:
    """The rates of ``base_rates`` alone."""
    found = _estimate(Cells.of_labelled(source).all(), Cells.of_unlabelled(target).all()[0])
    return {assumption: float(rate[0]) for assumption, rate in found.rate.items()}


@dataclass(frozen=True)
class _Estimates:
    """One entry a resample."""

    rate: dict[Assumption, Floats]
    source_rate: Floats
    line: Floats
    """(2, resamples): offset and slope."""


def _base_rate(assumption: Assumption, once: _Estimates, again: _Estimates) -> BaseRate:
    rate, tail = float(once.rate[assumption][0]), (1 - COVERAGE) / 2
    low, high = (float(end) for end in np.quantile(again.rate[assumption], [tail, 1 - tail]))
    source_rate, (offset, slope) = float(once.source_rate[0]), once.line[:, 0].tolist()
    return BaseRate(assumption, rate, min(low, rate), max(high, rate), source_rate, offset, slope)


def _estimate(source: tuple[Floats, ...], target: Floats) -> _Estimates:
    """Rates from counts by cell, all (n_cells, resamples)."""
    others, violating = source
    share = np.clip(violating.sum(axis=0) / (violating + others).sum(axis=0), _FEWEST, 1 - _FEWEST)
    line = _recalibrated(others, violating)
    recalibrated = line[0] + line[1] * CENTRES[:, None]
    mean = (target * probability(recalibrated)).sum(axis=0) / target.sum(axis=0)
    shifted = _likeliest(recalibrated - log_odds(share), target)
    return _Estimates({Assumption.CARRIED: mean, Assumption.LABEL_SHIFT: shifted}, share, line)


def _recalibrated(others: Floats, violating: Floats) -> Floats:
    """Offset and slope of P(violates) against the risk, both in log-odds, for each resample: logistic regression by Newton's method."""
    n = others + violating
    line = np.tile([[0.0], [1.0]], (1, others.shape[1]))
    for _ in range(50):
        p = probability(line[0] + line[1] * CENTRES[:, None])
        residual, curvature = violating - n * p, n * p * (1 - p)
        gradient = np.stack([residual.sum(axis=0), CENTRES @ residual]) - _RIDGE[:, None] * (line - [[0.0], [1.0]])
        a, b, d = curvature.sum(axis=0) + _RIDGE[0], CENTRES @ curvature, CENTRES**2 @ curvature + _RIDGE[1]
        step = np.stack([d * gradient[0] - b * gradient[1], a * gradient[1] - b * gradient[0]]) / (a * d - b * b)
        line = line + np.clip(step, -1.0, 1.0)
        if np.abs(step).max() < 1e-9:
            break
    return line


def _likeliest(log_ratio: Floats, target: Floats) -> Floats:
    """The rate that maximises the mixture's likelihood, the fixed point of EM: the root of its derivative, which falls throughout.

    ``log_ratio`` is the log of P(cell | violating) / P(cell | not), (n_cells, resamples).
    """
    ratio = np.exp(np.clip(log_ratio, -30.0, 30.0))
    low, high = (np.full(target.shape[1], end) for end in (_FEWEST, 1 - _FEWEST))
    for _ in range(40):
        middle = (low + high) / 2
        rising = (target * (ratio - 1) / (1 + middle * (ratio - 1))).sum(axis=0) > 0
        low, high = np.where(rising, middle, low), np.where(rising, high, middle)
    return np.asarray((low + high) / 2)
