"""One stratum whose truth is known: the ads it decides on, and what a pair of thresholds truly does to them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from adverdict.certification.thresholds.least_harm import Stakes
from adverdict.certification.thresholds.sequence import GRID, LabelledAds, Side
from adverdict.certification.thresholds.strata import Stratum
from adverdict.decisions.harm import WRONGED
from adverdict.decisions.policy import Targets, Thresholds

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]

EVERYWHERE = "everywhere"
"""In place of a market: all of them as one, so that every label is its own."""
PRICE = 0.25
"""Of a review, in wrongly rejected ads: what harm is counted with here, and what the thresholds aim at."""
EDGE = 10
"""The edge of what is approved: its riskiest tenth."""
ENDS = np.concatenate([[0.0], GRID, [1.0]])
"""Every threshold of the grid, and those that decide nothing."""


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
    def auto_rate(self) -> float:
        return (self.approved + self.rejected) / self.ads if self.ads else 0.0

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
    def name(self) -> str:
        """No other trial of a benchmark has it."""
        question = self.stratum.question
        return f"{self.population} {question.policy} {question.market} {self.targets.max_leakage} {self.stakes.leaked}"

    @property
    def everywhere(self) -> bool:
        return self.stratum.question.market == EVERYWHERE

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
