"""Intervals of a share that was counted."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
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


def by_group(counted: NDArray[np.bool_], groups: ArrayLike, coverage: float = 0.95) -> tuple[float, float]:
    """Of the share of rows that are ``counted`` when whole ``groups`` (of any kind, one a row) are what was drawn: rows of one are alike.

    The exact interval of as many rows as would tell as much if each had been drawn alone: the linearised variance of a ratio of two sums
    over groups (Cochran 1977, Sampling Techniques, 6.4), and Korn and Graubard (1998), Survey Methodology 24, 193-201. Never of more rows
    than there are; of as many as there are groups where all rows are alike, or none differs. All of [0, 1] where there is no row.
    """
    number = np.unique(np.asarray(groups), return_inverse=True)[1]
    n, k = np.bincount(number), np.bincount(number, weights=counted)
    rows = len(number)
    share = float(counted.mean()) if rows else 0.0
    if len(n) < 2 or share in (0.0, 1.0):
        return clopper_pearson(share * len(n), len(n), coverage)
    variance = float(np.square(k - share * n).sum()) * len(n) / (len(n) - 1) / rows**2
    worth = min(rows, share * (1 - share) / variance) if variance > 0 else len(n)
    return clopper_pearson(share * worth, worth, coverage)
