"""Where reviewers do not suffice: each limit's cost in reviews is what giving up that limit alone would spare."""

from __future__ import annotations

import numpy as np
import pytest

from adverdict.certification.thresholds.capacity import Traffic, plan
from adverdict.certification.thresholds.scored import ScoredAds
from adverdict.certification.thresholds.shortage import CostsOfLimits, Lever, LimitCost, costs_of_limits, in_words
from adverdict.certification.thresholds.solve import Terms, answers
from adverdict.decisions.policy import MarketRules, PolicyBook, PolicyInForce, Severity, Stance, Targets, WhenDegraded

POLICIES = ("weapons", "adult")


def _costs(labels: bool = True, max_risk: float = 0.1) -> tuple[CostsOfLimits, float]:
    rng = np.random.default_rng(0)
    risk = 1 / (1 + np.exp(-rng.normal(-3.0, 2.0, (4000, 2))))
    truth = (rng.random(risk.shape) < risk).astype(np.float64)
    verdict = truth if labels else np.full(risk.shape, np.nan)
    n = len(risk)
    scored = ScoredAds(POLICIES, np.full(n, "SE"), np.full(n, ""), np.arange(n), risk, verdict)
    targets = Targets(0.3, 0.3, 0.95)
    policies = tuple(
        PolicyInForce(
            name, name, Severity.SEVERE, Stance.PROHIBITED, targets, None, WhenDegraded.REVIEW, name, max_risk=limit, min_risk_rejected=0.5
        )
        for name, limit in zip(POLICIES, (max_risk, 0.5), strict=True)
    )
    book = PolicyBook(POLICIES, {"SE": MarketRules(policies)})
    volume = {"SE": 1000.0}
    _, found = answers(scored, book, Terms(capacity=0.0, volume=volume))
    traffic = Traffic.of_answers(scored, book, found, volume)
    return costs_of_limits(traffic, found), plan(traffic, found, 0.0).reviews_needed


def test_what_is_needed_is_what_the_plan_says() -> None:
    costs, needed = _costs()
    assert costs.needed == pytest.approx(needed)
    assert 0 < needed < 1000


def test_a_strict_limit_costs_reviews_and_a_looser_one_fewer() -> None:
    strict, loose = (_costs(max_risk=limit)[0] for limit in (0.05, 0.3))
    spared = [one.spared[Lever.MAX_RISK] for costs in (strict, loose) for one in costs.by_policy if one.policy == "weapons"]
    assert spared[0] > spared[1] >= 0
    assert strict.needed > loose.needed


def test_giving_everything_of_one_kind_up_spares_at_least_what_the_costliest_policy_would() -> None:
    costs, _ = _costs()
    for lever in Lever:
        assert costs.needed - costs.given_up[lever] >= max(one.spared[lever] for one in costs.by_policy) - 1e-9
        assert costs.given_up[lever] >= 0


def test_without_labels_labels_are_what_is_missing() -> None:
    costs, _ = _costs(labels=False)
    assert costs.needed == pytest.approx(1000.0)


def test_what_would_do_is_told_with_what_each_limit_costs() -> None:
    given_up = {Lever.MAX_RISK: 90.0, Lever.MAX_WRONGFUL_REJECT: 140.0, Lever.LABELS: 200.0}
    spared = {Lever.MAX_RISK: 110.0, Lever.MAX_WRONGFUL_REJECT: 0.2, Lever.LABELS: 3.0}
    costs = CostsOfLimits(200.0, (LimitCost("weapons", spared),), given_up)
    assert costs.would_do(100.0) == (Lever.MAX_RISK,)
    assert in_words(costs, 100.0) == [
        "100 more reviews a day would do",
        "approving above max_risk, as far as the calibrated risks foresee max_leakage kept would do: 90 reviews a day would be left",
        "rejecting from min_risk_rejected on, whatever max_wrongful_reject says would not do alone: 140 reviews a day would be left",
        "labels that certify all that the limits permit would not do alone: 200 reviews a day would be left",
        "weapons, reviews a day that each would spare if only it gave way: max_risk 110, labels 3",
    ]
