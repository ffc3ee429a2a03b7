"""Scored ads made up for tests: advertisers with their own rate, models that know more or less of it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from adverdict.models.calibration import sigmoid
from adverdict.training.evaluation.metrics import Scored

MARKETS = ("DE", "SE", "US")


def scored(
    n: int = 600,
    policies: Sequence[str] = ("deceptive", "gambling"),
    skill: float = 2.0,
    seed: int = 0,
    slope: float = 1.0,
    shift: float = 0.0,
    models: Sequence[str] = ("blend",),
) -> Scored:
    """Ads whose risk is right when ``slope`` is 1 and ``shift`` 0, whatever they are the labels stay; ``skill`` spreads the risks."""
    rng = np.random.default_rng(seed)
    groups = rng.integers(0, max(n // 4, 2), n)
    truth = -1.5 + skill * rng.normal(size=(n, len(policies)))
    targets: NDArray[np.float64] = (rng.random(truth.shape) < sigmoid(truth)).astype(np.float64)
    targets[rng.random(truth.shape) < 0.05] = np.nan
    stated = (truth - shift) / slope
    return Scored(
        ad_ids=tuple(f"ad-{i}" for i in range(n)),
        markets=tuple(rng.choice(MARKETS, n).tolist()),
        groups=tuple(f"adv-{group}" for group in groups),
        policies=tuple(policies),
        targets=targets,
        p={model: sigmoid(stated + (model != "blend") * rng.normal(size=stated.shape)) for model in models},
    )
