"""What looking again and again does to a promise: labels come over time, and thresholds are solved at each of twenty looks.

An exact test is for one look, at a number of labels announced before. Solved anew at each look it has twenty chances to be wrong. What may
be looked at at any time is evidence by betting (``statistics.sequential``), on the audits of what a fixed pair of thresholds decides.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from adverdict.benchmarks.truth.comparators import certified
from adverdict.benchmarks.truth.deployments import Bools, Deployment, Trial, drawn
from adverdict.certification.statistics.sequential import supporting
from adverdict.certification.thresholds.sequence import Side

LOOKS = 20
AUDITED = 0.5
"""Of the ads that came, where all of them have labels: betting needs audits that are drawn by themselves, whoever the advertiser is."""


@dataclass(frozen=True)
class Peeking:
    """In how many deployments a false certificate was issued at any look."""

    deployments: int
    betting: int
    """By evidence for what the thresholds aimed at have decided so far."""
    solving: int
    """By the exact test, solved anew at each look."""
    shown: int
    """Deployments in which betting showed a bound, falsely or not."""


def peek(trial: Trial, deployments: int, seed: int) -> Peeking:
    """``betting`` is false where the ads decided up to that look have as many errors as the target allows, or more; ``solving`` where
    the thresholds found then exceed a target on the whole of the traffic."""
    rng = np.random.default_rng([seed, LOOKS])
    betting = solving = shown = 0
    for deployment in drawn(trial, deployments, seed):
        issued = [false for side in trial.limits for false in _issued(deployment, trial, side, rng)]
        betting += any(issued)
        shown += bool(issued)
        looks = (deployment.up_to((look + 1) / LOOKS) for look in range(LOOKS))
        solving += any(trial.traffic.outcome(certified(one, trial)).exceeds(trial.targets) for one in looks)
    return Peeking(deployments, betting, solving, shown)


def _issued(deployment: Deployment, trial: Trial, side: Side, rng: np.random.Generator) -> Iterator[bool]:
    """Of each look at which the evidence suffices, whether what it says is false."""
    came, approves = deployment.came, side is Side.APPROVE
    decided = came.risk < trial.aim.approve_below if approves else came.risk >= trial.aim.reject_at
    if not decided.any():
        return
    chance = AUDITED if trial.thin is None else 1.0
    audited = decided & deployment.labelled & (rng.random(len(decided)) < chance)
    ends = np.searchsorted(came.group, np.arange(1, LOOKS + 1) / LOOKS * (came.group[-1] + 1))
    errors, audits = _upto(audited & (came.violating == approves), ends), _upto(audited, ends)
    wrong, ads = _upto(decided & (deployment.truth == approves), ends), _upto(decided, ends)
    target = trial.targets.max_leakage if approves else trial.targets.max_wrongful_reject
    enough = supporting(errors, audits, trial.limits[side]) >= 1.0 / trial.stratum.level
    yield from (wrong >= target * ads)[enough].tolist()


def _upto(which: Bools, ends: np.ndarray) -> np.ndarray:
    """How many there are before each of the ends."""
    return np.concatenate([[0], np.cumsum(which)])[ends]
