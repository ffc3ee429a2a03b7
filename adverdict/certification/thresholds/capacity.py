"""The thresholds with the least expected harm that a day's reviewers can keep up with, shared over all policies and markets.

Within what is certified, every review has one price: an ad is reviewed where deciding it automatically is expected to do more harm than the
price. The price that uses the capacity up is the best there is, for at the optimum no review can be moved to where it would prevent more
(the Lagrangian of a separable allocation: Everett 1963, Operations Research 11, 399-417). Only the load is not separable, as an ad under
several policies is reviewed once; so it is counted ad by ad.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from adverdict.certification.thresholds.answers import Answer, certified
from adverdict.certification.thresholds.scored import ScoredAds
from adverdict.certification.thresholds.sequence import GRID
from adverdict.decisions.harm import LEAKED, WRONGED
from adverdict.decisions.policy import PolicyBook, Severity, Stance, Thresholds, WhenUncertified

Floats = NDArray[np.float64]

BEYOND_PRICE = 1e12
"""A review that costs more than any decision harms."""
STEPS = 60
"""Halvings of the interval of prices: far below what one ad more or less makes of the load."""


@dataclass(frozen=True)
class CapacityPlan:
    """Thresholds under a capacity. Ads and harm are a day's; harm in wrongly rejected ads, by the calibrated risks."""

    thresholds: tuple[Thresholds, ...]
    """In the order of the answers."""
    capacity: float
    reviews: float
    harm: float
    price: float
    """Expected harm that the last review a day prevents."""
    reviews_needed: float
    """The fewest reviews a day that the certified thresholds allow."""
    reviews_by_market: Mapping[str, float]

    @property
    def feasible(self) -> bool:
        return self.reviews_needed <= self.capacity


class Traffic:
    """A day's ads, stood for by scored ones: what they would meet under any thresholds."""

    def __init__(self, scored: ScoredAds, book: PolicyBook, found: Sequence[Answer], volume: Mapping[str, float]) -> None:
        """``volume``: ads a day by market. Markets without scored ads cannot be stood for and are the caller's to refuse."""
        self.market = scored.market
        self.found = tuple(found)
        counted = dict(zip(*np.unique(scored.market, return_counts=True), strict=True))
        self.weight = np.array([volume.get(str(market), 0.0) / counted[market] for market in scored.market])
        self.always = _reviewed_anyway(scored, book)
        self._by_hand = list(_by_hand(scored, book))
        self._rows = [np.concatenate([q.rows for q in one.served] or [np.zeros(0, dtype=np.intp)]) for one in found]
        self._may = [np.concatenate([np.full(len(q.rows), q.rejects) for q in one.served] or [np.zeros(0, np.bool_)]) for one in found]
        self._risk = [scored.risk[rows, scored.policies.index(one.stratum.policy)] for rows, one in zip(self._rows, found, strict=True)]
        self.leaked = [max(_severities(book, one), default=LEAKED[Severity.QUALITY]) for one in found]
        for one in found:  # what a certificate does not serve is reviewed
            for question in one.stratum.questions:
                if question not in one.served:
                    self.always[question.rows] = True

    def options(self, index: int, beyond_certificates: bool) -> _Options:
        """What may be chosen for an answer: certified thresholds up to the boldest pair, or all there are."""
        found, cost = self.found[index], self.leaked[index]
        below, at = found.thresholds.approve_below, found.thresholds.reject_at
        approve, reject = (GRID, GRID[::-1]) if beyond_certificates else (certified(found.approve), certified(found.reject))
        if not beyond_certificates:
            approve, reject = approve[approve <= below], reject[reject >= at] if at < 1 else reject[:0]
        if not found.stratum.rejects:
            reject = reject[:0]
        risk, weight = self._risk[index], self.weight[self._rows[index]]
        rejecting = np.where(self._may[index], weight, 0.0)
        return _Options(
            below=np.append(0.0, approve),
            approved=_under(risk, weight, np.append(0.0, approve)),
            leaked=_under(risk, weight * cost * risk, np.append(0.0, approve)),
            at=np.append(1.0, reject),
            rejected=_from(risk, rejecting, np.append(1.0, reject)),
            wronged=_from(risk, rejecting * WRONGED * (1.0 - risk), np.append(1.0, reject)),
            even=WRONGED / (WRONGED + cost),
        )

    def decided(self, chosen: Sequence[Thresholds]) -> tuple[NDArray[np.bool_], NDArray[np.bool_], Floats]:
        """Which ads are reviewed, which rejected (bool (n,) each), and the harm expected of each ad's decision, float64 (n,)."""
        reviewed, rejected = self.always.copy(), np.zeros(len(self.market), dtype=np.bool_)
        leaked, innocent = np.zeros(len(self.market)), np.ones(len(self.market))
        solved = zip(chosen, self._rows, self._risk, self._may, self.leaked, strict=True)
        for pair, rows, risk, may_reject, cost in (*solved, *self._by_hand):
            reject = (risk >= pair.reject_at) & may_reject & (pair.reject_at < 1)
            rejected[rows] |= reject
            reviewed[rows] |= (risk >= pair.approve_below) & ~reject
            leaked[rows] += cost * risk
            innocent[rows] *= np.where(reject, 1.0 - risk, 1.0)
        reviewed &= ~rejected
        return reviewed, rejected, np.where(reviewed, 0.0, np.where(rejected, WRONGED * innocent, leaked))

    def reviews(self, chosen: Sequence[Thresholds]) -> float:
        """Ads a day that a person has to see."""
        return float(self.weight @ self.decided(chosen)[0])


def plan(traffic: Traffic, capacity: float, *, beyond_certificates: bool = False) -> CapacityPlan:
    """The least expected harm with at most ``capacity`` reviews a day; where even the boldest certified thresholds leave more, those.

    ``beyond_certificates``: choose among all thresholds, certified or not, to see what a guarantee costs.
    """
    options = [traffic.options(i, beyond_certificates) for i in range(len(traffic.found))]
    boldest = [one.at_price(BEYOND_PRICE) for one in options]
    needed = traffic.reviews(boldest)
    low, high = 0.0, BEYOND_PRICE
    chosen, price = boldest, high
    if needed <= capacity:
        high = 2 * max(LEAKED.values())  # no ad's decision harms more than the worst leak
        for _ in range(STEPS):
            middle = (low + high) / 2
            tried = [one.at_price(middle) for one in options]
            if traffic.reviews(tried) <= capacity:
                high, chosen, price = middle, tried, middle
            else:
                low = middle
    reviewed, _, harm = traffic.decided(chosen)
    load = traffic.weight * reviewed
    by_market = {str(market): float(load[traffic.market == market].sum()) for market in np.unique(traffic.market)}
    return CapacityPlan(tuple(chosen), capacity, float(load.sum()), float(traffic.weight @ harm), price, needed, by_market)


@dataclass(frozen=True)
class _Options:
    """What may be chosen for one answer, and what it does to a day's ads: float64 (k,) each, from deciding nothing to the boldest."""

    below: Floats
    approved: Floats
    leaked: Floats
    """Harm expected of those approved."""
    at: Floats
    rejected: Floats
    wronged: Floats
    even: float
    """The risk at which approving and rejecting harm alike."""

    def at_price(self, price: float) -> Thresholds:
        """The least harm where a review costs ``price``."""
        below = float(self.below[np.argmin(self.leaked - price * self.approved)])
        at = float(self.at[np.argmin(self.wronged - price * self.rejected)])
        if below > at:  # both cost less than a review: whichever harms less
            middle = min(max(self.even, at), below)
            below = at = float(GRID[min(int(np.searchsorted(GRID, middle)), len(GRID) - 1)])
        return Thresholds(below, at)


def _under(risk: Floats, values: Floats, thresholds: Floats) -> Floats:
    """Sum of the values of ads with a lower risk than each threshold."""
    order = np.argsort(risk, kind="stable")
    total = np.append(0.0, np.cumsum(values[order]))
    return np.asarray(total[np.searchsorted(risk[order], thresholds, side="left")])


def _from(risk: Floats, values: Floats, thresholds: Floats) -> Floats:
    """Sum of the values of ads with at least the risk of each threshold; 0 at a threshold of 1, which rejects nobody."""
    return np.where(thresholds < 1, values.sum() - _under(risk, values, thresholds), 0.0)


def _severities(book: PolicyBook, found: Answer) -> list[float]:
    names = {(question.policy, question.market, question.targets) for question in found.stratum.questions}
    return [LEAKED[policy.severity] for market, _, policy in book.every() if (policy.name, market, policy.targets) in names]


def _by_hand(scored: ScoredAds, book: PolicyBook) -> Iterator[tuple[Thresholds, NDArray[np.intp], Floats, NDArray[np.bool_], float]]:
    """Thresholds that the policy files set themselves: they decide too, and no capacity moves them."""
    for (market, surface), rows in scored.places.items():
        for policy in book.in_force(market, surface or None):
            if policy.thresholds is not None and policy.name in scored.policies and policy.stance is not Stance.ALLOWED:
                nothing = policy.when_uncertified is WhenUncertified.REVIEW
                pair = Thresholds(0.0, 1.0) if nothing else policy.thresholds
                may_reject = np.full(len(rows), policy.stance is Stance.PROHIBITED)
                yield pair, rows, scored.risk[rows, scored.policies.index(policy.name)], may_reject, LEAKED[policy.severity]


def _reviewed_anyway(scored: ScoredAds, book: PolicyBook) -> NDArray[np.bool_]:
    """Ads that no thresholds decide: their market has no policy file, or a policy in force there has no model."""
    always = np.zeros(len(scored), dtype=np.bool_)
    for (market, surface), rows in scored.places.items():
        policies = book.in_force(market, surface or None)
        always[rows] = not policies or any(one.name not in scored.policies and one.stance is not Stance.ALLOWED for one in policies)
    return always
