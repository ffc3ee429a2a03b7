"""Labelled ads -> thresholds of least harm that meet the targets on exactly these ads.

No guarantee: the next ads may do worse, more so the fewer ads decided here. So every pair is uncertified (``certificate_id`` None). This is
what a training gives a bundle to begin with, before anything is certified.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from adverdict.certification.thresholds.capacity import review_price
from adverdict.certification.thresholds.least_harm import Stakes, least_harm
from adverdict.certification.thresholds.scored import ScoredAds
from adverdict.certification.thresholds.sequence import LabelledAds
from adverdict.certification.thresholds.strata import questions, stakes_of
from adverdict.decisions.policy import PolicyBook, Stance, Targets, Thresholds
from adverdict.decisions.thresholds import POOLED, SolvedFor, SolvedThresholds
from adverdict.domain.errors import InvalidInput, Mistake

MIN_DECIDED = 20
"""A side that would decide fewer labelled ads decides nothing: a share of a handful says little."""
MIN_MARKET_ADS = 300
MIN_MARKET_VIOLATING = 20
"""A market with at least this many labelled ads, and violating ones among them, gets thresholds of its own."""
MAX_CALIBRATED = 1 - 1e-6
"""No calibrated risk is higher. So ``reject_at = 1.0`` rejects nobody, as ``approve_below = 0.0`` approves nobody."""


def solve_all(scored: ScoredAds, book: PolicyBook) -> SolvedThresholds:
    """For every policy with labels and every set of targets the book states for it: all markets together, and each market with enough.

    A review has the price of ``capacity.review_price`` for these ads.
    """
    price = review_price(scored, book, questions(scored, book)).price
    stakes: dict[SolvedFor, Stakes] = {}
    for market, _, policy in book.every():
        if policy.name in scored.policies and policy.stance is not Stance.ALLOWED:
            for where in (POOLED, market):
                key, here = SolvedFor(policy.name, where, policy.targets), stakes_of(policy)
                stakes[key] = here.strictest(stakes[key]) if key in stakes else here
    points = {}
    for key, at_stake in stakes.items():
        rows = np.arange(len(scored)) if key.market == POOLED else np.flatnonzero(scored.market == key.market)
        labelled = scored.labelled(key.policy, rows)
        if key.market == POOLED or _enough(labelled):
            points[key] = solve(labelled.risk, labelled.violating, key.targets, least_harm(price, at_stake))
    return SolvedThresholds(points)


def solve(p: NDArray[np.float64], violating: NDArray[np.bool_], targets: Targets, aim: Thresholds | None = None) -> Thresholds:
    """The thresholds nearest to ``aim`` that keep the targets on these ads, on no side beyond it.

    ``p`` float64 (n,) in [0, 1], ``violating`` bool (n,). First the smallest ``reject_at`` whose share of not violating ads among
    ``p >= reject_at`` is at most ``max_wrongful_reject``; then the largest ``approve_below <= reject_at`` whose share of violating ads
    among ``p < approve_below`` is at most ``max_leakage``. Where both sides could take an ad it is rejected. Ads of equal risk stay
    together; a threshold is the risk of the first ad on its upper side, so nothing is decided beyond the risks seen here: with every ad
    approved, ``approve_below`` lies just above the highest. ``aim`` None: as much as the targets allow. Raises ``InvalidInput`` on NaN,
    risks outside [0, 1] and shapes that differ.
    """
    _check(p, violating)
    below, floor = (1.0, 0.0) if aim is None else (aim.approve_below, aim.reject_at)
    levels, group = np.unique(np.minimum(p, MAX_CALIBRATED), return_inverse=True)
    ads = np.bincount(group, minlength=len(levels))
    bad = np.bincount(group, weights=violating, minlength=len(levels)).astype(np.int64)

    rejected = np.cumsum(ads[::-1])[::-1]  # by level: ads at this risk or higher
    wronged = np.cumsum((ads - bad)[::-1])[::-1]
    keeps = (rejected >= MIN_DECIDED) & (wronged / np.maximum(rejected, 1) <= targets.max_wrongful_reject) & (levels >= floor)
    may_reject = np.flatnonzero(keeps)
    lowest = int(may_reject[0]) if len(may_reject) else len(levels)

    approved = np.cumsum(ads)[:lowest]  # by level: ads at this risk or lower
    leaked = np.cumsum(bad)[:lowest]
    keeps = (approved >= MIN_DECIDED) & (leaked / np.maximum(approved, 1) <= targets.max_leakage) & (levels[:lowest] < below)
    may_approve = np.flatnonzero(keeps)
    reject_at = float(levels[lowest]) if len(may_reject) else 1.0
    approve_below = min(below, _just_above(levels, int(may_approve[-1]))) if len(may_approve) else 0.0
    return Thresholds(approve_below, reject_at)


def _enough(labelled: LabelledAds) -> bool:
    return len(labelled) >= MIN_MARKET_ADS and int(labelled.violating.sum()) >= MIN_MARKET_VIOLATING


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
