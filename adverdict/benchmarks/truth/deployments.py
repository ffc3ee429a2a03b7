"""Deployments drawn from ads whose truth is known: each labels some advertisers, solves thresholds, and is judged on every ad.

The advertisers of a stratum are drawn with replacement, with all their ads: the next deployment has the same mix of advertisers and other
individuals. What its thresholds truly let through is then a matter of counting.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from adverdict.certification.thresholds.least_harm import Stakes
from adverdict.certification.thresholds.sequence import GRID, Counts, LabelledAds, Side, ThresholdCount
from adverdict.certification.thresholds.strata import Stratum
from adverdict.decisions.harm import WRONGED
from adverdict.decisions.policy import Targets, Thresholds

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]

PRICE = 0.25
"""Of a review, in wrongly rejected ads: what harm is counted with here, and what the thresholds aim at."""
EDGE = 10
"""The edge of what is approved: its riskiest tenth."""
ENDS = np.concatenate([[0.0], GRID, [1.0]])
"""Every threshold of the grid, and those that decide nothing."""

Method = Callable[["Deployment", "Trial"], Thresholds]
"""The labels of one deployment -> the thresholds it would decide by."""


class Outcome(NamedTuple):
    """What a pair of thresholds truly does to traffic: numbers of ads."""

    ads: int
    approved: int
    leaked: int
    rejected: int
    wronged: int
    edge: int = 0
    """The riskiest of the approved."""
    edge_leaked: int = 0

    @property
    def leakage(self) -> float:
        """NaN where nothing is approved."""
        return self.leaked / self.approved if self.approved else math.nan

    @property
    def wrongful(self) -> float:
        """NaN where nothing is rejected."""
        return self.wronged / self.rejected if self.rejected else math.nan

    @property
    def reviewed(self) -> int:
        return self.ads - self.approved - self.rejected

    def exceeds(self, targets: Targets) -> bool:
        """What decides nothing exceeds nothing."""
        return self.leakage > targets.max_leakage or self.wrongful > targets.max_wrongful_reject

    def harm(self, leaked: float) -> float:
        """In wrongly rejected ads, where an approved ad that violates counts as ``leaked`` of them and a review as ``PRICE``."""
        return leaked * self.leaked + WRONGED * self.wronged + PRICE * self.reviewed


@dataclass(frozen=True)
class Traffic:
    """Every ad a stratum decides on. ``risk`` float64 (n,) increasing; ``violating`` bool (n,), the truth; ``group`` int64 (n,)."""

    risk: Floats
    violating: Bools
    group: Ints

    @classmethod
    def of(cls, risk: Floats, violating: Bools, group: Ints) -> Traffic:
        order = np.argsort(risk, kind="stable")
        return cls(risk[order], violating[order], group[order])

    def outcome(self, found: Thresholds) -> Outcome:
        below, above = (int(np.searchsorted(self.risk, end, side="left")) for end in (found.approve_below, found.reject_at))
        n, leaked, edge = len(self.risk), int(self._violating[below]), math.ceil(below / EDGE)
        wronged = n - above - int(self._violating[-1] - self._violating[above])
        return Outcome(n, below, leaked, n - above, wronged, edge, leaked - int(self._violating[below - edge]))

    def least_harm(self, leaked: float, rejects: bool) -> float:
        """The least ``Outcome.harm`` any pair of the grid could do to exactly these ads."""
        below = np.searchsorted(self.risk, ENDS, side="left")
        above = len(self.risk) - below
        approving = leaked * self._violating[below] - PRICE * below
        rejecting = WRONGED * (above - (self._violating[-1] - self._violating[below])) - PRICE * above
        if not rejects:
            rejecting[:-1] = np.inf
        best = np.minimum.accumulate(approving)  # the best approval at or below each threshold that rejects
        return float((best + rejecting).min() + PRICE * len(self.risk))

    def oracle(self, targets: Targets, rejects: bool) -> Thresholds:
        """Of all pairs on the grid that meet both targets on exactly these ads, one that decides the most."""
        below = np.searchsorted(self.risk, ENDS, side="left")
        above = len(self.risk) - below
        leaked = self._violating[below]
        wronged = above - (self._violating[-1] - leaked)
        approves = np.flatnonzero(leaked <= targets.max_leakage * below)
        rejecting = np.flatnonzero(wronged <= targets.max_wrongful_reject * above) if rejects else np.array([len(ENDS) - 1])
        partner = approves[np.searchsorted(approves, rejecting, side="right") - 1]  # the boldest approval not above; 0 always is one
        best = int(np.argmax(below[partner] + above[rejecting]))
        return Thresholds(float(ENDS[partner[best]]), float(ENDS[rejecting[best]]))

    @cached_property
    def _violating(self) -> Ints:
        return np.concatenate([[0], np.cumsum(self.violating)]).astype(np.int64)


@dataclass(frozen=True)
class Trial:
    """One stratum of one population: what its deployments are drawn from, and judged by."""

    population: str
    stratum: Stratum
    sensitivity: float
    specificity: float
    """What the raters do at least (``certification.certificate.LabelNoise``)."""
    labelled: LabelledAds
    traffic: Traffic
    groups: int
    """Advertisers of the whole population; each deployment draws as many, with replacement. Groups are numbered 0 to here."""
    thin: float | None = None
    """Part of the ads drawn that is labelled, at random; None: all of them, so that the sample is one of whole advertisers."""

    @property
    def targets(self) -> Targets:
        return self.stratum.targets

    @property
    def stakes(self) -> Stakes:
        return self.stratum.question.stakes

    @cached_property
    def aim(self) -> Thresholds:
        """Of least harm at ``PRICE``, as certification sets out for it."""
        return self.stratum.question.aim(PRICE)

    @property
    def furthest(self) -> dict[Side, float]:
        """The boldest threshold that may be tested, by side."""
        rejecting = max(self.stakes.min_risk_rejected, self.stratum.question.attainable.reject_at)
        return {Side.APPROVE: self.stakes.max_risk, Side.REJECT: rejecting}

    @property
    def limits(self) -> dict[Side, float]:
        """For the rate of errors that labels may show, by side: the targets, lowered for what raters miss."""
        found = {Side.APPROVE: self.targets.max_leakage * self.sensitivity}
        return {**found, Side.REJECT: self.targets.max_wrongful_reject * self.specificity} if self.stakes.rejects else found


@dataclass(frozen=True)
class Deployment:
    """The labels of one deployment, in order of the advertisers that came."""

    ads: LabelledAds
    _parts: dict[float, LabelledAds] = field(default_factory=dict, repr=False)
    _counts: dict[tuple[Side, float], Counts] = field(default_factory=dict, repr=False)

    def of_side(self, side: Side, furthest: float) -> LabelledAds:
        """What speaks on one side (``answers.Labels.of_side``): on rejecting, ads that the policy lets be rejected."""
        if side is Side.APPROVE or furthest <= 0:
            return self.ads
        if furthest not in self._parts:
            self._parts[furthest] = self.ads.part(self.ads.risk >= furthest)
        return self._parts[furthest]

    def counts(self, side: Side, furthest: float) -> Counts:
        """Counted once for every method that asks."""
        key = side, furthest
        if key not in self._counts:
            self._counts[key] = _Remembered(self.of_side(side, furthest), side)
        return self._counts[key]

    def up_to(self, share: float) -> Deployment:
        """Of the first part of the advertisers that came."""
        return Deployment(self.ads.part(self.ads.group < share * (int(self.ads.group.max(initial=0)) + 1)))


class _Remembered(Counts):
    """The same answers, of which several methods ask for the same."""

    def __init__(self, ads: LabelledAds, side: Side) -> None:
        super().__init__(ads, side)
        self._at: dict[int, ThresholdCount] = {}
        self._p: dict[tuple[int, float, int | None], float] = {}

    def at(self, index: int) -> ThresholdCount:
        if index not in self._at:
            self._at[index] = super().at(index)
        return self._at[index]

    def p_value(self, index: int, limit: float, errors: int | None = None) -> float:
        key = index, limit, errors
        if key not in self._p:
            self._p[key] = super().p_value(index, limit, errors)
        return self._p[key]


@dataclass(frozen=True)
class Tally:
    """One method over the deployments of one trial."""

    outcomes: tuple[Outcome, ...]
    targets: Targets

    @property
    def exceeded(self) -> int:
        return sum(one.exceeds(self.targets) for one in self.outcomes)

    def mean(self, of: Callable[[Outcome], float]) -> float | None:
        """Over the deployments for which there is such a number."""
        values = np.array([of(one) for one in self.outcomes], dtype=np.float64)
        known = values[~np.isnan(values)]
        return float(known.mean()) if len(known) else None

    @property
    def edge(self) -> float | None:
        """Share violating in the riskiest tenth of what is approved, all deployments together; None: none approves anything."""
        edge = sum(one.edge for one in self.outcomes)
        return sum(one.edge_leaked for one in self.outcomes) / edge if edge else None


def deploy(trial: Trial, methods: Mapping[str, Method], deployments: int, seed: int) -> dict[str, Tally]:
    """Every method on the same deployments."""
    found: dict[str, list[Outcome]] = {name: [] for name in methods}
    for deployment in drawn(trial, deployments, seed):
        for name, method in methods.items():
            found[name].append(trial.traffic.outcome(method(deployment, trial)))
    return {name: Tally(tuple(outcomes), trial.targets) for name, outcomes in found.items()}


def drawn(trial: Trial, deployments: int, seed: int) -> Iterator[Deployment]:
    """The same for the same seed."""
    advertisers, rng = _Advertisers(trial), np.random.default_rng(seed)
    for _ in range(deployments):
        yield advertisers.draw(rng)


class _Advertisers:
    """The labelled ads of a trial in order of their advertisers."""

    def __init__(self, trial: Trial) -> None:
        order = np.argsort(trial.labelled.group, kind="stable")
        self._ads, self._thin = trial.labelled.part(order), trial.thin
        self._size = np.bincount(trial.labelled.group, minlength=trial.groups)
        self._start = np.cumsum(self._size) - self._size

    def draw(self, rng: np.random.Generator) -> Deployment:
        """One drawn twice is two advertisers that happen to be alike."""
        picked = rng.integers(0, len(self._size), len(self._size))
        size = self._size[picked]
        end = np.cumsum(size)
        rows = np.repeat(self._start[picked] - end + size, size) + np.arange(end[-1])
        came = replace(self._ads.part(rows), group=np.repeat(np.arange(len(picked)), size))
        return Deployment(came if self._thin is None else came.part(rng.random(len(rows)) < self._thin))
