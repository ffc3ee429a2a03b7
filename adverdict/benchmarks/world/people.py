"""Simulated reviewers at the product's own queue: they come, claim, read, answer and go home."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np

from adverdict.benchmarks.world.clock import SimulatedClock
from adverdict.domain.errors import Conflict
from adverdict.review.cases.answers import Answer
from adverdict.review.queue import LeasedTask, Queue
from adverdict.review.tasks.settings import ReviewSettings
from adverdict.simulation.crew import Colleague
from adverdict.simulation.demand import SECONDS
from adverdict.simulation.world import DAY

VARIATION = 0.6
"""Of one person's handling times of alike tasks: standard deviation over mean."""
UNCLEAR_TAKES = 1.5
UNSURE = 0.02
"""How often somebody cannot tell."""
SPREAD = float(np.sqrt(np.log1p(VARIATION**2)))


@dataclass(frozen=True)
class Truth:
    """Of one ad, as whoever reads it could find out."""

    violates: frozenset[str]
    unclear: bool


class Workplace(Protocol):
    """Where reviewers work."""

    begin: float
    clock: SimulatedClock
    queue: Queue
    review: ReviewSettings

    def truth(self, decision_id: str) -> Truth: ...

    def usual_seconds(self, market: str, kind: str) -> float: ...

    def answered(self, task: LeasedTask, reviewer: str, answer: Answer) -> None:
        """Raises Conflict where the task has gone to somebody else."""


class Reviewing:
    """One colleague's days."""

    def __init__(self, who: Colleague, workplace: Workplace, rng: np.random.Generator) -> None:
        self.who = who
        self.answers = 0
        self.lost = 0
        """Answers that came when the task had gone to somebody else."""
        self.hours = 0.0
        """On duty."""
        self._at, self._rng = workplace, rng
        self._from = self._until = 0.0
        self._is_idle = False

    def come(self, day: int) -> None:
        """On each day; those whose day it is not, or who are away, stay at home."""
        clock, team = self._at.clock, self.who.team
        begin = self._at.begin + day * DAY
        clock.at(begin + DAY, lambda: self.come(day + 1))
        if self.who.there(day, day % 7):
            self._from = begin + team.starts * 3600
            self._until = self._from + team.hours * 3600
            self.hours += team.hours
            clock.at(self._from, self.claim)

    def claim(self) -> None:
        """The next task, unless the shift is over."""
        clock = self._at.clock
        self._is_idle = False
        if not self._from <= clock.seconds < self._until:
            return
        task = self._at.queue.claim(self.who.name)
        if task is None:
            self._is_idle = True
            return
        seconds = self._takes(task)
        if seconds > self._at.review.lease_seconds / 2:
            clock.after(self._at.review.lease_seconds / 2, lambda: self._go_on(task, seconds))
        clock.after(seconds, lambda: self._answer(task, seconds))

    def wake(self) -> None:
        """There may be something to do."""
        if self._is_idle:
            self._is_idle = False
            self.claim()

    def _takes(self, task: LeasedTask) -> float:
        usual = self._at.usual_seconds(task.task.market, task.task.kind)
        unclear = UNCLEAR_TAKES if self._at.truth(task.task.about).unclear else 1.0
        scatter = float(np.exp(SPREAD * self._rng.standard_normal() - SPREAD**2 / 2))
        return usual * unclear * self.who.factor(self.answers) * scatter

    def _go_on(self, task: LeasedTask, left: float) -> None:
        """As the console does for a reviewer who is still reading."""
        half = self._at.review.lease_seconds / 2
        try:
            self._at.queue.renew(task.task.task_id, self.who.name, task.token)
        except Conflict:
            return
        if left - half > half:
            self._at.clock.after(half, lambda: self._go_on(task, left - half))

    def _answer(self, task: LeasedTask, seconds: float) -> None:
        try:
            self._at.answered(task, self.who.name, self._verdict(task, seconds))
            self.answers += 1
        except Conflict:
            self.lost += 1
        self.claim()

    def _verdict(self, task: LeasedTask, seconds: float) -> Answer:
        truth, rng = self._at.truth(task.task.about), self._rng
        if not task.task.senior and rng.random() < UNSURE:
            return Answer("unsure", seconds=seconds)
        violated = tuple(
            policy
            for policy in task.task.policies
            if rng.random() < (self.who.sensitivity if policy in truth.violates else (1 - self.who.specificity) / 4)
        )
        verdict: Literal["approve", "reject"] = "reject" if violated else "approve"
        return Answer(verdict, violated, severity="moderate" if violated else None, seconds=seconds)


def market_seconds(markets: tuple[str, ...], times: float, seed: int) -> dict[tuple[str, str], float]:
    """Mean handling time of a seasoned reviewer by market and kind; ``times`` as long as on a usual platform."""
    rng = np.random.default_rng([seed, 29])
    factors = dict(zip(markets, np.exp(0.12 * rng.standard_normal(len(markets))), strict=True))
    return {(market, kind): times * seconds * float(factors[market]) for market in markets for kind, seconds in SECONDS.items()}
