"""Simulated advertisers without end, whose truth is a formula: ads of one advertiser violate alike, and their scores resemble each other.

An advertiser's ads violate with a probability of its own, drawn from a beta distribution, such that two of its ads correlate by ``alike``.
Scores are normal, further up by ``distance`` for violating ads; the risk of a score is calibrated to ordinary violations. A part of the
violating advertisers is *blind*: their ads score like harmless ones, as whatever a model has no feature for does. So the risks are somewhat
too low for those and no threshold leaks less than their share.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import stats

from adverdict.benchmarks.truth.populations import Population, trials
from adverdict.benchmarks.truth.trial import Bools, Floats, Ints, Trial
from adverdict.certification.thresholds.scored import ScoredAds
from adverdict.certification.thresholds.sequence import GRID
from adverdict.decisions.policy import Severity, Stance, Targets

QUANTILES = 40_000
USUAL_ADS, SPREAD_ADS, MOST_ADS = 1.0, 1.1, 200
"""Ads of an advertiser: the exponential of a normal number with this mean and standard deviation, rounded up, at most so many."""


@dataclass(frozen=True)
class World:
    rate: float
    """Share of the ads that violates."""
    auroc: float = 0.95
    """Of the ordinary violations."""
    alike: float = 0.8
    common: float = 0.5
    """Part of the scores' variance that the ads of an advertiser share."""
    blind: float = 0.0

    @property
    def distance(self) -> float:
        return float(np.sqrt(2) * stats.norm.ppf(self.auroc))

    def risk(self, score: Floats) -> Floats:
        seen, clean = stats.norm.pdf(score - self.distance), stats.norm.pdf(score)
        violating = self.rate * ((1.0 - self.blind) * seen + self.blind * clean)
        return np.asarray(violating / (violating + (1.0 - self.rate) * clean))

    def approved(self, below: float) -> tuple[float, float]:
        """Share of the ads with a risk below, and share of those that violates."""
        risk, weight, violating = self._all
        kept = risk < below
        share = float(weight[kept].sum())
        return share, float((weight * violating)[kept].sum()) / share if share else 0.0

    def where(self, leakage: float) -> float:
        """The threshold of the grid whose approvals violate about as often."""
        return float(min(GRID, key=lambda below: abs(self.approved(float(below))[1] - leakage)))

    def violations(self, rng: np.random.Generator, group: Ints) -> tuple[Bools, Floats]:
        """Truth and risk of ads, (n,) each, from the advertiser of each, int64 (n,) from 0."""
        advertisers, n = int(group.max()) + 1, len(group)
        worth = 1.0 / self.alike - 1.0 if self.alike else np.inf
        chance = rng.beta(self.rate * worth, (1.0 - self.rate) * worth, advertisers) if self.alike else np.full(advertisers, self.rate)
        violating = rng.random(n) < chance[group]
        seen = violating & ~(rng.random(advertisers) < self.blind)[group]
        score = self.distance * seen + np.sqrt(self.common) * rng.normal(size=advertisers)[group]
        return violating, self.risk(score + np.sqrt(1.0 - self.common) * rng.normal(size=n))

    @cached_property
    def _all(self) -> tuple[Floats, Floats, Floats]:
        """Risk, weight and truth of every ad there is, at equally likely scores."""
        score = stats.norm.ppf((np.arange(QUANTILES) + 0.5) / QUANTILES)
        parts = (1.0 - self.rate, 0.0, 0.0), (self.rate * (1.0 - self.blind), 1.0, self.distance), (self.rate * self.blind, 1.0, 0.0)
        risk = np.concatenate([self.risk(score + shift) for _, _, shift in parts])
        weight = np.repeat([share / QUANTILES for share, _, _ in parts], QUANTILES)
        return risk, weight, np.repeat([truth for _, truth, _ in parts], QUANTILES)


def advertisers(rng: np.random.Generator, count: int, usual: float = USUAL_ADS) -> Ints:
    """The advertiser of each ad, int64 (n,): few have many."""
    ads = np.minimum(np.exp(rng.normal(usual, SPREAD_ADS, count)).astype(np.int64) + 1, MOST_ADS)
    return np.repeat(np.arange(count), ads)


def market(seed: int, rates: Mapping[str, float], count: int, shares: Mapping[str, float]) -> Population:
    """Several policies at once, in several markets: advertisers are at home in one, and raters label six ads in ten.

    Raters find .95 of the violations and take .003 of the other ads for one; 2 % of the violating advertisers are blind.
    """
    rng = np.random.default_rng(seed)
    group = advertisers(rng, count, usual=1.9)
    made = [World(rate, auroc=0.97, blind=0.02).violations(rng, group) for rate in rates.values()]
    truth, risk = (np.column_stack(columns) for columns in zip(*made, strict=True))
    said = np.where(truth, rng.random(truth.shape) < 0.95, rng.random(truth.shape) < 0.003).astype(np.float64)
    verdict = np.where(rng.random(truth.shape) < 0.6, said, np.nan)
    home = np.array(list(shares))[rng.choice(len(shares), count, p=np.array(list(shares.values())) / sum(shares.values()))]
    scored = ScoredAds(tuple(rates), home[group], np.full(len(group), "feed"), group, np.clip(risk, 0.0, 1.0), verdict)
    return Population("simulated market", scored, truth.astype(np.float64), 0.95, 0.99)


@dataclass(frozen=True)
class _Design:
    """A way to labels, about 3,000 of them or half of that."""

    name: str
    world: World
    advertisers: int
    apart: bool = False
    """Whether every ad has an advertiser of its own."""
    thin: float | None = None


DESIGNS = (
    _Design("simulated, independent ads", World(0.04, 0.99, alike=0.0, common=0.0, blind=0.55), 560, apart=True),
    _Design("simulated, whole advertisers", World(0.04, 0.99, blind=0.55), 560),
    _Design("simulated, one ad in twenty", World(0.04, 0.99, blind=0.55), 5600, thin=0.05),
)
JUST_BELOW = 0.95
"""The target, as a share of the least that any threshold leaks which approves a tenth of the ads."""


def impossible(seed: int) -> list[Trial]:
    """Strata in which every threshold leaks just above its target, so that each certificate there is a false one.

    Nothing may be rejected, so that all of the confidence is spent on approvals: a test that holds is wrong nearly as often as it may be.
    """
    return [_impossible(design, np.random.default_rng([seed, number])) for number, design in enumerate(DESIGNS)]


def _impossible(design: _Design, rng: np.random.Generator) -> Trial:
    group = advertisers(rng, design.advertisers)
    if design.apart:
        group = np.arange(len(group))
    truth, risk = design.world.violations(rng, group)
    names = ("blind",), np.full(len(group), "SE"), np.full(len(group), "feed")
    scored = ScoredAds(*names, group.astype(np.int64), risk[:, None], truth[:, None].astype(np.float64))
    target = JUST_BELOW * _least_leakage(np.sort(risk), truth[np.argsort(risk)])
    made = Population(design.name, scored, truth[:, None].astype(np.float64))
    return trials(made, Targets(target, 1.0, 0.95), Severity.SERIOUS, Stance.RESTRICTED, thin=design.thin)[0]


def _least_leakage(risk: Floats, truth: Bools) -> float:
    below = np.searchsorted(risk, GRID)
    kept = below[below >= len(risk) / 10]
    return float((np.concatenate([[0], np.cumsum(truth)])[kept] / kept).min())
