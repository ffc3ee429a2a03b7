"""What shared reviewers are worth: true harm of thresholds planned for a capacity, beside one fixed pair for the same load.

simulated market (truth known) -> halves by advertiser -> planned on one half, judged by the truth of the other -> ratios of harm
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from adverdict.benchmarks.truth.comparators import most
from adverdict.benchmarks.truth.judge import Chosen, Judge, Key, Outcome, fixed, fixed_for, halves, key
from adverdict.benchmarks.truth.populations import Population
from adverdict.benchmarks.truth.worlds import market
from adverdict.certification.certificate import LabelNoise
from adverdict.certification.thresholds.answers import Answer
from adverdict.certification.thresholds.capacity import Priced, Traffic, plan
from adverdict.certification.thresholds.sequence import Counts, Side, fixed_sequence_test
from adverdict.certification.thresholds.shortage import Lever, costs_of_limits
from adverdict.certification.thresholds.solve import Terms, answers
from adverdict.decisions.files.read import read_policies
from adverdict.decisions.policy import MarketRules, PolicyBook, PolicyInForce, Targets, Thresholds
from adverdict.domain.progress import Progress
from adverdict.policies import folder as packaged_policies

TARGETS = (Targets(0.05, 0.25, 0.95), Targets(0.03, 0.25, 0.95))
"""In place of the packaged ones, of which the labels of some tens of thousands of ads show next to nothing. About 3 to 4 % of these ads
violate most policies, so the first allows more leakage than approving everything would cause; the second does not."""
RATES = {
    "deceptive": 0.068,
    "gambling": 0.037,
    "political_issue": 0.0455,
    "counterfeit": 0.035,
    "weapons": 0.022,
    "adult": 0.028,
    "phishing": 0.030,
}
"""Shares of ads that violate; severities and stances are those of the packaged policies."""
MARKETS = {"US": 0.27, "GB": 0.16, "DE": 0.14, "IN": 0.13, "BR": 0.11, "EG": 0.07, "SE": 0.06, "JP": 0.06}
ADVERTISERS = 3500
A_DAY = 10_000.0
"""Ads a day, over all markets; their shares are those of the population."""
A_REVIEWER = 300.0
"""Ads one reviewer sees a day: six hours at a little over a minute each."""
TIMES = (1.0, 2.0)
"""Of the least load at which certified thresholds within the policies' limits are feasible."""
TRIES = 5
CERTIFIED, BEYOND = "certified", "beyond certificates"
POPULATIONS, SPLITS = 3, 10
QUICK_POPULATIONS, QUICK_SPLITS = 1, 6
MEANS = ("capacity", "reviews", "fixed_reviews", "harm", "fixed_harm", "foreseen", "price")
SHARES = {
    "leakage": ("leaked", "approved"),
    "fixed_leakage": ("fixed_leaked", "fixed_approved"),
    "wrongful": ("wronged", "rejected"),
    "fixed_wrongful": ("fixed_wronged", "fixed_rejected"),
}
"""True rates of errors over all policies together: of ads, not of one policy's decisions."""

Entry = dict[str, Any]


@dataclass(frozen=True)
class CapacityBenchmark:
    """``quick``: one market instead of three, and fewer halvings."""

    seed: int = 0
    quick: bool = False


def run(job: CapacityBenchmark, progress: Progress) -> Entry:
    """Figures of every capacity, ready for JSON; see docs/results.md.

    ``harm_vs_fixed_needed`` and ``harm_vs_fixed_double`` are the larger of both sets of targets.
    """
    count, splits = (QUICK_POPULATIONS, QUICK_SPLITS) if job.quick else (POPULATIONS, SPLITS)
    packaged = read_policies(packaged_policies())
    detail: list[Entry] = []
    for number in range(count):
        population = market(job.seed + number, RATES, ADVERTISERS, MARKETS)
        for targets in TARGETS:
            detail += judged(population, stated(packaged, population.scored.policies, targets), targets, splits, number, progress)
    by_targets = [summary([one for one in detail if one["targets"] == asdict(targets)]) for targets in TARGETS]
    return {
        "harm_vs_fixed_needed": _worst(by_targets, TIMES[0]),
        "harm_vs_fixed_double": _worst(by_targets, TIMES[1]),
        "simulated": True,
        "populations": count,
        "splits": count * splits,
        "ads_a_day": A_DAY,
        "reviews_a_reviewer": A_REVIEWER,
        "targets": by_targets,
        "detail": detail,
    }


def judged(population: Population, book: PolicyBook, targets: Targets, splits: int, seed: int, progress: Progress) -> list[Entry]:
    """One entry a random halving of the advertisers; ``book`` states ``targets`` everywhere."""
    rng = np.random.default_rng(seed)
    progress.stage(f"halves, targets {targets.max_leakage:g}/{targets.max_wrongful_reject:g}", splits)
    found = []
    for number in range(splits):
        found.append({"targets": asdict(targets), "population": seed, "split": number, **split(population, book, rng)})
        progress.advance()
    return found


def stated(book: PolicyBook, policies: Sequence[str], targets: Targets) -> PolicyBook:
    """The book with ``targets`` everywhere, thresholds left to be solved, and only policies that there are risks for."""

    def restated(found: tuple[PolicyInForce, ...]) -> tuple[PolicyInForce, ...]:
        return tuple(replace(one, targets=targets, thresholds=None) for one in found if one.name in policies)

    rules = {
        market: MarketRules(restated(of.elsewhere), {surface: restated(found) for surface, found in of.by_surface.items()})
        for market, of in book.rules.items()
    }
    return PolicyBook(tuple(name for name in book.names if name in policies), rules)


def split(population: Population, book: PolicyBook, rng: np.random.Generator) -> Entry:
    """Plan on a random half of the advertisers, judge on the other."""
    here, there = halves(population, book, rng)
    markets, ads = np.unique(np.concatenate([here.scored.market, there.scored.market]), return_counts=True)
    volume = {str(market): A_DAY * float(n / ads.sum()) for market, n in zip(markets, ads, strict=True)}
    planned, judge = Judge(here, book, volume), Judge(there, book, volume)
    planning = _Planning(here, book, volume)
    short = planning.at(0.0)
    unlimited = short.traffic.reviews([_boldest(one) for one in short.found])
    needed = planning.needed(short.plan.reviews_needed)
    cases = []
    for times in TIMES:
        made = planning.at(times * needed)
        for kind in (CERTIFIED, BEYOND):
            chosen = made.plan if kind == CERTIFIED else plan(made.traffic, made.found, times * needed, beyond_certificates=True)
            cases.append({"times": times, "kind": kind, **_case(chosen, made.found, planned, judge)})
    costs = costs_of_limits(short.traffic, short.found)
    return {
        "needed": needed,
        "without_limits": unlimited,
        "without_limits_feasible": needed <= unlimited,
        "costs": {one.policy: dict(one.spared) for one in costs.by_policy},
        "given_up": dict(costs.given_up),
        "cases": cases,
    }


@dataclass(frozen=True)
class _Made:
    found: Sequence[Answer]
    traffic: Traffic
    plan: Priced


@dataclass(frozen=True)
class _Planning:
    """As ``adverdict policy solve --capacity`` does, for one capacity after the other."""

    population: Population
    book: PolicyBook
    volume: Mapping[str, float]

    def at(self, capacity: float) -> _Made:
        scored = self.population.scored
        raters = LabelNoise(sensitivity=self.population.sensitivity, specificity=self.population.specificity, source="assumed")
        _, found = answers(scored, self.book, Terms(dict.fromkeys(scored.policies, raters), capacity=capacity, volume=self.volume))
        traffic = Traffic.of_answers(scored, self.book, found, self.volume)
        return _Made(found, traffic, plan(traffic, found, capacity))

    def needed(self, at_least: float) -> float:
        """The least load found feasible: tests set out for what the capacity makes a review worth, so that it moves a little with it."""
        for _ in range(TRIES):
            needed = self.at(at_least).plan.reviews_needed
            if needed <= at_least:
                break
            at_least = needed
        return at_least


def summary(detail: Sequence[Entry]) -> Entry:
    """All halvings under the same targets."""
    policies = detail[0]["costs"]
    return {
        "targets": detail[0]["targets"],
        "reviews_needed": _spread([one["needed"] for one in detail]),
        "without_limits": _spread([one["without_limits"] for one in detail]),
        "without_limits_feasible": sum(one["without_limits_feasible"] for one in detail),
        "halvings": len(detail),
        "costs": {policy: {lever: _mean([one["costs"][policy][lever] for one in detail]) for lever in Lever} for policy in policies},
        "given_up": {lever: _mean([one["given_up"][lever] for one in detail]) for lever in Lever},
        "cases": [_summary([one["cases"][number] for one in detail]) for number in range(len(detail[0]["cases"]))],
    }


def _boldest(found: Answer) -> Thresholds:
    """What decided before there were limits on single ads: as much as the targets certify."""
    approve, reject = found.approve.test, found.reject.test if found.reject else None
    ads = found.approve.counts.ads
    bold = fixed_sequence_test(Counts(ads, Side.APPROVE), approve.limit, approve.level)
    return most(bold, fixed_sequence_test(Counts(ads, Side.REJECT), reject.limit, reject.level) if reject else None)


def _worst(found: Sequence[Entry], times: float) -> float | None:
    """The largest mean ratio of certified plans; None: no halving was feasible."""
    cases = [case for one in found for case in one["cases"] if (case["kind"], case["times"]) == (CERTIFIED, times)]
    return max((case["ratio"]["mean"] for case in cases if case["ratio"]), default=None)


def _summary(cases: Sequence[Entry]) -> Entry:
    """One capacity and kind; harm only of those halvings where the capacity suffices, and a ratio where there is harm to compare with."""
    feasible = [case for case in cases if case["feasible"]]
    compared = [case for case in feasible if case["fixed_harm"] > 0]
    return {
        "times": cases[0]["times"],
        "kind": cases[0]["kind"],
        "feasible": len(feasible),
        **{name: _mean([case[name] for case in feasible]) for name in MEANS},
        **{name: _ratio(feasible, *parts) for name, parts in SHARES.items()},
        "ratio": _spread([case["harm"] / case["fixed_harm"] for case in compared]),
        "compared": len(compared),
        "better": sum(case["harm"] < case["fixed_harm"] for case in compared),
    }


def _case(made: Priced, found: Sequence[Answer], planned: Judge, judge: Judge) -> Entry:
    """The plan and fixed thresholds that leave as many reviews on the half it was made on, both on the other half."""
    if not made.feasible:
        return {"capacity": made.capacity, "feasible": False}
    chosen = _by_question(found, made.thresholds)
    a = fixed_for(planned, planned.outcome(chosen).reviews)
    ours, same = judge.outcome(chosen), judge.outcome(fixed(a))
    head = {"capacity": made.capacity, "feasible": True, "foreseen": made.harm, "price": made.price, "fixed_at": a}
    return {**head, **_named("", ours), **_named("fixed_", same)}


def _by_question(found: Sequence[Answer], thresholds: Sequence[Thresholds]) -> Chosen:
    """What is served by nothing is for people."""
    nothing = Thresholds(0.0, 1.0)
    pairs: Mapping[Key, Thresholds] = {
        key(one.stratum.question): pair if one.served else nothing for one, pair in zip(found, thresholds, strict=True)
    }
    return lambda question: pairs.get(key(question), nothing)


def _named(prefix: str, outcome: Outcome) -> Entry:
    return {f"{prefix}{name}": value for name, value in asdict(outcome).items()}


def _mean(values: Sequence[float]) -> float | None:
    return float(np.mean(values)) if values else None


def _ratio(cases: Sequence[Entry], part: str, whole: str) -> float | None:
    total = sum(case[whole] for case in cases)
    return sum(case[part] for case in cases) / total if total else None


def _spread(values: Sequence[float]) -> Entry | None:
    """Mean, and the middle 95 % of the halvings: those of one population share its ads, so their mean has no simpler error."""
    if not values:
        return None
    low, high = np.quantile(values, [0.025, 0.975])
    return {"mean": float(np.mean(values)), "low": float(low), "high": float(high)}
