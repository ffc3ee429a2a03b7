"""Fits the calibration: one beta curve a policy with its sampling interval, and each market's shift from it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from adverdict.models.calibration import MarketShift, PolicyCalibration, sigmoid
from adverdict.training.evaluation.gains import NEEDED_ERRORS, by_advertiser, log_loss
from adverdict.training.fit.penalised import fit_logistic

KNOTS = np.linspace(-14.0, 14.0, 281)
RESAMPLES = 200
MIN_EXPECTED = 5.0
PARTS = 5
UNSEEN_AT_LEAST = 0.3
"""Standard deviation in log-odds: a market's odds within a factor of 1.6 of the others' nine times out of ten."""
NEUTRAL = np.array([1.0, 1.0, 0.0])
"""Slopes and offset of a curve that changes nothing."""
RIDGE = 30.0
"""Prior precision of the curve's two slopes around 1 and of its offset around 0: with few labels, trust the blend."""


def fit_calibration(
    score: NDArray[np.float64],
    target: NDArray[np.float64],
    weight: NDArray[np.float64],
    groups: NDArray[np.str_],
    markets: NDArray[np.str_],
    seed: int,
    prior: float = RIDGE,
) -> PolicyCalibration:
    """Fit one policy's curve on scores no model was fitted to, drawn with precision ``prior`` to one that changes nothing.

    ``score`` is out-of-fold log-odds, ``target`` in [0, 1], ``weight`` at least 0, all ``(n,)``; ``groups`` are the advertisers, the
    clusters of the bootstrap. Curve: beta calibration (Kull, Silva Filho & Flach 2017, AISTATS), logit p = a ln s - b ln(1 - s) + c with
    a, b >= 0. Interval: 5th and 95th percentile over resampled advertisers. Market shifts: random intercepts by empirical Bayes,
    where they hold for advertisers they were not learnt from.
    """
    design = _design(score)
    centre = _fit_beta(design, target, weight, NEUTRAL, prior)
    curve = _design(KNOTS) @ centre
    low, high = _interval(design, target, weight, groups, centre, seed, prior)
    shifts, between = _market_shifts(design @ centre, target, weight, markets, groups)
    if not _shifts_help(design @ centre, target, weight, markets, groups):
        # Markets differ, but by what is not known well enough: as much is uncertain.
        shifts = {name: MarketShift(0.0, float(np.hypot(one.shift, one.standard_error))) for name, one in shifts.items()}
    return PolicyCalibration(KNOTS, curve, np.minimum(low, curve), np.maximum(high, curve), shifts, between)


def _design(score: NDArray[np.float64]) -> NDArray[np.float64]:
    """Columns ln s, -ln(1 - s), 1 of ``s = sigmoid(score)``, ``(n, 3)``."""
    return np.column_stack([-np.logaddexp(0, -score), np.logaddexp(0, score), np.ones_like(score)])


def _fit_beta(
    x: NDArray[np.float64], y: NDArray[np.float64], w: NDArray[np.float64], start: NDArray[np.float64], prior: float
) -> NDArray[np.float64]:
    return fit_logistic(x, y, w, prior=NEUTRAL, precision=np.full(3, prior), nonnegative=np.array([True, True, False]), start=start)


def on_a_curve_of_others(
    score: NDArray[np.float64],
    target: NDArray[np.float64],
    weight: NDArray[np.float64],
    to_fit: NDArray[np.bool_],
    prior: float,
) -> NDArray[np.float64]:
    """Log-odds of the rest on a curve fitted to the scores that are ``to_fit``, as ``fit_calibration`` would but for markets."""
    design = _design(score)
    return np.asarray(design[~to_fit] @ _fit_beta(design[to_fit], target[to_fit], weight[to_fit], NEUTRAL, prior))


def _interval(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    w: NDArray[np.float64],
    groups: NDArray[np.str_],
    centre: NDArray[np.float64],
    seed: int,
    prior: float,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """5th and 95th percentile of the curve at the knots, over resampled advertisers."""
    _, group = np.unique(groups, return_inverse=True)
    rng = np.random.default_rng(seed)
    at_knots, n_groups = _design(KNOTS), int(group.max()) + 1
    curves = []
    for _ in range(RESAMPLES):
        times_drawn = np.bincount(rng.integers(n_groups, size=n_groups), minlength=n_groups)
        curves.append(at_knots @ _fit_beta(x, y, w * times_drawn[group], centre, prior))
    low, high = np.percentile(curves, [5, 95], axis=0)
    return low, high


def _market_shifts(
    score: NDArray[np.float64], y: NDArray[np.float64], w: NDArray[np.float64], markets: NDArray[np.str_], groups: NDArray[np.str_]
) -> tuple[dict[str, MarketShift], float]:
    """Each market's shift in log-odds, shrunk to 0 by how much markets differ at all (DerSimonian & Laird 1986 for that variance).

    How much they differ is asked of markets with at least ``MIN_EXPECTED`` violations; a market never seen is given no less than
    ``UNSEEN_AT_LEAST`` of uncertainty, for a few markets say little about another.
    """
    names = np.unique(markets)
    raw = np.array([_intercept(score[rows], y[rows], w[rows], groups[rows]) for rows in (markets == name for name in names)])
    estimate, variance, expected = raw.T
    between = _between(estimate[expected >= MIN_EXPECTED], variance[expected >= MIN_EXPECTED])
    if between == 0:
        return {str(name): MarketShift(0.0, 0.0) for name in names}, UNSEEN_AT_LEAST
    kept = between / (between + variance)
    shifts = {
        str(name): MarketShift(float(shift), float(error))
        for name, shift, error in zip(names, kept * estimate, np.sqrt(kept * variance), strict=True)
    }
    return shifts, max(UNSEEN_AT_LEAST, float(np.sqrt(between)))


def _shifts_help(
    score: NDArray[np.float64], y: NDArray[np.float64], w: NDArray[np.float64], markets: NDArray[np.str_], groups: NDArray[np.str_]
) -> bool:
    """Whether shifts learnt from some advertisers make the risks of others better, by more than one standard error."""
    _, group = np.unique(groups, return_inverse=True)
    shifted = score.copy()
    for part in range(PARTS):
        here = group % PARTS == part
        shifts, _ = _market_shifts(score[~here], y[~here], w[~here], markets[~here], groups[~here])
        shifted[here] += [shifts[name].shift if name in shifts else 0.0 for name in markets[here]]
    gain, error = by_advertiser(log_loss(score, y) - log_loss(shifted, y), w, group)
    return gain > NEEDED_ERRORS * error


def _between(estimate: NDArray[np.float64], variance: NDArray[np.float64]) -> float:
    """Variance between markets, 0 when they differ no more than chance would have it."""
    if len(estimate) < 2:
        return 0.0
    precision = 1 / variance
    mean = (precision @ estimate) / precision.sum()
    excess = precision @ (estimate - mean) ** 2 - (len(estimate) - 1)
    scale = precision.sum() - (precision**2).sum() / precision.sum()
    return float(max(0.0, excess / scale))


def _intercept(
    score: NDArray[np.float64], y: NDArray[np.float64], w: NDArray[np.float64], groups: NDArray[np.str_]
) -> tuple[float, float, float]:
    """Shift in log-odds that makes one market's expected violations match, its variance, and the violations expected.

    Half an ad of each kind is added. The variance is that of independent ads or that of independent advertisers, whichever is larger.
    """
    shift, information, p = 0.0, 0.25, sigmoid(score)
    for _ in range(50):
        p = sigmoid(score + shift)
        information = float((w * p * (1 - p)).sum()) + 0.25
        step = (float((w * (y - p)).sum()) + 0.5 - float(sigmoid(np.array(shift)))) / information
        shift += float(np.clip(step, -2, 2))
        if abs(step) < 1e-9:
            break
    _, group = np.unique(groups, return_inverse=True)
    by_advertiser = np.bincount(group, weights=w * (y - p))
    n = len(by_advertiser)
    robust = float((by_advertiser**2).sum()) / information**2 * n / max(n - 1, 1)
    return shift, max(1 / information, robust), float((w * sigmoid(score)).sum())
