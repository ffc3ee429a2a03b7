"""Many Poisson regressions of one shape at once, each with a prior of standard deviation 1 on every coefficient but its level's.

The same as scikit-learn's ``PoissonRegressor`` for each by itself, which a test holds; all at once it is a hundred times as fast, and a
plan with its backtest fits thousands. Scatter beyond Poisson's makes evidence count for its share only (quasi-likelihood: Wedderburn 1974);
days far off count less (Huber 1964), for what nobody declared happens.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from adverdict.workforce.volume.history import Floats

ROUNDS = 30
TOLERANCE = 1e-8
LEAST = 1e-6
FAR = 2.5
"""Standard deviations beyond which a day counts less."""
FLAT = 1e-8
"""Precision of a level's prior: next to nothing is known of it."""


@dataclass(frozen=True)
class Fitted:
    """Of each series: ``coefficients`` float64 (series, columns), the first the level; ``scatter`` float64 (series,), at least 1."""

    coefficients: Floats
    scatter: Floats
    means: Floats
    """float64 (series, days)."""
    weights: Floats
    """As they were used, float64 (series, days)."""


def fit(columns: Floats, counts: Floats, offset: Floats, weights: Floats, *, robust: bool = True) -> Fitted:
    """``columns`` float64 (series, days, columns), the first all ones; the rest float64 (series, days). ``offset``: logarithms."""
    scatter = np.ones(len(counts))
    used, start = weights, _levels(columns, counts, offset, weights)
    for _ in range(3 if robust else 1):
        start = _newton(columns, counts, offset, used, scatter, start)
        means = _means(columns, offset, start)
        if not robust:
            break
        off = (counts - means) / np.sqrt(means)
        total = np.maximum(weights.sum(axis=1), LEAST)
        clipped = np.minimum(off**2, 9 * scatter[:, None])
        scatter = np.maximum(1.0, (weights * clipped).sum(axis=1) / total)
        used = weights * np.minimum(1.0, FAR * np.sqrt(scatter)[:, None] / np.maximum(np.abs(off), LEAST))
    return Fitted(start, scatter, _means(columns, offset, start), used)


def _newton(columns: Floats, counts: Floats, offset: Floats, weights: Floats, scatter: Floats, start: Floats) -> Floats:
    prior = np.ones(columns.shape[2])
    prior[0] = FLAT
    precision = scatter[:, None] * prior
    found = start
    for _ in range(ROUNDS):
        means = _means(columns, offset, found)
        slope = np.einsum("sdc,sd->sc", columns, weights * (counts - means)) - precision * found
        bent = np.einsum("sdc,sd,sde->sce", columns, weights * means, columns, optimize=True)
        bent += precision[:, :, None] * np.eye(columns.shape[2])
        step = np.linalg.solve(bent, slope[:, :, None])[:, :, 0]
        step = np.clip(step, -2.0, 2.0)
        found = found + step
        if float(np.abs(step).max(initial=0.0)) < TOLERANCE:
            break
    return found


def _levels(columns: Floats, counts: Floats, offset: Floats, weights: Floats) -> Floats:
    """Where to begin: the level alone."""
    start = np.zeros((len(counts), columns.shape[2]))
    start[:, 0] = np.log(np.maximum((weights * counts).sum(axis=1), LEAST) / np.maximum((weights * np.exp(offset)).sum(axis=1), LEAST))
    return start


def _means(columns: Floats, offset: Floats, coefficients: Floats) -> Floats:
    return np.asarray(np.exp(np.clip(np.einsum("sdc,sc->sd", columns, coefficients) + offset, -30.0, 30.0)))
