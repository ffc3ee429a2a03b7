"""Intervals of a share that was counted."""

from __future__ import annotations

from scipy import special

NOTHING = 1e-9
"""Counts nearer to none, or to all, than this are taken as that."""


def clopper_pearson(errors: float, n: float, coverage: float = 0.95) -> tuple[float, float]:
    """The exact interval of a share of ``errors`` in ``n``, which need not be whole numbers; all of [0, 1] where ``n`` is 0.

    Clopper and Pearson (1934), Biometrika 26, 404-413. ``errors`` in [0, n].
    """
    tail = (1 - coverage) / 2
    low = float(special.betaincinv(errors, n - errors + 1, tail)) if errors > NOTHING else 0.0
    high = float(special.betaincinv(errors + 1, n - errors, 1 - tail)) if n - errors > NOTHING else 1.0
    return low, high
