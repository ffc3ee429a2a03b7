"""What a review may cost: the price at which people are asked as often as they have time for, over all policies and markets.

Every review has one price: an ad is reviewed where deciding it automatically is expected to do more harm than that. The price that uses the
reviewers up is the best there is, for at the optimum no review can be moved to where it would prevent more (the Lagrangian of a separable
allocation: Everett 1963, Operations Research 11, 399-417). Only the load is not separable, as an ad under several policies is reviewed
once; so it is counted ad by ad.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from adverdict.certification.thresholds.answers import Answer
from adverdict.certification.thresholds.least_harm import ANY_PRICE
from adverdict.certification.thresholds.scored import ScoredAds
from adverdict.certification.thresholds.strata import Question, stakes_of
from adverdict.decisions.harm import LEAKED, WRONGED
from adverdict.decisions.policy import PolicyBook, Stance, Thresholds, WhenUncertified
from adverdict.decisions.thresholds import SolvedThresholds, severity_at

Floats = NDArray[np.float64]
Rows = NDArray[np.intp]
AtPrice = Callable[[float], Sequence[Thresholds]]
"""The thresholds of every part of the traffic where a review costs so much."""

REVIEW_SHARE = 0.25
"""Of all ads, that people see where nobody says how many reviewers there are. It only sets the price of a review."""
STEPS = 60
"""Halvings of the interval of prices: far below what one ad more or less makes of the load."""


@dataclass(frozen=True)
class Priced:
    """What a day's reviewers make a review worth. Ads and harm are a day's; harm in wrongly rejected ads, by the calibrated risks."""

    thresholds: tuple[Thresholds, ...]
    """In the order of the traffic's parts."""
    capacity: float
    reviews: float
    harm: float
    price: float
    """Expected harm that the last review a day prevents; ``ANY_PRICE`` where declared reviewers do not suffice."""
    reviews_needed: float
    """The fewest reviews a day that are possible here."""
    reviews_by_market: Mapping[str, float]

    @property
    def feasible(self) -> bool:
        return self.reviews_needed <= self.capacity


@dataclass(frozen=True)
class _Part:
    """Ads that are decided by the same thresholds."""

    rows: Rows
    risk: Floats
    may_reject: NDArray[np.bool_]
    leaked: float


class Traffic:
    """A day's ads, stood for by scored ones: what they would meet under any thresholds."""

    def __init__(
        self,
        scored: ScoredAds,
        book: PolicyBook,
        asked: Sequence[Question],
        volume: Mapping[str, float] | None = None,
        by_people: Sequence[Question] = (),
    ) -> None:
        """``asked``: what thresholds answer, one part of the traffic each. ``by_people``: questions no thresholds are there for.
        ``volume``: ads a day by market; None: the ads themselves are the day's. Markets without scored ads cannot be stood for and are
        the caller's to refuse."""
        self.market = scored.market
        self.weight = np.ones(len(scored)) if volume is None else _weights(scored.market, volume)
        self._always = _reviewed_anyway(scored, book)
        for question in by_people:
            self._always[question.rows] = True
        self._by_hand = list(_by_hand(scored, book))
        self._parts = [_part(scored, question) for question in asked]

    @classmethod
    def of_answers(cls, scored: ScoredAds, book: PolicyBook, found: Sequence[Answer], volume: Mapping[str, float] | None = None) -> Traffic:
        """What a certificate does not serve is for people."""
        asked = [one.stratum.question for one in found]
        return cls(scored, book, asked, volume, [one.stratum.question for one in found if not one.served])

    @property
    def ads(self) -> float:
        """A day."""
        return float(self.weight.sum())

    def decided(self, chosen: Sequence[Thresholds]) -> tuple[NDArray[np.bool_], NDArray[np.bool_], Floats]:
        """Which ads are reviewed, which rejected (bool (n,) each), and the harm expected of each ad's decision, float64 (n,)."""
        reviewed, rejected = self._always.copy(), np.zeros(len(self.market), dtype=np.bool_)
        leaked, innocent = np.zeros(len(self.market)), np.ones(len(self.market))
        for pair, part in (*zip(chosen, self._parts, strict=True), *self._by_hand):
            severity = severity_at(part.risk, pair.approve_below, pair.reject_at)
            reject = (severity == 2) & part.may_reject
            rejected[part.rows] |= reject
            reviewed[part.rows] |= (severity > 0) & ~reject
            leaked[part.rows] += part.leaked * part.risk
            innocent[part.rows] *= np.where(reject, 1.0 - part.risk, 1.0)
        reviewed &= ~rejected
        return reviewed, rejected, np.where(reviewed, 0.0, np.where(rejected, WRONGED * innocent, leaked))

    def reviews(self, chosen: Sequence[Thresholds]) -> float:
        """Ads a day that a person has to see."""
        return float(self.weight @ self.decided(chosen)[0])


def priced(traffic: Traffic, capacity: float, at_price: AtPrice) -> Priced:
    """The least price of a review at which people see at most ``capacity`` ads a day; where none is enough, the fewest reviews possible."""
    boldest = at_price(ANY_PRICE)
    needed = traffic.reviews(boldest)
    low, high = 0.0, ANY_PRICE
    chosen, price = boldest, ANY_PRICE
    if needed <= capacity:
        high = 2 * max(LEAKED.values())  # no ad's decision harms more than the worst leak
        for _ in range(STEPS):
            middle = (low + high) / 2
            tried = at_price(middle)
            if traffic.reviews(tried) <= capacity:
                high, chosen, price = middle, tried, middle
            else:
                low = middle
    reviewed, _, harm = traffic.decided(chosen)
    load = traffic.weight * reviewed
    by_market = {str(market): float(load[traffic.market == market].sum()) for market in np.unique(traffic.market)}
    return Priced(tuple(chosen), capacity, float(load.sum()), float(traffic.weight @ harm), price, needed, by_market)


def aims(asked: Sequence[Question]) -> AtPrice:
    """Least harm whatever is certified: what certification sets out for."""
    return lambda price: [question.aim(price) for question in asked]


def certified_aims(found: Sequence[Answer]) -> AtPrice:
    """Least harm within what is certified."""
    return lambda price: [one.at_price(price) for one in found]


def plan(traffic: Traffic, found: Sequence[Answer], capacity: float, *, beyond_certificates: bool = False) -> Priced:
    """The least expected harm with at most ``capacity`` reviews a day, within what is certified.

    ``beyond_certificates``: choose among all thresholds that the policies permit, certified or not, to see what a guarantee costs.
    """
    return priced(traffic, capacity, aims([one.stratum.question for one in found]) if beyond_certificates else certified_aims(found))


def in_use(asked: Sequence[Question], solved: SolvedThresholds) -> list[Thresholds]:
    """What decides each question by thresholds that were solved: nothing where they are provisional and the policy does not let them."""
    used = []
    for question in asked:
        found = solved.find(question.policy, question.market, question.targets)
        decides = found is not None and (not found.provisional or question.decides_uncertified)
        used.append(found if found is not None and decides else Thresholds(0.0, 1.0))
    return used


def review_price(
    scored: ScoredAds, book: PolicyBook, asked: Sequence[Question], capacity: float | None = None, volume: Mapping[str, float] | None = None
) -> Priced:
    """What a review is worth before anything is certified: at it ``capacity`` a day suffice, or, where that is None, as many as people see
    where nobody says (``unstated``). Uses no label."""
    traffic = Traffic(scored, book, asked, volume)
    if capacity is None:
        capacity = unstated(traffic.reviews(aims(asked)(ANY_PRICE)), traffic.ads)
    return priced(traffic, capacity, aims(asked))


def unstated(needed: float, ads: float) -> float:
    """Of so many ``ads`` a day, those that people see where nobody says how many reviewers there are: ``REVIEW_SHARE``, or the ``needed``
    that the limits leave to them and as large a share of the others, up to ``REVIEW_SHARE``, where that is more.

    A limit that leaves many ads to people would otherwise make a review seem dear: every policy would decide as much as it may, also of
    ads that another leaves to people anyway.
    """
    share = needed / ads if ads else 0.0
    return ads * max(REVIEW_SHARE, share + min(share, REVIEW_SHARE) * (1.0 - share))


def _weights(market: NDArray[np.str_], volume: Mapping[str, float]) -> Floats:
    counted = dict(zip(*np.unique(market, return_counts=True), strict=True))
    return np.array([volume.get(str(one), 0.0) / counted[one] for one in market])


def _part(scored: ScoredAds, question: Question) -> _Part:
    risk = scored.risk[question.rows, scored.policies.index(question.policy)]
    return _Part(question.rows, risk, np.full(len(risk), question.rejects), question.stakes.leaked)


def _by_hand(scored: ScoredAds, book: PolicyBook) -> Iterator[tuple[Thresholds, _Part]]:
    """Thresholds that the policy files set themselves: they decide too, and no capacity moves them."""
    for (market, surface), rows in scored.places.items():
        for policy in book.in_force(market, surface or None):
            if policy.thresholds is not None and policy.name in scored.policies and policy.stance is not Stance.ALLOWED:
                nothing = policy.when_uncertified is WhenUncertified.REVIEW
                pair = Thresholds(0.0, 1.0) if nothing else policy.limited(policy.thresholds)
                may_reject = np.full(len(rows), policy.stance is Stance.PROHIBITED)
                yield pair, _Part(rows, scored.risk[rows, scored.policies.index(policy.name)], may_reject, stakes_of(policy).leaked)


def _reviewed_anyway(scored: ScoredAds, book: PolicyBook) -> NDArray[np.bool_]:
    """Ads that no thresholds decide: their market has no policy file, or a policy in force there has no model."""
    always = np.zeros(len(scored), dtype=np.bool_)
    for (market, surface), rows in scored.places.items():
        policies = book.in_force(market, surface or None)
        always[rows] = not policies or any(one.name not in scored.policies and one.stance is not Stance.ALLOWED for one in policies)
    return always
