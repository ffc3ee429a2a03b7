"""What two thresholds would do to the decisions on record: how many ads each way, and how many of the read ones wrongly.

Ads come to their readers with known probabilities: all that the model left to people, and a random, recorded share of those it decided
(the audit stream). Each read ad stands for 1/probability ads (Horvitz and Thompson 1952); labels whose ad nobody drew with a known
probability (imports, appeals) count for nothing here. The interval is Clopper and Pearson's on the effective number of ads (Korn and
Graubard 1998, Survey Methodology 24, 193-201); with equal weights it is Clopper and Pearson's own. Readers' errors are not corrected for:
the quality page does that, for the thresholds that were in force.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from adverdict.certification.statistics.intervals import clopper_pearson

COVERAGE = 0.95


@dataclass(frozen=True)
class ErrorRate:
    """A share of wrong decisions with its interval, in [0, 1]; value None where nothing was read."""

    value: float | None
    low: float
    high: float
    errors: int
    read: int
    effective: float
    """Equally weighted ads that the read ones are worth."""


@dataclass(frozen=True)
class Split:
    """What becomes of the ads with a risk."""

    approve_below: float
    reject_at: float
    ads: int
    approved: int
    rejected: int
    leakage: ErrorRate
    wrongful: ErrorRate

    @property
    def reviewed(self) -> int:
        return self.ads - self.approved - self.rejected


@dataclass(frozen=True)
class ScoredDecisions:
    """Decisions on record under one policy, ordered by risk. Arrays of the same length.

    ``risk`` float64 in [0, 1]; ``weight`` float64, 1/probability for the read ads, 0 for others; ``violating`` bool, False where not read;
    ``rejectable`` bool, False where the policy only restricts and a person sees the ad instead.
    """

    risk: NDArray[np.float64]
    weight: NDArray[np.float64]
    violating: NDArray[np.bool_]
    rejectable: NDArray[np.bool_]

    @classmethod
    def of(cls, rows: Sequence[tuple[float, float, bool, bool]]) -> ScoredDecisions:
        """``rows`` of (risk, weight, violating, rejectable), in any order."""
        table = np.array(rows, dtype=np.float64).reshape(len(rows), 4)
        table = table[np.argsort(table[:, 0], kind="stable")]
        return cls(table[:, 0].copy(), table[:, 1].copy(), table[:, 2] > 0.5, table[:, 3] > 0.5)

    @property
    def rejects(self) -> bool:
        """Whether the policy may reject any of them."""
        return bool(self.rejectable.any())

    def split(self, approve_below: float, reject_at: float) -> Split:
        low, high = (int(np.searchsorted(self.risk, at, side="left")) for at in (approve_below, reject_at))
        n = len(self.risk)
        return Split(
            approve_below,
            reject_at,
            ads=n,
            approved=low,
            rejected=int(self.rejectable[high:].sum()),
            leakage=_wrong(self._approving[:, low] - self._approving[:, 0]),
            wrongful=_wrong(self._rejecting[:, n] - self._rejecting[:, high]),
        )

    @cached_property
    def _approving(self) -> NDArray[np.float64]:
        return _running(self.weight, self.violating)

    @cached_property
    def _rejecting(self) -> NDArray[np.float64]:
        return _running(self.weight * self.rejectable, ~self.violating)


def _running(weight: NDArray[np.float64], wrong: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Running sums, float64 (5, n + 1): weights, their squares, read ads, weights of the wrong ones, wrong ones."""
    read = (weight > 0).astype(np.float64)
    table = np.vstack([weight, weight**2, read, weight * wrong, read * wrong])
    return np.concatenate([np.zeros((len(table), 1)), np.cumsum(table, axis=1)], axis=1)


def _wrong(sums: NDArray[np.float64]) -> ErrorRate:
    weight, square, read, wrong, errors = (float(one) for one in sums)
    if read < 0.5:
        return NOTHING
    share, effective = min(max(wrong / weight, 0.0), 1.0), weight**2 / square
    return ErrorRate(share, *clopper_pearson(share * effective, effective, COVERAGE), int(errors), int(read), effective)


NOTHING = ErrorRate(None, 0.0, 1.0, 0, 0, 0.0)
