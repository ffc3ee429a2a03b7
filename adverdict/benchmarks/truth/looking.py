"""What looking again and again does to a promise: labels come over time, and thresholds are solved at each of twenty looks.

An exact test is for one look, at a number of labels announced before. Solved anew at each look it has twenty chances to be wrong. Evidence
by betting may be looked at as often as one likes (``sequence.BettingCounts``).
"""

from __future__ import annotations

from collections.abc import Sequence

from adverdict.benchmarks.truth.comparators import betting, certified
from adverdict.benchmarks.truth.deployments import Method, drawn
from adverdict.benchmarks.truth.trial import Trial

LOOKS = 20
BETTING, SOLVING = "betting at every look", "the exact test anew at every look"
WAYS: dict[str, Method] = {BETTING: betting, SOLVING: certified}


def peek(trial: Trial, deployments: int, seed: int, ways: Sequence[str] = tuple(WAYS)) -> dict[str, int]:
    """In how many deployments the thresholds found at any look exceed a target on the whole of the traffic, by way of solving."""
    broken = dict.fromkeys(ways, 0)
    for deployment in drawn(trial, deployments, seed):
        looks = [deployment.up_to((look + 1) / LOOKS) for look in range(LOOKS)]
        for name in ways:
            solved = WAYS[name]
            broken[name] += any(trial.traffic.outcome(solved(one, trial)).exceeds(trial.targets) for one in looks)
    return broken
