"""Fits the blend: how much each model's log-odds count."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from adverdict.models.blend import BlendModel
from adverdict.training.fit.penalised import fit_logistic

PRIOR_STRENGTH = 30.0
"""Precision of the prior that every component counts the same, each on its own best scale: with few violations that is the safer guess."""


def fit_blend(parts: Mapping[str, NDArray[np.float64]], targets: NDArray[np.float64], weight: NDArray[np.float64]) -> BlendModel:
    """One non-negative logistic blend a policy from out-of-fold log-odds ``(n, n_policies)`` a component.

    ``targets`` is ``(n, n_policies)`` in [0, 1] with NaN for unlabelled; ``weight`` is ``(n,)``.
    """
    names = tuple(parts)
    nonnegative = np.append(np.ones(len(names), dtype=bool), False)
    rows = []
    for policy in range(targets.shape[1]):
        known = np.flatnonzero(~np.isnan(targets[:, policy]))
        x = np.column_stack([*(parts[name][known, policy] for name in names), np.ones(len(known))])
        y, w = targets[known, policy], weight[known]
        alone = [_slope_alone(x[:, [i, -1]], y, w) for i in range(len(names))]
        prior = np.append(np.array(alone) / len(names), 0.0)
        precision = np.append(PRIOR_STRENGTH * x[:, :-1].var(axis=0), 0.01)
        rows.append(fit_logistic(x, y, w, prior, precision, nonnegative))
    theta = np.array(rows)
    return BlendModel(names, theta[:, :-1], theta[:, -1])


def _slope_alone(x: NDArray[np.float64], y: NDArray[np.float64], w: NDArray[np.float64]) -> float:
    """The weight a component would have on its own: what brings its log-odds to scale."""
    spread = float(x[:, 0].std()) or 1.0
    slope, _ = fit_logistic(x / [spread, 1.0], y, w, np.array([1.0, 0.0]), np.array([1.0, 0.01]), np.array([True, False]))
    return float(slope) / spread
