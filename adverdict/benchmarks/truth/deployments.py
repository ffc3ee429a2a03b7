"""Deployments drawn from ads whose truth is known: each labels some advertisers, solves thresholds, and is judged on every ad.

The advertisers of a stratum are drawn with replacement, with all their ads: the next deployment has the same mix of advertisers and other
individuals. What its thresholds truly let through is then a matter of counting.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from adverdict.benchmarks.truth.trial import Outcome, Trial
from adverdict.certification.thresholds.sequence import Counts, LabelledAds, Side, ThresholdCount
from adverdict.decisions.policy import Targets, Thresholds

Method = Callable[["Deployment", "Trial"], Thresholds]
"""The labels of one deployment -> the thresholds it would decide by."""


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
