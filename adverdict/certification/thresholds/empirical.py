"""Labelled ads -> thresholds: the empirical point that meets the targets on exactly these ads.

No guarantee: the next ads may do worse, more so the fewer ads decided here. So every pair is uncertified (``certificate_id`` None). This is
what a training gives a bundle to begin with, before anything is certified.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from adverdict.decisions.policy import PolicyBook, Targets, Thresholds
from adverdict.decisions.thresholds import POOLED, SolvedFor, SolvedThresholds
from adverdict.domain.errors import InvalidInput, Mistake

MIN_DECIDED = 20
"""A side that would decide fewer labelled ads decides nothing: a share of a handful says little."""
MIN_MARKET_ADS = 300
MIN_MARKET_VIOLATING = 20
"""A market with at least this many labelled ads, and violating ones among them, gets thresholds of its own."""
MAX_RISK = 1 - 1e-6
"""No calibrated risk is higher. So ``reject_at = 1.0`` rejects nobody, as ``approve_below = 0.0`` approves nobody."""


@dataclass(frozen=True)
class LabelledScores:
    """Labelled ads of one policy, scored by models that had not seen them."""

    p: NDArray[np.float64]
    """float64 (n,), calibrated P(violates), in [0, 1]."""
    violating: NDArray[np.bool_]
    """bool (n,), the raters' majority."""
    market: NDArray[np.str_]
    """str (n,), the ads' markets."""

    def __post_init__(self) -> None:
        _check(self.p, self.violating)
        if self.market.shape != self.p.shape:
            raise InvalidInput("cannot solve thresholds", [Mistake("market", self.market.shape, f"shape {self.p.shape}")])

    def of_market(self, market: str) -> LabelledScores:
        rows = self.market == market
        return LabelledScores(self.p[rows], self.violating[rows], self.market[rows])

    @property
    def enough(self) -> bool:
        """Whether a market with these labels can have thresholds of its own."""
        return len(self.p) >= MIN_MARKET_ADS and int(self.violating.sum()) >= MIN_MARKET_VIOLATING


def solve_all(scores: Mapping[str, LabelledScores], book: PolicyBook) -> SolvedThresholds:
    """For every policy with labels and every set of targets the book states for it: all markets together, and each market with enough."""
    points: dict[SolvedFor, Thresholds] = {}
    own: dict[tuple[str, str], LabelledScores] = {}
    for market, _, policy in book.every():
        labelled = scores.get(policy.name)
        if labelled is None:
            continue
        pooled = SolvedFor(policy.name, POOLED, policy.targets)
        if pooled not in points:
            points[pooled] = solve(labelled.p, labelled.violating, policy.targets)
        key = SolvedFor(policy.name, market, policy.targets)
        if key not in points:
            here = own.setdefault((policy.name, market), labelled.of_market(market))
            if here.enough:
                points[key] = solve(here.p, here.violating, policy.targets)
    return SolvedThresholds(points)


def solve(p: NDArray[np.float64], violating: NDArray[np.bool_], targets: Targets) -> Thresholds:
    """The thresholds that decide the most of these ads by themselves within the targets.

    ``p`` float64 (n,) in [0, 1], ``violating`` bool (n,). First the smallest ``reject_at`` whose share of not violating ads among
    ``p >= reject_at`` is at most ``max_wrongful_reject``; then the largest ``approve_below <= reject_at`` whose share of violating ads
    among ``p < approve_below`` is at most ``max_leakage``. Where both sides could take an ad it is rejected. Ads of equal risk stay
    together; a threshold is the risk of the first ad on its upper side, so nothing is decided beyond the risks seen here: with every ad
    approved, ``approve_below`` lies just above the highest. Raises ``InvalidInput`` on NaN, risks outside [0, 1] and shapes that differ.
    """
    _check(p, violating)
    levels, group = np.unique(np.minimum(p, MAX_RISK), return_inverse=True)
    ads = np.bincount(group, minlength=len(levels))
    bad = np.bincount(group, weights=violating, minlength=len(levels)).astype(np.int64)

    rejected = np.cumsum(ads[::-1])[::-1]  # by level: ads at this risk or higher
    wronged = np.cumsum((ads - bad)[::-1])[::-1]
    may_reject = np.flatnonzero((rejected >= MIN_DECIDED) & (wronged / np.maximum(rejected, 1) <= targets.max_wrongful_reject))
    lowest = int(may_reject[0]) if len(may_reject) else len(levels)

    approved = np.cumsum(ads)[:lowest]  # by level: ads at this risk or lower
    leaked = np.cumsum(bad)[:lowest]
    may_approve = np.flatnonzero((approved >= MIN_DECIDED) & (leaked / np.maximum(approved, 1) <= targets.max_leakage))
    reject_at = float(levels[lowest]) if len(may_reject) else 1.0
    return Thresholds(_just_above(levels, int(may_approve[-1])) if len(may_approve) else 0.0, reject_at)


def _just_above(levels: NDArray[np.float64], index: int) -> float:
    """The next risk seen, or the next number where there is none: approving up to 1 would decide risks nobody has labels for."""
    return float(levels[index + 1]) if index + 1 < len(levels) else float(np.nextafter(levels[index], 2.0))


def _check(p: NDArray[np.float64], violating: NDArray[np.bool_]) -> None:
    mistakes = []
    if p.ndim != 1 or violating.shape != p.shape:
        mistakes.append(Mistake("violating", violating.shape, f"one value for each risk; risks have shape {p.shape}"))
    wrong = p[~((p >= 0) & (p <= 1))]  # NaN is outside every interval
    if wrong.size:
        mistakes.append(Mistake("p", float(wrong.flat[0]), f"risks from 0 to 1; {wrong.size} are not"))
    if mistakes:
        raise InvalidInput("cannot solve thresholds", mistakes)


__all__ = ["LabelledScores", "SolvedFor", "SolvedThresholds", "solve", "solve_all"]
