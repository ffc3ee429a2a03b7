"""What one score says better than another of the same ads, with advertisers as the sample."""

from __future__ import annotations

from dataclasses import dataclass
from math import log

import numpy as np
from numpy.typing import NDArray

NEEDED_ERRORS = 1.0
"""Standard errors that a gain must exceed for a component to earn its place (Breiman et al. 1984, the one-standard-error rule)."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Earned:
    """What a component adds to those before it, for one policy: ``gain`` in log loss (nats an ad) out of fold, its standard ``error`` over
    advertisers, and whether it is ``kept``."""

    component: str
    policy: str
    gain: float
    error: float
    kept: bool

    @property
    def bits(self) -> float:
        return self.gain / log(2)

    @property
    def bits_error(self) -> float:
        return self.error / log(2)


def log_loss(log_odds: Floats, y: Floats) -> Floats:
    """In nats, of each ad; ``y`` in [0, 1]."""
    return np.asarray(np.logaddexp(0, log_odds) - y * log_odds)


def by_advertiser(gains: Floats, weight: Floats, groups: NDArray[np.intp]) -> tuple[float, float]:
    """Weighted mean, and its standard error with advertisers as the sample (a ratio estimate, Cochran 1977, section 6.4)."""
    _, group = np.unique(groups, return_inverse=True)
    total, each = np.bincount(group, weights=weight * gains), np.bincount(group, weights=weight)
    mean = float(total.sum() / each.sum())
    n = len(total)
    error = np.sqrt(n / max(n - 1, 1) * ((total - mean * each) ** 2).sum()) / each.sum()
    return mean, float(error)
