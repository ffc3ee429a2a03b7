"""Logistic regression of a few coefficients, drawn towards what is believed before any data: the workhorse of blending and calibration."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from adverdict.models.calibration import sigmoid

Floats = NDArray[np.float64]


def fit_logistic(
    x: Floats,
    y: Floats,
    w: Floats,
    prior: Floats,
    precision: Floats,
    nonnegative: NDArray[np.bool_],
    start: Floats | None = None,
    offset: Floats | float = 0.0,
) -> Floats:
    """Maximum a posteriori coefficients ``(k,)`` by Newton's method.

    ``x`` is ``(n, k)``, ``y`` in [0, 1] ``(n,)``, ``w`` weights at least 0 ``(n,)``, ``offset`` log-odds that are there
    before; the prior on coefficient ``j`` is normal around
    ``prior[j]`` with ``precision[j]``. A coefficient marked ``nonnegative`` that would fall below 0 is held at 0 and the rest fitted again.
    """
    free = np.ones(len(prior), dtype=bool)
    theta = _newton(x, y, w, prior, precision, free, prior if start is None else start, offset)
    while (theta[nonnegative] < 0).any():
        free &= ~nonnegative | (theta >= 0)
        theta = _newton(x, y, w, prior, precision, free, np.where(free, prior, 0.0), offset)
    return theta


def _newton(
    x: Floats,
    y: Floats,
    w: Floats,
    prior: Floats,
    precision: Floats,
    free: NDArray[np.bool_],
    start: Floats,
    offset: Floats | float,
) -> Floats:
    theta = start.copy()
    for _ in range(60):
        p = sigmoid(x @ theta + offset)
        gradient = (x.T @ (w * (y - p)) - precision * (theta - prior))[free]
        curvature = ((x.T * (w * p * (1 - p))) @ x + np.diag(precision))[np.ix_(free, free)]
        step = np.linalg.solve(curvature, gradient)
        largest = float(np.abs(step).max(initial=0.0))
        theta[free] += step * min(1.0, 2.0 / max(largest, 1e-12))  # a bounded step cannot run away on separable data
        if largest < 1e-9:
            break
    return theta
