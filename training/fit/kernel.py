"""Fits kernel ridge regression; on many ads through landmarks (Nyström)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from adverdict.models.kernel import KernelModel, similarity, standardised
from adverdict.training.fit.penalised import fit_logistic

RIDGE = 0.5
MOST_LANDMARKS = 8000
"""Beyond, training ads are represented by this many of them: cost then grows with their number, not with its cube."""

Floats = NDArray[np.float64]


def fit_kernel(embedding: NDArray[np.float32], targets: Floats, seed: int, most_landmarks: int = MOST_LANDMARKS) -> KernelModel:
    """One regression a policy on its labelled ads.

    ``embedding`` is ``float32 (n, width)``, equally wide layers side by side, each brought to unit variance; ``targets`` is
    ``(n, n_policies)`` in [0, 1] with NaN for unlabelled. Exact up to ``most_landmarks`` ads,
    else the subset of regressors (Rasmussen & Williams 2006, 8.3.1).
    """
    scale = _scale(embedding)
    mean = (embedding.astype(np.float64) * scale).mean(axis=0)
    points = standardised(embedding, scale, mean)
    chosen = np.arange(len(points))
    if len(points) > most_landmarks:
        chosen = np.sort(np.random.default_rng(seed).choice(len(points), most_landmarks, replace=False))
    landmarks = points[chosen]
    between = similarity(points, landmarks)
    coefficients = np.column_stack([_solve(between, chosen, targets[:, policy]) for policy in range(targets.shape[1])])
    ones = np.ones(targets.shape[1])
    return KernelModel(scale, mean, landmarks, coefficients, ones, 0 * ones)


def with_log_odds(model: KernelModel, regression: Floats, targets: Floats) -> KernelModel:
    """The model with the logistic scale that fits its out-of-fold ``regression`` ``(n, n_policies)`` (Platt 1999)."""
    fitted = [_platt(regression[:, policy], targets[:, policy]) for policy in range(targets.shape[1])]
    slope, offset = np.array(fitted).T
    return replace(model, slope=slope, offset=offset)


def _scale(embedding: NDArray[np.float32], layers: int = 2) -> Floats:
    width = embedding.shape[1] // layers
    spread = [float(embedding[:, start : start + width].std()) for start in range(0, embedding.shape[1], width)]
    return np.repeat([1.0 / max(value, 1e-6) for value in spread], width)


def _solve(between: Floats, chosen: NDArray[np.intp], target: Floats) -> Floats:
    """Coefficients of the landmarks, ``(n_landmarks,)``; the target's mean is left to the logistic scale."""
    known = np.flatnonzero(~np.isnan(target))
    centred = target[known] - target[known].mean()
    out = np.zeros(between.shape[1])
    if len(chosen) == len(between):
        out[known] = np.linalg.solve(between[np.ix_(known, known)] + RIDGE * np.eye(len(known)), centred)
        return out
    design, among = between[known], between[chosen]
    jitter = 1e-6 * np.eye(len(chosen))
    return np.linalg.solve(design.T @ design + RIDGE * among + jitter, design.T @ centred)


def _platt(score: Floats, target: Floats) -> tuple[float, float]:
    known = np.flatnonzero(~np.isnan(target))
    x = np.column_stack([score[known], np.ones(len(known))])
    weak = np.array([1e-3, 1e-3])
    slope, offset = fit_logistic(x, target[known], np.ones(len(known)), np.array([8.0, 0.0]), weak, np.array([True, False]))
    return float(slope), float(offset)
