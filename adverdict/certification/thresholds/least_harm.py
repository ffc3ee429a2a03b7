"""The thresholds that do the least expected harm where a review has a price: what certification aims at, and never goes beyond.

An ad of calibrated risk r does C r of harm when it is approved, where C is what a leak counts for, and 1 - r when it is rejected, both in
wrongly rejected ads. A person is asked where either would do more harm than the review costs. No label is looked at, so that the aim is
settled before its certificate is tested. "As much as an average allows" would be another aim, and spends all of the average: a leakage
limit above the share of violating ads approves every one of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from adverdict.certification.thresholds.sequence import GRID
from adverdict.decisions.harm import WRONGED
from adverdict.decisions.policy import Targets, Thresholds

ANY_PRICE = 1e12
"""A review that costs more than any decision harms: as much is decided automatically as the policy's limits permit."""
_SLACK = 1e-9
"""Of a threshold: what is lost in computing ``1 - price`` must not move it by a step of the grid."""


@dataclass(frozen=True, slots=True)
class Stakes:
    """What is at stake under a policy, and how far it lets thresholds go."""

    leaked: float
    """Harm of a violating ad that is approved, in wrongly rejected ads (``decisions.harm``)."""
    max_risk: float = 1.0
    min_risk_rejected: float = 0.0
    rejects: bool = True
    """Whether thresholds may reject at all."""

    def strictest(self, other: Stakes) -> Stakes:
        """Of two places that are answered together."""
        return Stakes(
            max(self.leaked, other.leaked),
            min(self.max_risk, other.max_risk),
            max(self.min_risk_rejected, other.min_risk_rejected),
            self.rejects or other.rejects,
        )


def least_harm(price: float, stakes: Stakes) -> Thresholds:
    """Where a review costs ``price`` wrongly rejected ads, within the policy's limits.

    Approves while C r < price, rejects while 1 - r < price. Where both cost less than a review, or reviewers are not so short that one is
    worth more than a wrongful rejection, nothing is approved that would do less harm rejected: r = 1 / (1 + C).
    """
    below = min(stakes.max_risk, price / stakes.leaked)
    if not stakes.rejects:
        return Thresholds(below, 1.0)
    at = min(1.0, max(stakes.min_risk_rejected, 1.0 - price / WRONGED))
    even = WRONGED / (WRONGED + stakes.leaked)
    if price <= WRONGED:
        below = min(below, even)
    if below > at:
        below = at = min(max(even, at), below)
    return Thresholds(below, at)


def on_grid(thresholds: Thresholds) -> Thresholds:
    """The nearest on ``sequence.GRID`` that decide no more."""
    below = int(np.searchsorted(GRID, thresholds.approve_below + _SLACK, side="right")) - 1
    at = int(np.searchsorted(GRID, thresholds.reject_at - _SLACK, side="left"))
    return Thresholds(float(GRID[below]) if below >= 0 else 0.0, float(GRID[at]) if at < len(GRID) else 1.0)


def attainable(risk: NDArray[np.float64], targets: Targets) -> Thresholds:
    """The boldest thresholds of the grid at which calibrated ``risk``, float64 (n,), foresees both targets kept; 0 and 1: none does."""
    ordered = np.sort(risk)
    total = np.append(0.0, np.cumsum(ordered))
    below = np.searchsorted(ordered, GRID, side="left")
    above = len(ordered) - below
    leaked, wronged = total[below], above - (total[-1] - total[below])
    approves = np.flatnonzero((below > 0) & (leaked <= targets.max_leakage * below))
    rejects = np.flatnonzero((above > 0) & (wronged <= targets.max_wrongful_reject * above))
    approve_below = float(GRID[approves[-1]]) if len(approves) else 0.0
    reject_at = float(GRID[rejects[0]]) if len(rejects) else 1.0
    return Thresholds(min(approve_below, reject_at), reject_at)
