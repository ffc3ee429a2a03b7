"""Streams of audits and labels as a platform's markets bring them, simulated: advertisers whose ads are alike, raters who err."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from adverdict.models.calibration import logit, sigmoid
from adverdict.monitoring.leakage import SettledAudits

YEAR = 364
ALIKE = 0.85
"""Correlation of the truths of two ads of an advertiser."""
FOUND, CLEARED = 0.92, 0.9855
"""Of one reading, that a violating ad is said to violate, and a harmless one not."""
ADS_OF_ADVERTISER = 4.0
"""Audited ads of an advertiser in the days it is active."""
ACTIVE_DAYS = 20.0


@dataclass(frozen=True)
class Volume:
    """Audits, or labels, on each day, ``(days,)``, as means: weekdays, events and launches are in."""

    a_day: NDArray[np.float64]

    @classmethod
    def year(cls, mean: float, rng: np.random.Generator, days: int = YEAR) -> Volume:
        """Weekends at 60 %; five events, each a week of 1.5 to 3 times as many; a market that is launched in the year brings a fifth."""
        day = np.arange(days)
        volume = np.where(day % 7 < 5, 1.0, 0.6)
        for start in rng.integers(0, days, 5):
            volume[start : start + 7] *= rng.uniform(1.5, 3.0)
        volume[: rng.integers(days)] *= 0.8
        return cls(mean * volume / volume.mean())


def audits(volume: Volume, rate: NDArray[np.float64], rng: np.random.Generator) -> SettledAudits:
    """Audits on days with this ``rate`` of errors ``(days,)``; settled as in service: a reading that contradicts
    the verdict is read twice more, and the majority counts."""
    days = len(volume.a_day)
    came = np.repeat(np.arange(days), rng.poisson(volume.a_day / ADS_OF_ADVERTISER))
    ads = rng.geometric(1 / ADS_OF_ADVERTISER, len(came))
    who = np.repeat(np.arange(len(came)), ads)
    day = came[who] + np.floor(rng.exponential(ACTIVE_DAYS, len(who))).astype(np.int64)
    order = np.argsort(day[day < days], kind="stable")
    who, day = who[day < days][order], day[day < days][order]
    worth = 1 / ALIKE - 1
    # Each advertiser is as bad, beside the others, as it was: when the rate changes, all change.
    own = stats.beta.ppf(rng.random(len(came))[who], rate[day] * worth, (1 - rate[day]) * worth)
    return SettledAudits(day, who, settled(rng.random(len(who)) < own, rng))


def found_of(rate: float) -> float:
    """The share of settled answers that say an error where ``rate`` of the ads are."""

    def twice(p: float) -> float:
        return p * (1 - (1 - p) ** 2)

    return rate * twice(FOUND) + (1 - rate) * twice(1 - CLEARED)


def settled(truth: NDArray[np.bool_], rng: np.random.Generator) -> NDArray[np.bool_]:
    said = rng.random((3, len(truth))) < np.where(truth, FOUND, 1 - CLEARED)
    return np.asarray(said[0] & (said[1] | said[2]))


@dataclass(frozen=True)
class Risks:
    """A policy's risks: violating and harmless ads have normal scores, and the risk is what they say together."""

    prevalence: float = 0.03
    apart: float = 3.2
    width: float = 1.3
    low: float = 0.05
    high: float = 0.6

    def draw(
        self, n: int, rng: np.random.Generator, *, odds: float = 1.0, hidden: float = 0.0
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Risks and truths ``(n,)``: the odds of a violation so many times as high, and the share ``hidden`` of violating ads looking
        harmless."""
        share = self.prevalence * odds / (1 - self.prevalence + self.prevalence * odds)
        truth = rng.random(n) < share
        seen = truth & (rng.random(n) >= hidden)
        score = np.where(seen, self.apart, 0.0) + self.width * rng.standard_normal(n)
        log_odds = np.log(self.prevalence / (1 - self.prevalence)) + self.apart * (score - self.apart / 2) / self.width**2
        return sigmoid(log_odds), truth

    def read(self, risk: NDArray[np.float64], audit_share: float, rng: np.random.Generator) -> NDArray[np.bool_]:
        """Which are read: all between the thresholds, and a part of the others."""
        between = (risk >= self.low) & (risk < self.high)
        return np.asarray(between | (rng.random(len(risk)) < audit_share))


def off_by(risk: NDArray[np.float64], log_odds: NDArray[np.float64] | float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Truths of ads whose risks are too low by so much."""
    return np.asarray(rng.random(len(risk)) < sigmoid(logit(np.clip(risk, 1e-9, 1 - 1e-9)) + log_odds))
