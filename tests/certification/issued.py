"""Certificates of every kind, issued for small made-up ads: the stuff of tests that read certificates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np

from adverdict.certification.certificate import Certificate, LabelNoise, Otherwise
from adverdict.certification.thresholds.answers import certified
from adverdict.certification.thresholds.scored import ScoredAds
from adverdict.certification.thresholds.solve import Origin, Solution, Terms, answers, certify, issue
from adverdict.decisions.policy import MarketRules, PolicyBook, PolicyInForce, Stance, Targets, Thresholds
from adverdict.models.calibration import sigmoid
from tests.decisions.build import POLICY

ORIGIN = Origin(bundle_version="0123456789abcdef", data=("5a" * 32,), solved_at=datetime(2026, 11, 22, 16, 5, tzinfo=UTC))
NOISE = LabelNoise(sensitivity=0.9, specificity=0.95, source="agreement", twice_rated=1200, disagreed=75)
PLAIN = replace(POLICY, thresholds=None, targets=Targets(max_leakage=0.03, max_wrongful_reject=0.1, confidence=0.95))
RESTRICTED = replace(PLAIN, stance=Stance.RESTRICTED)
TIGHT = replace(PLAIN, targets=Targets(max_leakage=0.03, max_wrongful_reject=0.001, confidence=0.95))


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
    small = {"DE": 440, "GB": 430, "SE": 36, "US": 450}
    asked = {
        "certified": (scored({"SE": 2500}), rules(PLAIN, "SE"), terms),
        "pooled": (scored(small, unlike="SE"), rules(PLAIN, *small, "JP"), terms),
        "borrowed": (scored({"DE": 2500, "SE": 60}, unlike="SE"), rules(PLAIN, "DE", "SE"), terms),
        "partly": (scored({"SE": 2500}), rules(TIGHT, "SE"), terms),
        "infeasible": (scored({"SE": 120}), rules(PLAIN, "SE"), terms),
        "uncertified": (scored({"SE": 120}), rules(PLAIN, "SE"), replace(terms, otherwise=Otherwise.UNCERTIFIED)),
        "never_rejects": (scored({"SE": 2500}), rules(RESTRICTED, "SE"), terms),
        "label_noise": (scored({"SE": 2500}), rules(PLAIN, "SE"), replace(terms, noise={POLICY.name: NOISE})),
    }
    return {name: certify(ads, book, ORIGIN, how) for name, (ads, book, how) in asked.items()}


def certificates(*, curves: bool = True) -> dict[str, Certificate]:
    """One certificate of each of ``solutions``: where there are several, the one that pools most markets."""
    return {name: max(solution.certificates, key=lambda one: len(one.markets)) for name, solution in solutions(curves=curves).items()}


def cautious(curves: bool = True) -> Certificate:
    """Of the ads of ``certified``, with thresholds that are not the boldest: as reviewers with time to spare would have them."""
    ads, book, terms = scored({"SE": 2500}), rules(PLAIN, "SE"), Terms(curves=curves)
    found = answers(ads, book, terms)
    approve, reject = certified(found[0].approve), certified(found[0].reject)
    chosen = Thresholds(float(approve[len(approve) // 2]), float(reject[len(reject) // 2]))
    return issue(ads, found, [chosen], book, ORIGIN, terms).certificates[0]
