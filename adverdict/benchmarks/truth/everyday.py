"""A simulated marketplace under the policy files as they are: how many of all ads are decided without a person, and what harm is done.

half of the advertisers (labels of raters) -> certified and provisional thresholds -> the other half, by the truth
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np

from adverdict.benchmarks.truth.judge import Chosen, Judge, Outcome, fixed, fixed_for, halves
from adverdict.benchmarks.truth.populations import Population
from adverdict.certification.certificate import Design, LabelNoise
from adverdict.certification.thresholds.capacity import in_use
from adverdict.certification.thresholds.issue import Origin
from adverdict.certification.thresholds.solve import Solution, Terms, certify
from adverdict.decisions.files.read import read_policies
from adverdict.decisions.policy import PolicyBook
from adverdict.policies import folder as packaged_policies

HALVINGS = 8
"""A few leaks of the gravest kind make most of a half's harm, so one half tells little."""


def everyday(population: Population, seed: int, halvings: int = HALVINGS) -> dict[str, Any]:
    """Shares of the half that was not solved on, and its harm in wrongly rejected ads for 1,000 ads, each the mean of so many halvings.

    ``auto_share_interval`` is the least and the most of any halving; halvings share ads, and other marketplaces vary by more.
    ``auto_share_of_limits``: what the policies' limits on single ads alone would leave to be decided.
    """
    book = read_policies(packaged_policies())
    days = [_day(*halves(population, book, np.random.default_rng([seed, turn])), book) for turn in range(halvings)]
    shares = [1.0 - one.ours.reviews / one.ours.ads for one in days]
    ours, same = (float(np.mean([_per_1000(getattr(one, which)) for one in days])) for which in ("ours", "fixed"))
    statuses = [str(one.status) for one in days[0].solution.certificates]
    return {
        "halvings": halvings,
        "ads": round(float(np.mean([one.ours.ads for one in days]))),
        "labelled": round(float(np.mean([one.labelled for one in days]))),
        "auto_share_all_ads": float(np.mean(shares)),
        "auto_share_interval": [min(shares), max(shares)],
        "auto_share_of_limits": float(np.mean([one.most for one in days])),
        "certificates": {status: statuses.count(status) for status in sorted(set(statuses))},
        "price": float(np.mean([one.solution.priced.price for one in days])),
        "harm_per_1000": ours,
        "fixed_harm_per_1000": same,
        "harm_vs_fixed": ours / same if same else None,
        "fixed_at": float(np.mean([one.fixed_at for one in days])),
        "days": [{"ours": vars(one.ours), "fixed": vars(one.fixed)} for one in days],
    }


@dataclass(frozen=True)
class _Day:
    """One halving: what the thresholds do to the other half, and what the fixed pair of the same load does."""

    solution: Solution
    labelled: int
    ours: Outcome
    fixed: Outcome
    fixed_at: float
    most: float
    """Share of the ads solved on that lie within the limits of every policy."""


def _day(here: Population, there: Population, book: PolicyBook) -> _Day:
    solution = solved(here, book)
    planned, judge = Judge(here, book), Judge(there, book)
    chosen = in_force(solution)
    a = fixed_for(planned, planned.outcome(chosen).reviews)
    return _Day(
        solution=solution,
        labelled=int((~np.isnan(here.scored.verdict)).any(axis=1).sum()),
        ours=judge.outcome(chosen),
        fixed=judge.outcome(fixed(a)),
        fixed_at=a,
        most=1.0 - solution.priced.reviews_needed / len(here.scored),
    )


def solved(population: Population, book: PolicyBook) -> Solution:
    """As ``adverdict policy solve`` does, with raters as good as is stated of the population's."""
    noise = LabelNoise(sensitivity=population.sensitivity, specificity=population.specificity, source="assumed")
    design = Design(samples=(), announced=None, labelled=len(population.scored), looked_again=False)
    origin = Origin("benchmark", book.hash, (), datetime.now(UTC), design)
    return certify(population.scored, book, origin, Terms(dict.fromkeys(population.scored.policies, noise), curves=False))


def in_force(solution: Solution) -> Chosen:
    """What decides by these thresholds (``thresholds.capacity.in_use``)."""
    return lambda question: in_use([question], solution.solved)[0]


def _per_1000(outcome: Outcome) -> float:
    return 1000.0 * outcome.harm / outcome.ads
