"""What shared reviewers are worth: true harm of thresholds planned for a capacity, beside one fixed pair for the same load.

populations (simulated, truth known) -> halves by advertiser -> planned on one half -> judged by truth on the other -> ratios of harm
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from adverdict.benchmarks.truth.populations import Population, simulated
from adverdict.certification.certificate import LabelNoise
from adverdict.certification.thresholds.answers import Answer
from adverdict.certification.thresholds.capacity import Priced, Traffic, plan
from adverdict.certification.thresholds.scored import ScoredAds
from adverdict.certification.thresholds.solve import Terms, answers
from adverdict.certification.thresholds.strata import Question, questions
from adverdict.decisions.files.read import read_policies
from adverdict.decisions.harm import LEAKED, WRONGED
from adverdict.decisions.policy import MarketRules, PolicyBook, PolicyInForce, Targets, Thresholds
from adverdict.domain.progress import Progress
from adverdict.policies import folder as packaged_policies
from adverdict.training.fit.everything import FitSettings

TARGETS = (Targets(0.05, 0.25, 0.95), Targets(0.03, 0.25, 0.95))
"""In place of the packaged ones, of which the labels of some tens of thousands of ads show next to nothing. About 3 to 4 % of these ads
violate most policies, so the first allows more leakage than approving everything would cause; the second does not."""
A_DAY = 10_000.0
"""Ads a day, over all markets; their shares are those of the population."""
A_REVIEWER = 300.0
"""Ads one reviewer sees a day: six hours at a little over a minute each."""
TIMES = (0.5, 1.0, 2.0)
CERTIFIED, BEYOND = "certified", "beyond certificates"
POPULATIONS, SPLITS, ADS = 3, 10, 30_000
QUICK_POPULATIONS, QUICK_SPLITS, QUICK_ADS = 1, 20, 15_000
HALVINGS = 50
MEANS = ("reviews", "fixed_reviews", "harm", "fixed_harm", "foreseen")
SHARES = {
    "leakage": ("leaked", "approved"),
    "fixed_leakage": ("fixed_leaked", "fixed_approved"),
    "wrongful": ("wronged", "rejected"),
    "fixed_wrongful": ("fixed_wronged", "fixed_rejected"),
}
"""True rates of errors over all policies together: of ads, not of one policy's decisions."""

Floats = NDArray[np.float64]
Entry = dict[str, Any]
_Key = tuple[str, str, Targets]


@dataclass(frozen=True)
class Outcome:
    """What thresholds truly do to a day's ads. Harm in wrongly rejected ads (``certification.thresholds.capacity.LEAKED``);
    a review does none."""

    reviews: float
    harm: float
    approved: float
    leaked: float
    """Approved ads that violate a policy in force."""
    rejected: float
    wronged: float
    """Rejected ads that violate none of the policies that reject them."""


class Judge:
    """Ads whose truth is known, to be decided by thresholds that others were solved for."""

    def __init__(self, scored: ScoredAds, truth: Floats, book: PolicyBook, volume: Mapping[str, float]) -> None:
        """``truth`` float64 (n, n_policies): 1 violates; 0 and NaN do not. ``volume``: ads a day by market."""
        counted = dict(zip(*np.unique(scored.market, return_counts=True), strict=True))
        self._weight = np.array([volume[str(market)] / counted[market] for market in scored.market])
        self._cost = _costs(book)
        self._asked = []
        for question in questions(scored, book):
            column = scored.policies.index(question.policy)
            self._asked.append((question, scored.risk[question.rows, column], truth[question.rows, column] == 1.0))

    def outcome(self, chosen: Callable[[Question], Thresholds]) -> Outcome:
        """As ``decisions.decide`` has it: an ad is rejected when a policy that may reject does, else a person sees it if any asks. Where a
        stance forbids to reject, a person decides what thresholds would."""
        n = len(self._weight)
        reviewed, rejected, guilty, leaked = np.zeros(n, np.bool_), np.zeros(n, np.bool_), np.zeros(n, np.bool_), np.zeros(n)
        for question, risk, violates in self._asked:
            pair = chosen(question)
            reject = (risk >= pair.reject_at) & (pair.reject_at < 1 and question.rejects)
            rejected[question.rows] |= reject
            guilty[question.rows] |= reject & violates
            reviewed[question.rows] |= ~reject & (risk >= pair.approve_below)
            leaked[question.rows] += self._cost[question.policy, question.market] * violates
        approved = ~rejected & ~reviewed
        harm = np.where(rejected, WRONGED * ~guilty, np.where(reviewed, 0.0, leaked))
        counted = (reviewed & ~rejected, harm, approved, approved & (leaked > 0), rejected, rejected & ~guilty)
        return Outcome(*(float(self._weight @ values) for values in counted))


@dataclass(frozen=True)
class CapacityBenchmark:
    """``quick``: one smaller population instead of three."""

    settings: FitSettings
    quick: bool = False


def run(job: CapacityBenchmark, progress: Progress) -> Entry:
    """Figures of every capacity, ready for JSON; see docs/results.md. Raises what training raises."""
    count, splits, ads = (QUICK_POPULATIONS, QUICK_SPLITS, QUICK_ADS) if job.quick else (POPULATIONS, SPLITS, ADS)
    packaged = read_policies(packaged_policies())
    detail: list[Entry] = []
    for number in range(count):
        population = simulated(ads, replace(job.settings, seed=job.settings.seed + number), progress)
        for targets in TARGETS:
            detail += judged(population, stated(packaged, population.scored.policies, targets), targets, splits, number, progress)
    return {
        "simulated": True,
        "populations": count,
        "ads": ads,
        "splits": count * splits,
        "ads_a_day": A_DAY,
        "reviews_a_reviewer": A_REVIEWER,
        "targets": [summary([one for one in detail if one["targets"] == asdict(targets)]) for targets in TARGETS],
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
    scored = population.scored
    known = np.isin(scored.market, book.markets)  # a market without policies is all review, whatever the thresholds
    first = (rng.permutation(int(scored.group.max()) + 1) % 2 == 0)[scored.group]
    markets, ads = np.unique(scored.market[known], return_counts=True)
    volume = {str(market): A_DAY * float(n / ads.sum()) for market, n in zip(markets, ads, strict=True)}
    here, there = known & first, known & ~first
    planned, judge = (Judge(_part(scored, rows), population.truth[rows], book, volume) for rows in (here, there))
    raters = LabelNoise(sensitivity=population.sensitivity, specificity=population.specificity, source="assumed")
    _, found = answers(_part(scored, here), book, Terms(dict.fromkeys(scored.policies, raters), volume=volume))
    free = [_everywhere(one) for one in found]
    needed = plan(Traffic.of_answers(_part(scored, here), book, found, volume), found, 0.0).reviews_needed
    cases = []
    for times in TIMES:
        for kind, some in ((CERTIFIED, found), (BEYOND, free)):
            traffic = Traffic.of_answers(_part(scored, here), book, some, volume)
            made = plan(traffic, some, times * needed, beyond_certificates=kind == BEYOND)
            cases.append({"times": times, "kind": kind, **_case(made, some, planned, judge)})
    return {"needed": needed, "cases": cases}


def fixed_for(planned: Judge, reviews: float) -> float:
    """The smallest a, at most 1/2, for which the same pair a / 1 - a in every policy and market leaves at most ``reviews`` a day; 1/2 where
    none does."""
    low, high = 0.0, 0.5
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        if planned.outcome(fixed(middle)).reviews <= reviews:
            high = middle
        else:
            low = middle
    return high


def fixed(a: float) -> Callable[[Question], Thresholds]:
    """The same pair for every question."""
    return lambda _: Thresholds(a, 1.0 - a)


def summary(detail: Sequence[Entry]) -> Entry:
    """All halvings under the same targets."""
    return {
        "targets": detail[0]["targets"],
        "reviews_needed": _spread([one["needed"] for one in detail]),
        "cases": [_summary([one["cases"][number] for one in detail]) for number in range(len(detail[0]["cases"]))],
    }


def _summary(cases: Sequence[Entry]) -> Entry:
    """One capacity and kind; harm only of those halvings where the capacity suffices, and a ratio where there is harm to compare with."""
    feasible = [case for case in cases if case["feasible"]]
    compared = [case for case in feasible if case["fixed_harm"] > 0]
    return {
        "times": cases[0]["times"],
        "kind": cases[0]["kind"],
        "feasible": len(feasible),
        "reviewers": _mean([case["capacity"] / A_REVIEWER for case in cases]),
        "reviewers_missing": _mean([case["missing"] / A_REVIEWER for case in cases]),
        **{name: _mean([case[name] for case in feasible]) for name in MEANS},
        **{name: _ratio(feasible, *parts) for name, parts in SHARES.items()},
        "ratio": _spread([case["harm"] / case["fixed_harm"] for case in compared]),
        "compared": len(compared),
        "better": sum(case["harm"] < case["fixed_harm"] for case in compared),
    }


def _case(made: Priced, found: Sequence[Answer], planned: Judge, judge: Judge) -> Entry:
    """The plan and fixed thresholds that leave as many reviews on the half it was made on, both on the other half."""
    head = {"capacity": made.capacity, "feasible": made.feasible, "missing": max(0.0, made.reviews_needed - made.capacity)}
    if not made.feasible:
        return head
    pairs = {key: pair for one, pair in zip(found, made.thresholds, strict=True) for key in _keys(one)}

    def chosen(question: Question) -> Thresholds:
        return pairs.get(_key(question), Thresholds(0.0, 1.0))

    a = fixed_for(planned, planned.outcome(chosen).reviews)
    ours, same = judge.outcome(chosen), judge.outcome(fixed(a))
    return {**head, "foreseen": made.harm, "fixed_at": a, **_named("", ours), **_named("fixed_", same)}


def _named(prefix: str, outcome: Outcome) -> Entry:
    return {f"{prefix}{name}": value for name, value in asdict(outcome).items()}


def _keys(found: Answer) -> list[_Key]:
    return [_key(question) for question in found.served]


def _key(question: Question) -> _Key:
    return question.policy, question.market, question.targets


def _everywhere(found: Answer) -> Answer:
    """As if its thresholds served every market of its stratum: without a certificate nobody is left out."""
    return replace(found, markets=tuple(one.model_copy(update={"served": not one.lends}) for one in found.markets))


def _costs(book: PolicyBook) -> dict[tuple[str, str], float]:
    """Of a leaked ad, by policy and market; where surfaces differ in severity, the worst, as the plan has it."""
    found: dict[tuple[str, str], float] = {}
    for market, _, policy in book.every():
        key = policy.name, market
        found[key] = max(found.get(key, 0.0), LEAKED[policy.severity])
    return found


def _part(scored: ScoredAds, rows: NDArray[np.bool_]) -> ScoredAds:
    return ScoredAds(
        scored.policies, scored.market[rows], scored.surface[rows], scored.group[rows], scored.risk[rows], scored.verdict[rows]
    )


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
