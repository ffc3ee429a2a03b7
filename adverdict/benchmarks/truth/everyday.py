"""A simulated marketplace under the policy files as they are: how many of all ads are decided without a person, and what harm is done.

half of the advertisers (labels of raters) -> certified and provisional thresholds -> the other half, by the truth
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np

from adverdict.benchmarks.truth.judge import Chosen, Judge, Outcome, fixed, fixed_for, halves
from adverdict.benchmarks.truth.populations import Population
from adverdict.certification.certificate import Design, LabelNoise
from adverdict.certification.statistics.intervals import clopper_pearson
from adverdict.certification.thresholds.capacity import in_use
from adverdict.certification.thresholds.issue import Origin
from adverdict.certification.thresholds.solve import Solution, Terms, certify
from adverdict.decisions.files.read import read_policies
from adverdict.decisions.policy import PolicyBook
from adverdict.policies import folder as packaged_policies


def everyday(population: Population, seed: int) -> dict[str, Any]:
    """Shares and harm of the half that was not solved on, in wrongly rejected ads for 1,000 ads."""
    book = read_policies(packaged_policies())
    here, there = halves(population, book, np.random.default_rng(seed))
    solution = solved(here, book)
    planned, judge = Judge(here, book), Judge(there, book)
    ours = in_force(solution)
    a = fixed_for(planned, planned.outcome(ours).reviews)
    found, same = judge.outcome(ours), judge.outcome(fixed(a))
    decided = round(found.ads - found.reviews)
    statuses = [str(one.status) for one in solution.certificates]
    return {
        "ads": round(found.ads),
        "labelled": int((~np.isnan(here.scored.verdict)).any(axis=1).sum()),
        "decided": decided,
        "auto_share_all_ads": decided / found.ads,
        "auto_share_interval": list(clopper_pearson(decided, round(found.ads))),
        "certificates": {status: statuses.count(status) for status in sorted(set(statuses))},
        "price": solution.priced.price,
        "harm_per_1000": _per_1000(found),
        "fixed_harm_per_1000": _per_1000(same),
        "fixed_at": a,
        "ours": vars(found),
        "fixed": vars(same),
    }


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
