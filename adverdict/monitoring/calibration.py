"""Whether risks still mean what they say, near the thresholds, where decisions hang on it.

labels of ads in the order they came -> evidence against every miscalibration that would change few decisions -> an alarm

Which ads are labelled depends on their risk alone (all that go to people, a random part of the others), so that P(violates | risk) is the
same among the labelled as among all: no weights are needed. Ads of one advertiser are one draw: give the first of each.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from adverdict.models.calibration import logit
from adverdict.monitoring.budget import DAYS_A_YEAR
from adverdict.monitoring.budget import MOST as MOST_SPENT

Floats = NDArray[np.float64]

CHANGED = 0.01
"""The share of decisions that a miscalibration may change before it counts."""
LEAST, MOST = 0.05, 0.5
"""Log-odds by which risks may be off at least, since no calibration is exact, and at most, however few ads lie near a threshold."""
BEYOND = np.array([0.3, 0.6, 1.2])
"""Log-odds beyond what may be, to which the alternatives are off, either way."""
SLOPES = np.array([0.5, 2.0])
"""Around the threshold: risks that say too much, and too little."""
RUNS = 400
"""Of the simulation that sets the level of an alarm."""
BETWEEN = 9
"""Miscalibrations tried between the two ends of what may be."""


@dataclass(frozen=True)
class Tolerated:
    """By how much the risks of a cell may be off, and around which threshold they are judged."""

    log_odds: float
    around: float
    """A risk in (0, 1)."""


def tolerated(risk: Floats, approve_below: float, reject_at: float, changed: float = CHANGED) -> Tolerated:
    """How far all risks ``(n,)`` of a cell can move together, in log-odds, until more than the share ``changed`` crosses a threshold.

    A threshold of 0 or 1 decides nothing. Where neither does, risks are judged around one half and may be off by ``MOST``.
    """
    ends = [end for end in (approve_below, reject_at) if 0 < end < 1]
    if not ends or not risk.size:
        return Tolerated(MOST, ends[0] if ends else 0.5)
    at = logit(np.clip(risk, 1e-12, 1 - 1e-12))
    crossing = [np.sort(side[side >= 0]) for end in ends for side in (at - logit(np.array(end)), logit(np.array(end)) - at)]
    up, down = (np.sort(np.concatenate(crossing[turn::2])) for turn in (0, 1))
    most = int(np.floor(changed * risk.size))
    furthest = min(float(moved[most]) if moved.size > most else MOST for moved in (up, down))
    return Tolerated(float(np.clip(furthest, LEAST, MOST)), ends[0])


def evidence(
    risk: Floats, violates: NDArray[Any], week: NDArray[np.int64], within: Tolerated, weeks: int, number: NDArray[Any] | None = None
) -> Floats:
    """After each week, ``(weeks,)``, the summed evidence that risks have been off by more than ``within`` since the beginning of some week.

    ``risk`` and ``violates`` are ``(n,)``, ``week`` says in which each answer came; of several answers about ads of one risk ``number``
    says how many, and ``violates`` how many of them. Each week's process is the mean likelihood of fixed alternatives over the largest
    likelihood of what may be (universal inference: Wasserman, Ramdas and Balakrishnan 2020, PNAS 117, 16880-16890), whose mean is at most 1
    while nothing is off; their sum is as in ``sequential.Bets.detecting``.
    """
    answers = _Answers.of(risk, week, within, weeks, np.ones(len(risk)) if number is None else number)
    return _summed(answers.by_week(np.asarray(violates, dtype=np.float64)))


def level_of(
    risk: Floats,
    week: NDArray[np.int64],
    within: Tolerated,
    weeks: int,
    alarms_a_year: float,
    rng: np.random.Generator,
    number: NDArray[Any] | None = None,
) -> float:
    """The evidence at which a cell with such labels rings ``alarms_a_year`` times a year by chance, simulated.

    ``risk``, ``week`` and ``number`` are those of its labels, as in ``evidence``. In each of ``RUNS`` runs the risks are off by something
    that may be, any of it alike, from the first label on. A detector that has rung begins anew, so that alarms come at the rate of the
    first.
    """
    counts = np.ones(len(risk), dtype=np.int64) if number is None else number
    at = logit(np.clip(risk, 1e-9, 1 - 1e-9))
    off = rng.uniform(-within.log_odds, within.log_odds, (RUNS, 1))
    violates = rng.binomial(counts, 1 / (1 + np.exp(-(at + off)))).astype(np.float64)
    most = _summed(_Answers.of(risk, week, within, weeks, counts).by_week(violates)).max(axis=-1, initial=0.0)
    ringing = -np.expm1(-alarms_a_year * 7 * weeks / DAYS_A_YEAR)
    return max(float(np.quantile(most, 1 - ringing)), 1 / MOST_SPENT)


@dataclass(frozen=True)
class _Answers:
    """What answers say under every miscalibration: first the alternatives, last the ``BETWEEN`` that may be."""

    log_odds: Floats
    """``(n, k)``, in the order of weeks."""
    normal: Floats
    """``(weeks, k)``: what all answers of a week take from the likelihood whatever they say."""
    order: NDArray[np.intp]
    ends: NDArray[np.intp]
    """Of the weeks, ``(weeks + 1,)``."""

    @classmethod
    def of(cls, risk: Floats, week: NDArray[np.int64], within: Tolerated, weeks: int, number: NDArray[Any]) -> _Answers:
        order = np.argsort(week, kind="stable")
        ends = np.searchsorted(week[order], np.arange(weeks + 1))
        log_odds = _miscalibrated(risk[order], within)
        normal = number[order][:, None] * np.logaddexp(0.0, log_odds)
        sums = np.concatenate([np.zeros((1, log_odds.shape[1])), np.cumsum(normal, axis=0)])[ends]
        return cls(log_odds, np.diff(sums, axis=0), order, ends)

    def by_week(self, violates: Floats) -> Floats:
        """Log-likelihoods ``(..., weeks, k)`` of the numbers that violate ``(..., n)``."""
        told = violates[..., self.order]
        parts = [told[..., begin:end] @ self.log_odds[begin:end] for begin, end in pairwise(self.ends)]
        return np.asarray(np.stack(parts, axis=-2) - self.normal)


def _summed(by_week: Floats) -> Floats:
    """Log-likelihoods ``(..., weeks, k)`` to evidence ``(..., weeks)``."""
    weeks = by_week.shape[-2]
    upto = np.cumsum(by_week, axis=-2)
    total = np.full(by_week.shape[:-1], -np.inf)
    for start in range(weeks):
        since = upto[..., start:, :] - (upto[..., start - 1 : start, :] if start else 0.0)
        alternatives, allowed = since[..., :-BETWEEN], since[..., -BETWEEN:]
        top = alternatives.max(axis=-1)
        mean = top + np.log(np.exp(alternatives - top[..., None]).mean(axis=-1))
        total[..., start:] = np.logaddexp(total[..., start:], mean - allowed.max(axis=-1))
    return np.asarray(np.exp(np.minimum(total, 700.0)))


def _miscalibrated(risk: Floats, within: Tolerated) -> Floats:
    """Log-odds of each ad ``(n, alternatives + BETWEEN)``."""
    at, around = logit(np.clip(risk, 1e-9, 1 - 1e-9)), float(logit(np.array(within.around)))
    off = within.log_odds + BEYOND
    levels = np.concatenate([off, -off])
    shifted = at[:, None] + levels
    sloped = around + SLOPES * (at[:, None] - around)
    allowed = at[:, None] + np.linspace(-within.log_odds, within.log_odds, BETWEEN)
    return np.concatenate([shifted, sloped, allowed], axis=1)
