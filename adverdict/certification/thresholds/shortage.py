"""Where reviewers do not suffice: what limits, and missing labels, cost in reviews by policy, and which of them would do if given up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from adverdict.certification.thresholds.answers import Answer
from adverdict.certification.thresholds.capacity import Traffic
from adverdict.certification.thresholds.least_harm import ANY_PRICE
from adverdict.certification.thresholds.strata import Question
from adverdict.decisions.policy import Thresholds


class Lever(StrEnum):
    """What could be given up where reviewers do not suffice."""

    MAX_RISK = "max_risk"
    """Approve above it, as far as the calibrated risks foresee ``max_leakage`` kept."""
    MAX_WRONGFUL_REJECT = "max_wrongful_reject"
    """Reject from ``min_risk_rejected`` on, however many of those rejected do not violate."""
    LABELS = "labels"
    """Decide by all that the policy permits as if it were certified; enough labels might certify it."""


@dataclass(frozen=True)
class LimitCost:
    """Reviews a day that people would be spared if one policy, and no other, gave one thing up."""

    policy: str
    spared: Mapping[Lever, float]


@dataclass(frozen=True)
class CostsOfLimits:
    """Why people have to see so much, where as little as may be is left to them."""

    needed: float
    """Reviews a day with nothing given up."""
    by_policy: tuple[LimitCost, ...]
    given_up: Mapping[Lever, float]
    """Reviews a day that are needed if every policy gives one thing up."""

    def would_do(self, capacity: float) -> tuple[Lever, ...]:
        """What need only be given up for ``capacity`` reviews a day to suffice."""
        return tuple(lever for lever, needed in self.given_up.items() if needed <= capacity)


def costs_of_limits(traffic: Traffic, found: Sequence[Answer]) -> CostsOfLimits:
    """What each policy's limits and missing labels cost in reviews, at a price of reviews that is beyond everything."""
    asked, boldest = [one.stratum.question for one in found], [one.at_price(ANY_PRICE) for one in found]
    needed = traffic.reviews(boldest)

    def without(lever: Lever, policy: str | None = None) -> float:
        pairs = zip(asked, boldest, strict=True)
        return traffic.reviews([_given_up(lever, one, pair) if policy in (None, one.policy) else pair for one, pair in pairs])

    policies = sorted({one.policy for one in asked})
    by_policy = (LimitCost(policy, {lever: needed - without(lever, policy) for lever in Lever}) for policy in policies)
    return CostsOfLimits(needed, tuple(by_policy), {lever: without(lever) for lever in Lever})


def _given_up(lever: Lever, question: Question, pair: Thresholds) -> Thresholds:
    below, at = pair.approve_below, pair.reject_at
    if lever is Lever.MAX_RISK:
        return Thresholds(max(below, min(question.attainable.approve_below, at)), at)
    if lever is Lever.MAX_WRONGFUL_REJECT:
        return Thresholds(below, max(below, min(at, question.stakes.min_risk_rejected)) if question.rejects else at)
    permitted = question.aim(ANY_PRICE)
    at = max(below, min(at, permitted.reject_at))
    return Thresholds(max(below, min(permitted.approve_below, at)), at)


FEW = 0.5
"""Reviews a day that are as good as none."""
IN_WORDS = {
    Lever.MAX_RISK: "approving above max_risk, as far as the calibrated risks foresee max_leakage kept",
    Lever.MAX_WRONGFUL_REJECT: "rejecting from min_risk_rejected on, whatever max_wrongful_reject says",
    Lever.LABELS: "labels that certify all that the limits permit",
}


def in_words(costs: CostsOfLimits, capacity: float) -> list[str]:
    """What would do, and what each policy's limits cost; one line each."""
    made = [f"{costs.needed - capacity:,.0f} more reviews a day would do"]
    for lever, needed in costs.given_up.items():
        enough = "would do" if needed <= capacity else "would not do alone"
        made.append(f"{IN_WORDS[lever]} {enough}: {needed:,.0f} reviews a day would be left")
    for one in costs.by_policy:
        parts = [f"{lever} {spared:,.0f}" for lever, spared in one.spared.items() if spared >= FEW]
        if parts:
            made.append(f"{one.policy}, reviews a day that each would spare if only it gave way: {', '.join(parts)}")
    return made
