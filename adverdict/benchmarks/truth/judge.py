"""What thresholds of several policies truly do to a day's ads, and one fixed pair for the same load beside them.

populations (truth known) -> halves by advertiser -> thresholds made on one half, judged by the truth of the other
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from adverdict.benchmarks.truth.populations import Population
from adverdict.certification.thresholds.scored import ScoredAds
from adverdict.certification.thresholds.strata import Question, questions
from adverdict.decisions.harm import WRONGED
from adverdict.decisions.policy import PolicyBook, Targets, Thresholds
from adverdict.decisions.thresholds import severity_at

HALVINGS = 50
Floats = NDArray[np.float64]
Key = tuple[str, str, Targets]
Chosen = Callable[[Question], Thresholds]


@dataclass(frozen=True)
class Outcome:
    """What thresholds truly do to a day's ads. Harm in wrongly rejected ads (``decisions.harm``); a review does none."""

    ads: float
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

    def __init__(self, population: Population, book: PolicyBook, volume: Mapping[str, float] | None = None) -> None:
        """``volume``: ads a day by market; None: the ads themselves are the day's."""
        scored, truth = population.scored, population.truth
        counted = dict(zip(*np.unique(scored.market, return_counts=True), strict=True))
        self._weight = np.array([volume[str(market)] / counted[market] for market in scored.market]) if volume else np.ones(len(scored))
        self._asked = []
        for question in questions(scored, book):
            column = scored.policies.index(question.policy)
            self._asked.append((question, scored.risk[question.rows, column], truth[question.rows, column] == 1.0))

    def outcome(self, chosen: Chosen) -> Outcome:
        """As ``decisions.decide`` has it: an ad is rejected when a policy that may reject does, else a person sees it if any asks. Where a
        stance forbids to reject, a person decides what thresholds would."""
        n = len(self._weight)
        reviewed, rejected, guilty, leaked = np.zeros(n, np.bool_), np.zeros(n, np.bool_), np.zeros(n, np.bool_), np.zeros(n)
        for question, risk, violates in self._asked:
            pair = chosen(question)
            severity = severity_at(risk, pair.approve_below, pair.reject_at)
            reject = (severity == 2) & (pair.reject_at < 1) & question.rejects
            rejected[question.rows] |= reject
            guilty[question.rows] |= reject & violates
            reviewed[question.rows] |= ~reject & (severity > 0)
            leaked[question.rows] += question.stakes.leaked * violates
        approved = ~rejected & ~reviewed
        harm = np.where(rejected, WRONGED * ~guilty, np.where(reviewed, 0.0, leaked))
        counted = (np.ones(n), reviewed & ~rejected, harm, approved, approved & (leaked > 0), rejected, rejected & ~guilty)
        return Outcome(*(float(self._weight @ values) for values in counted))


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


def fixed(a: float) -> Chosen:
    """The same pair for every question."""
    return lambda _: Thresholds(a, 1.0 - a)


def key(question: Question) -> Key:
    return question.policy, question.market, question.targets


def halves(population: Population, book: PolicyBook, rng: np.random.Generator) -> tuple[Population, Population]:
    """Two populations without an advertiser in common, of ads in markets that have policies."""
    scored = population.scored
    known = np.isin(scored.market, book.markets)  # a market without policies is all review, whatever the thresholds
    first = (rng.permutation(int(scored.group.max()) + 1) % 2 == 0)[scored.group]
    return part(population, known & first), part(population, known & ~first)


def part(population: Population, rows: NDArray[np.bool_]) -> Population:
    scored = population.scored
    kept: dict[str, Any] = {name: getattr(scored, name)[rows] for name in ("market", "surface", "group", "risk", "verdict")}
    return replace(population, scored=ScoredAds(scored.policies, **kept), truth=population.truth[rows])
