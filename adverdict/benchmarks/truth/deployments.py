"""Deployments drawn from ads whose truth is known: each labels some advertisers, solves thresholds, and is judged on every ad.

The advertisers of a stratum are drawn with replacement, with all their ads: the next deployment has the same mix of advertisers and other
individuals. What its thresholds truly let through is then a matter of counting.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from adverdict.certification.thresholds.sequence import GRID, LabelledAds
from adverdict.certification.thresholds.strata import Stratum
from adverdict.decisions.policy import Targets, Thresholds

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]

Method = Callable[[LabelledAds, "Trial"], Thresholds]
"""Labelled ads of one deployment -> the thresholds it would decide by."""


@dataclass(frozen=True)
class Outcome:
    """What a pair of thresholds truly does to traffic: numbers of ads."""

    ads: int
    approved: int
    leaked: int
    rejected: int
    wronged: int

    @property
    def leakage(self) -> float:
        """NaN where nothing is approved."""
        return self.leaked / self.approved if self.approved else math.nan

    @property
    def wrongful(self) -> float:
        """NaN where nothing is rejected."""
        return self.wronged / self.rejected if self.rejected else math.nan

    @property
    def auto_rate(self) -> float:
        return (self.approved + self.rejected) / self.ads if self.ads else 0.0

    def exceeds(self, targets: Targets) -> bool:
        """What decides nothing exceeds nothing."""
        return self.leakage > targets.max_leakage or self.wrongful > targets.max_wrongful_reject


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

    def of_groups(self, chosen: Bools) -> Traffic:
        """``chosen`` bool (n_groups,)."""
        kept = chosen[self.group]
        return Traffic(self.risk[kept], self.violating[kept], self.group[kept])

    def outcome(self, found: Thresholds) -> Outcome:
        below, above = (int(np.searchsorted(self.risk, end, side="left")) for end in (found.approve_below, found.reject_at))
        n, leaked = len(self.risk), int(self._violating[below])
        return Outcome(n, below, leaked, n - above, n - above - int(self._violating[-1] - self._violating[above]))

    def oracle(self, targets: Targets, rejects: bool) -> Thresholds:
        """Of all pairs on the grid that meet both targets on exactly these ads, one that decides the most."""
        ends = np.concatenate([[0.0], GRID, [1.0]])
        below = np.searchsorted(self.risk, ends, side="left")
        above = len(self.risk) - below
        leaked = self._violating[below]
        wronged = above - (self._violating[-1] - leaked)
        approves = np.flatnonzero(leaked <= targets.max_leakage * below)
        rejecting = np.flatnonzero(wronged <= targets.max_wrongful_reject * above) if rejects else np.array([len(ends) - 1])
        partner = approves[np.searchsorted(approves, rejecting, side="right") - 1]  # the boldest approval not above; 0 always is one
        best = int(np.argmax(below[partner] + above[rejecting]))
        return Thresholds(float(ends[partner[best]]), float(ends[rejecting[best]]))

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

    @property
    def targets(self) -> Targets:
        return self.stratum.targets


@dataclass(frozen=True)
class Tally:
    """One method over the deployments of one trial; one entry a deployment."""

    leakage: Floats
    wrongful: Floats
    auto_rate: Floats
    exceeded: Bools


def deploy(trial: Trial, methods: Mapping[str, Method], deployments: int, seed: int) -> dict[str, Tally]:
    """Every method on the same deployments."""
    draws, rng = _Groups(trial), np.random.default_rng(seed)
    found: dict[str, list[Outcome]] = {name: [] for name in methods}
    for _ in range(deployments):
        ads = draws.draw(rng)
        for name, method in methods.items():
            found[name].append(trial.traffic.outcome(method(ads, trial)))
    return {name: _tally(outcomes, trial.targets) for name, outcomes in found.items()}


def halves(trial: Trial, method: Method, splits: int, seed: int) -> Tally:
    """Solved on the labels of a random half of the advertisers, looked at on the traffic of the other half."""
    draws, rng, outcomes = _Groups(trial), np.random.default_rng(seed), []
    for _ in range(splits):
        chosen = rng.permutation(trial.groups) < trial.groups // 2
        thresholds = method(draws.chosen(chosen), trial)
        outcomes.append(trial.traffic.of_groups(~chosen).outcome(thresholds))
    return _tally(outcomes, trial.targets)


def _tally(outcomes: list[Outcome], targets: Targets) -> Tally:
    return Tally(
        leakage=np.array([one.leakage for one in outcomes]),
        wrongful=np.array([one.wrongful for one in outcomes]),
        auto_rate=np.array([one.auto_rate for one in outcomes]),
        exceeded=np.array([one.exceeds(targets) for one in outcomes], dtype=np.bool_),
    )


class _Groups:
    """The labelled ads of a trial in order of their advertisers."""

    def __init__(self, trial: Trial) -> None:
        order = np.argsort(trial.labelled.group, kind="stable")
        self._ads = trial.labelled.part(order)
        self._size = np.bincount(trial.labelled.group, minlength=trial.groups)
        self._start = np.cumsum(self._size) - self._size

    def draw(self, rng: np.random.Generator) -> LabelledAds:
        """One drawn twice is two advertisers that happen to be alike."""
        picked = rng.integers(0, len(self._size), len(self._size))
        size = self._size[picked]
        end = np.cumsum(size)
        rows = np.repeat(self._start[picked] - end + size, size) + np.arange(end[-1])
        return LabelledAds(self._ads.risk[rows], self._ads.violating[rows], np.repeat(np.arange(len(picked)), size))

    def chosen(self, chosen: Bools) -> LabelledAds:
        return self._ads.part(chosen[self._ads.group])
