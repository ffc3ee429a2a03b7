"""Do the probabilities mean what they say: logistic recalibration (Cox 1958, Biometrika 45, 562-565)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from adverdict.models.calibration import logit, sigmoid

Floats = NDArray[np.float64]

Z95 = 1.959963984540054
MAX_STEPS = 100
STEEPEST = 1e3
"""A slope beyond this is a separated sample (no finite maximum), not a finding."""


def recalibration(y: NDArray[np.bool_], p: Floats, clusters: NDArray[np.intp]) -> dict[str, Any]:
    """Slope and intercept of ``logit P(y) = intercept + slope * logit(p)``, each with a 95 % interval; perfect is slope 1, intercept 0.

    ``in_the_large`` is the intercept when the slope is held at 1: how far the whole level of the risks is off, in log-odds (below 0: the
    risks are too high). Beside a slope other than 1 the plain intercept describes an ad with p = .5, which a rare violation hardly has.
    ``observed`` and ``expected`` are the positives there are and the sum of the risks. Intervals are normal ones with the larger of the
    model's own and the cluster-robust standard error (Liang & Zeger 1986). ``None`` where a figure is undefined: one class, separated
    classes, or a risk that never varies.
    """
    x = logit(p)
    line = _fit(np.column_stack([np.ones_like(x), x]), np.zeros_like(x), y, clusters) if np.ptp(x) > 0 else None
    level = _fit(np.ones((x.size, 1)), x, y, clusters)
    return {
        **_named("slope", line, 1),
        **_named("intercept", line, 0),
        **_named("in_the_large", level, 0),
        "observed": int(y.sum()),
        "expected": float(p.sum()),
    }


def _named(name: str, fitted: tuple[Floats, Floats] | None, column: int) -> dict[str, Any]:
    if fitted is None:
        return {name: None, f"{name}_interval": None}
    value, error = float(fitted[0][column]), float(fitted[1][column])
    return {name: value, f"{name}_interval": [value - Z95 * error, value + Z95 * error]}


def _fit(design: Floats, offset: Floats, y: NDArray[np.bool_], clusters: NDArray[np.intp]) -> tuple[Floats, Floats] | None:
    """Maximum-likelihood coefficients and their standard errors by Newton's method with halved steps; ``None`` without a finite maximum."""
    if y.all() or not y.any():
        return None
    beta = np.zeros(design.shape[1])
    fit = _log_likelihood(design @ beta + offset, y)
    for _ in range(MAX_STEPS):
        p = sigmoid(design @ beta + offset)
        information = design.T @ (design * (p * (1 - p))[:, None])
        if np.linalg.cond(information) > 1e12:
            return None
        step = np.linalg.solve(information, design.T @ (y - p))
        while (better := _log_likelihood(design @ (beta + step) + offset, y)) < fit - 1e-12 * abs(fit):
            step = step / 2
        beta, fit = beta + step, better
        if np.abs(beta).max() > STEEPEST:
            return None
        if np.abs(step).max() < 1e-9:
            return beta, _standard_errors(
                design, y - sigmoid(design @ beta + offset), np.asarray(np.linalg.inv(information), dtype=np.float64), clusters
            )
    return None


def _standard_errors(design: Floats, residual: Floats, inverse: Floats, clusters: NDArray[np.intp]) -> Floats:
    scores = np.column_stack([np.bincount(clusters, weights=column * residual) for column in design.T])
    n_clusters = np.unique(clusters).size
    robust = inverse @ (scores.T @ scores) @ inverse * (n_clusters / max(n_clusters - 1, 1))
    # With few clusters the robust estimate can collapse (its scores sum to zero), so it may widen an interval but never narrow it.
    return np.sqrt(np.maximum(np.diag(robust), np.diag(inverse)))


def _log_likelihood(x: Floats, y: NDArray[np.bool_]) -> float:
    return float(-np.logaddexp(0, np.where(y, -x, x)).sum())
