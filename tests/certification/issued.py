"""Certificates of every kind, issued for small made-up ads: the stuff of tests that read certificates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np

from adverdict.certification.certificate import Certificate, Design, LabelNoise
from adverdict.certification.thresholds.answers import certified
from adverdict.certification.thresholds.issue import Origin
from adverdict.certification.thresholds.scored import ScoredAds
from adverdict.certification.thresholds.solve import Solution, Terms, answers, certify, issue
from adverdict.decisions.policy import MarketRules, PolicyBook, PolicyInForce, Stance, Targets, Thresholds
from adverdict.models.calibration import sigmoid
from tests.decisions.build import POLICY

STATED = Design(samples=(), announced=None, labelled=2500, looked_again=False)
ORIGIN = Origin(
    bundle_version="0123456789abcdef",
    policy_hash="c0" * 32,
    data=("5a" * 32,),
    solved_at=datetime(2026, 11, 22, 16, 5, tzinfo=UTC),
    design=STATED,
)
NOISE = LabelNoise(sensitivity=0.9, specificity=0.95, source="agreement", twice_rated=1200, disagreed=75)
PLAIN = replace(
    POLICY,
    thresholds=None,
    targets=Targets(max_leakage=0.03, max_wrongful_reject=0.1, confidence=0.95),
    max_risk=0.25,
    min_risk_rejected=0.5,
)
RESTRICTED = replace(PLAIN, stance=Stance.RESTRICTED)
TIGHT = replace(PLAIN, targets=Targets(max_leakage=0.03, max_wrongful_reject=0.001, confidence=0.95))
HARDLY_ANY_LEAKS = replace(PLAIN, targets=Targets(max_leakage=0.001, max_wrongful_reject=0.1, confidence=0.95))
LOOSE = replace(PLAIN, targets=Targets(max_leakage=0.6, max_wrongful_reject=0.1, confidence=0.95), max_missed=0.01)


def rules(policy: PolicyInForce, *markets: str) -> PolicyBook:
    return PolicyBook(names=(policy.name,), rules={market: MarketRules((policy,)) for market in markets})


def scored(labelled: Mapping[str, int], *, unlike: str | None = None, unlabelled: int = 300, seed: int = 7) -> ScoredAds:
    """So many labelled ads a market and ``unlabelled`` others in the first one. Risks are right, except that in the market ``unlike`` a
    third of the ads violate, whatever their risk."""
    rng = np.random.default_rng(seed)
    market = np.repeat([*labelled, next(iter(labelled))], [*labelled.values(), unlabelled])
    n = len(market)
    risk = sigmoid(-3.0 + 5.0 * rng.normal(size=n))
    verdict = (rng.random(n) < np.where(market == unlike, 1 / 3, risk)).astype(np.float64)
    verdict[n - unlabelled :] = np.nan
    return ScoredAds(
        policies=(POLICY.name,),
        market=market,
        surface=np.full(n, ""),
        group=rng.integers(0, max(1, int(n * 0.8)), n),
        risk=risk[:, None],
        verdict=verdict[:, None],
    )


def solutions(*, curves: bool = True) -> dict[str, Solution]:
    """One solution of each kind, by name. Solved anew at each call, from the same ads."""
    terms = Terms(curves=curves)
    small = {"BR": 200, "DE": 440, "GB": 430, "SE": 120, "US": 450}
    large = {"BR": 900, "DE": 900, "GB": 900, "SE": 60, "US": 900}
    asked = {
        "certified": (scored({"SE": 2500}), rules(PLAIN, "SE"), terms),
        "together": (scored(small, seed=8), rules(PLAIN, *small, "JP"), terms),
        "unlike_the_others": (scored(large, unlike="SE"), rules(PLAIN, *large), terms),
        "rejecting_not_shown": (scored({"SE": 2500}), rules(TIGHT, "SE"), terms),
        "approving_not_shown": (scored({"SE": 2500}), rules(HARDLY_ANY_LEAKS, "SE"), terms),
        "infeasible": (scored({"SE": 120}), rules(PLAIN, "SE"), terms),
        "never_rejects": (scored({"SE": 2500}), rules(RESTRICTED, "SE"), terms),
        "idle": (scored({"SE": 2500}), rules(LOOSE, "SE"), terms),
        "label_noise": (scored({"SE": 2500}), rules(PLAIN, "SE"), replace(terms, noise={POLICY.name: NOISE})),
        "looked_again": (scored({"SE": 2500}), rules(PLAIN, "SE"), replace(terms, looked_again=True)),
    }
    return {name: certify(ads, book, origin_of(how), how) for name, (ads, book, how) in asked.items()}


def origin_of(terms: Terms) -> Origin:
    return replace(ORIGIN, design=STATED.model_copy(update={"looked_again": terms.looked_again}))


def certificates(*, curves: bool = True) -> dict[str, Certificate]:
    """One certificate of each of ``solutions``: that of SE."""
    return {name: of_market(solution, "SE") for name, solution in solutions(curves=curves).items()}


def of_market(solution: Solution, market: str) -> Certificate:
    (found,) = [one for one in solution.certificates if one.markets[0].market == market]
    return found


def cautious(curves: bool = True) -> Certificate:
    """Of the ads of ``certified``, with thresholds that are not those aimed at: as a plan might choose them."""
    ads, book, terms = scored({"SE": 2500}), rules(PLAIN, "SE"), Terms(curves=curves)
    priced, found = answers(ads, book, terms)
    assert found[0].reject is not None
    approve, reject = certified(found[0].approve.test), certified(found[0].reject.test)
    chosen = Thresholds(float(approve[len(approve) // 2]), float(reject[len(reject) // 2]))
    return issue(ads, book, found, [chosen], ORIGIN, priced, curves=curves).certificates[0]
