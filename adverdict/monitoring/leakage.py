"""Whether automatic decisions have gone wrong more often than promised, as a process: what the next advertisers bring.

audits in the order they were decided -> the first of each advertiser in four weeks -> evidence begun anew each week -> since when

The same audits and the same bets as those of a certificate's life (``certification.life``), for another promise: a certificate speaks about
the ads it decided, an alarm about the source they come from, and waits for a change for ever. Only the certificate's own module doubts
and revokes; an alarm says that somebody should look.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from adverdict.certification.statistics.intervals import clopper_pearson
from adverdict.certification.statistics.sequential import WEEK, bets_against
from adverdict.monitoring.budget import DAYS_A_YEAR, MOST

Floats = NDArray[np.float64]
Days = NDArray[np.int64]

RUNS = 1000
"""Of the simulation that sets the level of an alarm."""
REPEAT_DAYS = 28
"""Ads of one advertiser are alike: another of its audits counts again after so many days."""


@dataclass(frozen=True)
class SettledAudits:
    """Settled audits of automatic decisions of one side, in the order they were decided. All ``(n,)``."""

    day: Days
    """From 0, of the decision."""
    advertiser: NDArray[np.int64]
    error: NDArray[np.bool_]

    def firsts(self) -> SettledAudits:
        """The first of each advertiser, and again ``REPEAT_DAYS`` after that."""
        counted: dict[int, int] = {}
        kept = []
        for row, (advertiser, day) in enumerate(zip(self.advertiser.tolist(), self.day.tolist(), strict=True)):
            if day - counted.get(advertiser, -REPEAT_DAYS) >= REPEAT_DAYS:
                counted[advertiser] = day
                kept.append(row)
        rows = np.array(kept, dtype=np.int64)
        return SettledAudits(self.day[rows], self.advertiser[rows], self.error[rows])


@dataclass(frozen=True)
class Change:
    """What the audits say since the day from which a change is likeliest."""

    since: int
    errors: int
    audited: int
    share: float
    interval: tuple[float, float]
    """95 %, of advertisers' first audits; the day was chosen by looking, so it is somewhat too narrow."""


def evidence(audits: SettledAudits, limit: float, days: int) -> Floats:
    """After each day ``(days,)``: of more than ``limit`` of the advertisers' first ads being errors since the beginning of some week."""
    return evidence_of(*_by_day(audits, days), limit)


def evidence_of(audited: Days, errors: Days, limit: float) -> Floats:
    """The same of first audits and errors counted by the day, ``(days,)`` each."""
    bets = bets_against(limit)
    return bets.detecting(bets.growth(errors, audited))


def level_of(audited: Days, limit: float, alarms_a_year: float, rng: np.random.Generator) -> float:
    """The evidence at which so many first audits a day ``(days,)`` ring ``alarms_a_year`` times a year by chance, simulated with exactly
    ``limit`` of them errors. The mean time between alarms that the sum of evidence promises is a bound, and several times too careful."""
    bets = bets_against(limit)
    errors = rng.binomial(audited, limit, (RUNS, len(audited)))
    most = bets.detecting(bets.growth(errors, np.broadcast_to(audited, errors.shape))).max(axis=1)
    ringing = -np.expm1(-alarms_a_year * len(audited) / DAYS_A_YEAR)
    return max(float(np.quantile(most, 1 - ringing)), 1 / MOST)


def likely_change(audits: SettledAudits, limit: float, days: int) -> Change:
    """The beginning of the week since which the audits speak most against ``limit``, and what they say since."""
    return likely_change_of(*_by_day(audits, days), limit)


def likely_change_of(audited: Days, errors: Days, limit: float) -> Change:
    """The same of first audits and errors counted by the day, ``(days,)`` each."""
    bets, days = bets_against(limit), len(audited)
    since = np.cumsum(bets.growth(errors, audited)[::-1], axis=0)[::-1]
    starts = np.arange(0, days, WEEK)
    start = int(starts[np.argmax(bets.evidence(since[starts]))])
    k, n = int(errors[start:].sum()), int(audited[start:].sum())
    return Change(start, k, n, k / n if n else 0.0, clopper_pearson(k, n))


def _by_day(audits: SettledAudits, days: int) -> tuple[Days, Days]:
    return np.bincount(audits.day, minlength=days), np.bincount(audits.day, weights=audits.error, minlength=days).astype(np.int64)
