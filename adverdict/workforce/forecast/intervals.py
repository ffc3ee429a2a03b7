"""How far a forecast may be off: by how far earlier ones were.

Split conformal prediction (Vovk 2005; Lei et al. 2018, JASA 113) on residuals of forecasts made at earlier moments, scaled so that queues
of all sizes say something of each other; the level adapts where recent bands held too rarely or too often (Gibbs and Candès 2021, NeurIPS
34).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import t as student

from adverdict.workforce.handling import TO_DEVIATION
from adverdict.workforce.volume.history import Floats

COVER = 0.8
"""Of the band from P10 to P90."""
ENOUGH = 10
"""Residuals of one kind without which nothing earlier is a measure; then a normal band of ``DOUBT`` is given."""
DOUBT = 0.15
"""Relative, of a week, where nothing is known of earlier forecasts."""
FEW = 50
"""Moments times cells below which single residuals are no quantiles, and a Student's t of their size is taken instead."""
FAR = 2.5
"""Standard deviations beyond which a residual counts as no further off."""
NORMAL_90 = 1.2816
STEP = 0.02
"""Of the adaptive level, a moment of forecasting."""


@dataclass(frozen=True)
class Bands:
    """Of one level (queues, or their total): what scaled residuals of each horizon came to."""

    relative: Floats
    """Beyond Poisson's scatter, by horizon in weeks; float64 (weeks,)."""
    low: float
    """Tenth percentile of the scaled residuals, lowered as a finite sample asks."""
    high: float
    residuals: int

    def of(self, mean: Floats) -> tuple[Floats, Floats]:
        """P10 and P90 of weekly counts; ``mean`` float64 (…, weeks ahead)."""
        scale = scales(mean, self.relative[np.minimum(np.arange(mean.shape[-1]), len(self.relative) - 1)])
        return np.maximum(mean + self.low * scale, 0.0), mean + self.high * scale


def scales(mean: Floats, relative: Floats) -> Floats:
    """Standard deviation of a count: Poisson's, and a relative error besides."""
    return np.asarray(np.sqrt(np.maximum(mean, 1.0) + (relative * mean) ** 2))


def bands(actual: Floats, predicted: Floats) -> Bands:
    """From earlier forecasts: float64 (moments, cells, weeks ahead) each, oldest moment first, NaN where a week was not over yet."""
    weeks = predicted.shape[-1]
    known = np.isfinite(actual) & np.isfinite(predicted)
    if known.sum() < ENOUGH:
        return Bands(np.full(weeks, DOUBT), -NORMAL_90, NORMAL_90, int(known.sum()))
    relative = _monotone([_relative(actual[..., week][known[..., week]], predicted[..., week][known[..., week]]) for week in range(weeks)])
    scaled = np.where(known, (actual - predicted) / scales(np.nan_to_num(predicted), relative), np.nan)
    pairs = int(known.any(axis=-1).sum())  # weeks ahead of one moment and cell were forecast together: they are one witness
    if pairs < FEW:
        half = float(student.ppf(1 - (1 - COVER) / 2, max(pairs - 1, 1))) * _size(scaled[known])
        return Bands(relative, -half, half, int(known.sum()))
    low, high = _quantiles(scaled[known], _adapted(scaled))
    return Bands(relative, low, high, int(known.sum()))


def _size(scaled: Floats) -> float:
    """Root of the mean square, what lies far out cut off: one event that nobody declared must not widen every band after it."""
    far = FAR * TO_DEVIATION * float(np.median(np.abs(scaled)))
    return float(np.sqrt(np.mean(np.minimum(np.abs(scaled), far) ** 2)))


def _relative(actual: Floats, predicted: Floats) -> float:
    """Relative error that squared residuals show beyond Poisson's; large ones cut off, for one undeclared event is no scatter."""
    if not len(actual):
        return 0.0
    off = (actual - predicted) ** 2
    size = np.maximum(predicted, 1.0)
    excess = float(np.maximum(np.minimum(off, 6.25 * np.maximum(size, (0.15 * size) ** 2)).sum() - size.sum(), 0.0))
    return float(np.sqrt(excess / (size**2).sum()))


def _monotone(values: Sequence[float]) -> Floats:
    """Nobody sees further ahead better. Weeks without residuals have that of the week before."""
    return np.maximum.accumulate(np.array(values))


def _adapted(scaled: Floats) -> float:
    """The miss level alpha, after having followed the moments in order."""
    alpha, target = 1 - COVER, 1 - COVER
    for moment in range(ENOUGH // 2, len(scaled)):
        before, now = scaled[:moment], scaled[moment]
        before, now = before[np.isfinite(before)], now[np.isfinite(now)]
        if len(before) >= ENOUGH and len(now):
            low, high = _quantiles(before, alpha)
            alpha += STEP * (target - float(((now < low) | (now > high)).mean()))
    return float(np.clip(alpha, 0.02, 0.5))


def _quantiles(scaled: Floats, alpha: float) -> tuple[float, float]:
    """Both ends, each missed with at most alpha / 2: ranks of n + 1, as one more residual is to come."""
    ordered, n = np.sort(scaled), len(scaled)
    low = int(np.floor((n + 1) * alpha / 2)) - 1
    high = int(np.ceil((n + 1) * (1 - alpha / 2))) - 1
    return float(ordered[max(low, 0)]), float(ordered[min(high, n - 1)])
