"""How often guards end what is harmless, and how soon what is not."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from adverdict.benchmarks.rollout.arms import Arm, Machine, arm, discordant
from adverdict.certification.statistics.intervals import clopper_pearson
from adverdict.certification.statistics.sequential import Bets, bets_of_guard, bets_on_pairs
from adverdict.domain.progress import Progress
from adverdict.rollout.stages.drafts import MORE_ERRORS, MORE_LOAD, MORE_TIME, OF_ALPHA, OF_ALPHA_OF_MODEL
from adverdict.rollout.stages.guards import neighbours

Floats = NDArray[np.float64]

ALPHA = 0.05
RATES = (0.02, 0.005, 0.001)
CORRELATIONS = (0.02, 0.3, 0.85)
ADVERTISERS = {0.02: 600, 0.005: 1500, 0.001: 3000}
"""In each arm: more where errors are rare, so that the roll-out lasts as many errors."""
HEAVIEST = 7.0
"""Of simulated advertisers, one in a thousand has more ads than so many times the mean."""
TABLE: Mapping[tuple[float, float], float] = {
    (0.02, 2): 389, (0.02, 3): 116, (0.02, 5): 39, (0.02, 10): 13,
    (0.005, 2): 1634, (0.005, 3): 466, (0.005, 5): 152, (0.005, 10): 54,
}  # fmt: skip
"""(limit, times) -> the median of units that the design was measured with."""


def false_aborts(runs: int, seed: int, progress: Progress) -> dict[str, Any]:
    """Harmless roll-outs, at their limit, in which any guard reached its bar, looked at after every label: one row a cell."""
    progress.stage("harmless roll-outs", len(RATES) * len(CORRELATIONS) * runs)
    cells: list[dict[str, Any]] = []
    for rate in RATES:
        for correlation in CORRELATIONS:
            rng = np.random.default_rng([seed, int(rate * 1e4), int(correlation * 100)])
            ended = dict.fromkeys(("leakage", "worse", "load", "latency", "errors"), 0)
            any_of = 0
            for _ in range(runs):
                candidate, control = (arm(rng, ADVERTISERS[rate], rate, correlation) for _ in range(2))
                told = {**_ended(candidate, control, rate), **_ended_by_service(rng, candidate, control)}
                any_of += any(told.values())
                for name, its in told.items():
                    ended[name] += its
                progress.advance()
            low, high = clopper_pearson(any_of, runs)
            cells.append(
                {
                    "limit": rate,
                    "correlation": correlation,
                    "runs": runs,
                    "aborted": any_of,
                    "share": any_of / runs,
                    "interval": [low, high],
                    **ended,
                }
            )
    return {"cells": cells, "false_abort_max": max(cell["share"] for cell in cells)}


def units_until(runs: int, seed: int, progress: Progress) -> dict[str, Any]:
    """Units of the candidate until its leakage guard ends it, with the whole alpha and with its part in a roll-out; and errors by then."""
    progress.stage("harmful roll-outs", len(TABLE))
    rows = []
    for (limit, times), table in TABLE.items():
        rng = np.random.default_rng([seed, int(limit * 1e4), int(times)])
        length = int(table * 40)
        errors = (rng.random((runs, length)) < limit * times).astype(np.float64)
        row: dict[str, Any] = {"limit": limit, "times": times, "runs": runs, "table": table}
        for name, alpha in (("alone", ALPHA), ("in_a_rollout", ALPHA * OF_ALPHA["leakage"])):
            units = _first_crossing(bets_of_guard(limit), errors, 1.0 / alpha)
            seen = errors.cumsum(axis=1)[np.arange(runs), units - 1]
            row[name] = {
                "median": float(np.median(units)),
                "p90": float(np.quantile(units, 0.9)),
                "errors": float(np.median(seen)),
                "over_table": float(np.median(units)) / table,
            }
        rows.append(row)
        progress.advance()
    found = {(row["limit"], row["times"]): row for row in rows}
    return {
        "units": rows,
        "median_units_x3": found[0.02, 3]["in_a_rollout"]["median"],
        "median_units_x5": found[0.005, 5]["in_a_rollout"]["median"],
        "leaks_seen_x3": found[0.02, 3]["in_a_rollout"]["errors"],
    }


def concentrated(runs: int, seed: int, progress: Progress) -> dict[str, Any]:
    """Leakage by the largest hundredth of advertisers alone, who have 30 % of the ads: ended weighed by ads, and counted once."""
    progress.stage("leakage of the largest", 3)
    rng = np.random.default_rng([seed, 99])
    units, share, rows = 3000, 0.3, []
    large = rng.random((runs, units)) < 0.01
    weights = np.where(large, share / 0.01, (1 - share) / 0.99)
    bar = 1.0 / (ALPHA * OF_ALPHA["leakage"])
    for times in (1.0, 6.0, 10.0):
        errors = (large & (rng.random(large.shape) < 0.02 * times / share)).astype(np.float64)
        weighed = _first_crossing(bets_of_guard(0.02, share / 0.01), errors, bar, weights / (share / 0.01))
        once = _first_crossing(bets_of_guard(0.02), errors, bar)
        rows.append(
            {
                "times": times,
                "runs": runs,
                "units": units,
                "ended_by_ads": float((weighed < units).mean()),
                "ended_by_advertisers": float((once < units).mean()),
                "median_by_ads": float(np.median(weighed)),
            }
        )
        progress.advance()
    return {"concentrated": rows}


def before_a_share(runs: int, seed: int, progress: Progress) -> dict[str, Any]:
    """100,000 ads a day, 70 % of them approved, a canary of a hundredth, half of it audited within four hours; five times the limit leaks:
    how many of a week's ads the candidate had decided on when it was ended."""
    progress.stage("harm of a platform", 2 * runs)
    week, share = 700_000, 0.01
    rows: list[dict[str, Any]] = []
    for limit, bar in ((0.02, 0.003), (0.005, 0.006)):
        rng = np.random.default_rng([seed, 7, int(limit * 1e4)])
        decided = []
        bets, alpha = bets_of_guard(limit, HEAVIEST), ALPHA * OF_ALPHA["leakage"]
        for _ in range(runs):
            told = arm(rng, int(week * share / 4.0), 5 * limit, 0.3, hours=7 * 24.0, delay=4.0 / CONTESTED_MEAN, audit_share=0.5)
            over = (
                bets.running(bets.growth(told.errors, np.ones_like(told.errors), np.minimum(told.weights / HEAVIEST, 1.0))) >= 1.0 / alpha
            )
            hours = told.settled_at[int(over.argmax())] if over.any() else math.inf
            decided.append(min(hours / (7 * 24.0), 1.0) * share if math.isfinite(hours) else math.inf)
            progress.advance()
        held = int(sum(one <= bar for one in decided))
        low, high = clopper_pearson(held, runs)
        rows.append(
            {
                "limit": limit,
                "bar": bar,
                "runs": runs,
                "held": held,
                "share": held / runs,
                "interval": [low, high],
                "median": float(np.median(decided)),
            }
        )
    return {"before_a_share": rows, "aborted_before_1pct": min(row["share"] for row in rows)}


CONTESTED_MEAN = 4.0
"""So that nine in ten audits of violating ads, which three people read, are settled within four hours."""


def _ended(candidate: Arm, control: Arm, limit: float) -> dict[str, bool]:
    """Whether each guard reached its bar at any look."""
    leakage = bets_of_guard(limit, HEAVIEST)
    weights = np.minimum(candidate.weights / HEAVIEST, 1.0)
    worse, load = discordant(candidate.errors, control.errors), discordant(candidate.to_people, control.to_people)
    return {
        "leakage": _reaches(leakage, candidate.errors, weights, OF_ALPHA["leakage"]),
        "worse": _reaches(bets_on_pairs(), worse, np.ones_like(worse), OF_ALPHA["worse"]),
        "load": _reaches(bets_on_pairs(MORE_LOAD), load, np.ones_like(load), OF_ALPHA["load"]),
    }


def _ended_by_service(rng: np.random.Generator, candidate: Arm, control: Arm) -> dict[str, bool]:
    """The same of what the service itself measures, both at their limit: a model that takes as long as it may, on machines that are
    busy by turns, and that fails for so many more advertisers, two in a hundred of them in the control."""
    machine = Machine.drawn(rng)
    n = min(len(candidate.arrived_at), len(control.arrived_at))
    slow = _slower(rng, machine, candidate.arrived_at[:n], control.arrived_at[:n], MORE_TIME)
    failed = np.concatenate([rng.random(n) < 0.02 * MORE_ERRORS, rng.random(n) < 0.02])
    came = np.concatenate([candidate.arrived_at[:n], control.arrived_at[:n]])
    of_candidate = np.concatenate([np.ones(n), np.zeros(n)])[failed][np.argsort(came[failed], kind="stable")]
    return {
        "latency": _reaches(bets_on_pairs(), slow, np.ones_like(slow), OF_ALPHA_OF_MODEL["latency"]),
        "errors": _reaches(bets_on_pairs(MORE_ERRORS), of_candidate, np.ones_like(of_candidate), OF_ALPHA_OF_MODEL["errors"]),
    }


def _slower(rng: np.random.Generator, machine: Machine, candidate: Floats, control: Floats, times: float) -> Floats:
    """Of neighbours in time: 1 where a candidate that takes so many times as long took more than is allowed. Both by their arrival."""
    came = np.concatenate([candidate, control])
    order = np.argsort(came, kind="stable")
    of_candidate = np.concatenate([np.ones(len(candidate)), np.zeros(len(control))])[order] == 1
    took = machine.took(rng, came[order], 1.0) * np.where(of_candidate, times / MORE_TIME, 1.0)
    pairs = np.array(neighbours(of_candidate.tolist()))
    if not len(pairs):
        return np.empty(0)
    first, second = pairs.T
    found: Floats = np.where(of_candidate[first], took[first] > took[second], took[second] > took[first]).astype(np.float64)
    return found


def slower(runs: int, seed: int, progress: Progress) -> dict[str, Any]:
    """Pairs of advertisers until a model that takes more time than is allowed is ended, on the same machines."""
    progress.stage("slower models", 3 * runs)
    rows = []
    for times in (2.0, 3.0, 5.0):
        rng = np.random.default_rng([seed, 55, int(times)])
        pairs = []
        for _ in range(runs):
            candidate, control = (np.sort(rng.uniform(0.0, 7 * 24.0, 600)) for _ in range(2))
            slow = _slower(rng, Machine.drawn(rng), candidate, control, times)
            pairs.append(int(_first_crossing(bets_on_pairs(), slow[None], 1.0 / (ALPHA * OF_ALPHA_OF_MODEL["latency"]))[0]))
            progress.advance()
        rows.append({"times": times, "runs": runs, "median_pairs": float(np.median(pairs)), "p90": float(np.quantile(pairs, 0.9))})
    return {"slower": rows}


def _reaches(bets: Bets, errors: Floats, weights: Floats, part: float) -> bool:
    if not len(errors):
        return False
    return bool((bets.running(bets.growth(errors, np.ones_like(errors), weights)) >= 1.0 / (ALPHA * part)).any())


def _first_crossing(bets: Bets, errors: Floats, bar: float, weights: Floats | float = 1.0) -> NDArray[np.int64]:
    """Of each run (runs, units), the number of units at which evidence reaches the bar; all of them where it never does."""
    found = np.full(len(errors), errors.shape[1], dtype=np.int64)
    for start in range(0, len(errors), 50):
        some = errors[start : start + 50]
        its = weights[start : start + 50] if isinstance(weights, np.ndarray) else weights
        over = bets.running(bets.growth(some, np.ones_like(some), its)) >= bar
        found[start : start + 50] = np.where(over.any(axis=1), over.argmax(axis=1) + 1, errors.shape[1])
    return found
