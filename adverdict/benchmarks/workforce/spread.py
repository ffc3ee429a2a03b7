"""Intervals of the benchmark's figures: whole platforms, or whole changes, are what is drawn, never single weeks or queues."""

from __future__ import annotations

import numpy as np

from adverdict.workforce.volume.history import Floats

DRAWS = 2000


def interval(parts: Floats, wholes: Floats) -> list[float]:
    """95 % percentile bootstrap of the sum of ``parts`` over that of ``wholes``, both float64 (units,)."""
    rng = np.random.default_rng(0)
    rows = rng.integers(0, len(parts), (DRAWS, len(parts)))
    ratios = parts[rows].sum(axis=1) / wholes[rows].sum(axis=1)
    return [float(one) for one in np.quantile(ratios, (0.025, 0.975))]
