"""How long a task takes by kind, market and policies, and how much longer somebody takes who is new.

A market has a factor of its own, learnt from all its answers whatever their kind: what was read of a market before it opened says how long
its reviews will take. Each group's mean is drawn towards that of the group it belongs to, by how much groups differ and how often it was
seen (empirical Bayes: Efron and Morris 1975). Times are cut off as ``handling`` does. Nobody's own speed is kept or shown: it is personal
data.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from adverdict.ledger.entries import Answered
from adverdict.ledger.store import Ledger
from adverdict.workforce.handling import ENOUGH, NORMAL_95, USUAL_SECONDS, Seconds, cut_off
from adverdict.workforce.markets import Markets, between, of_markets

STAGES = (0, 50, 150, 400, 1000)
"""Answers somebody has given before, from which the next stage of learning begins."""
FEWEST_PEOPLE = 5
"""In a stage, without which it is not told: fewer are nobody's curve, and would say how fast somebody is."""
TOLD_VARIATION = 0.8
"""Coefficient of variation, where nothing is on record."""


class Group(NamedTuple):
    """Answers that are alike. Empty parts stand for all."""

    kind: str = ""
    market: str = ""
    policies: tuple[str, ...] = ()

    def around(self) -> Group:
        """The group it belongs to."""
        return Group(self.kind, self.market) if self.policies else Group(self.kind) if self.market else Group()

    def __str__(self) -> str:
        if not self.kind:
            return "all answers"
        about = f" about {', '.join(self.policies)}" if self.policies else ""
        return f"{self.kind} in {self.market}{about}" if self.market else f"{self.kind} in all markets"


@dataclass(frozen=True)
class Took:
    """Mean handling time of a group."""

    seconds: float
    low: float | None
    """With ``high``, a 95 % interval of the mean; None: as told."""
    high: float | None
    answers: int
    """Its own; fewer than ``ENOUGH`` say little, and the mean is mostly that of ``pool``."""
    pool: str
    """Whose answers it is the mean of, in words; ``told`` where there are none."""


@dataclass(frozen=True)
class Stage:
    """People who have answered so many tasks before."""

    since: int
    factor: float
    """Times as long as those of the last stage take."""
    low: float
    high: float
    """A 95 % interval, by how much people differ."""
    people: int
    answers: int


@dataclass(frozen=True)
class Practice:
    """What answers on record say."""

    means: Mapping[Group, Took] = field(default_factory=dict)
    markets: Markets = field(default_factory=Markets)
    variation: float = TOLD_VARIATION
    """Coefficient of variation within a group."""
    learning: tuple[Stage, ...] = ()
    """Empty: too few people have been seen from their first answers on."""
    told: float = USUAL_SECONDS

    def of(self, kind: str, market: str, policies: tuple[str, ...] = ()) -> Took:
        """The nearest group that there is."""
        group = Group(kind, market, policies)
        while group not in self.means and group != Group():
            group = group.around()
        found = self.means.get(group, Took(self.told, None, None, 0, "told"))
        return (
            found if group.market or found.low is None or market not in self.markets.factors else _times(found, self.markets, kind, market)
        )


class Answer(NamedTuple):
    """One answer, without who gave it but a number."""

    group: Group
    seconds: float
    person: int


def measured(ledger: Ledger, lease_seconds: float, told: float = USUAL_SECONDS) -> Practice:
    """From the answers that say how long they took; golden ones and those that took longer than a lease left out. Raises Unavailable."""
    people: dict[str, int] = {}
    found = []
    for entry in ledger.read(kinds=[Answered.kind]):
        body = entry.body
        if isinstance(body, Answered) and body.seconds is not None and body.task_kind != "golden" and body.seconds <= lease_seconds:
            group = Group(body.task_kind, body.market, tuple(sorted(body.asked)))
            found.append(Answer(group, body.seconds, people.setdefault(body.reviewer, len(people))))
    return practice(found, told)


def practice(answers: Sequence[Answer], told: float = USUAL_SECONDS) -> Practice:
    """From answers in the order in which they were given."""
    if len(answers) < ENOUGH:
        return Practice(told=told)
    times = np.array([one.seconds for one in answers])
    kinds = defaultdict(list)
    for number, one in enumerate(answers):
        kinds[one.group.kind].append(number)
    for rows in kinds.values():
        own = times[rows]
        times[rows] = np.minimum(own, cut_off(own if len(own) >= ENOUGH else times))
    members: defaultdict[Group, list[int]] = defaultdict(list)
    for number, one in enumerate(answers):
        group = one.group
        for level in (group, Group(group.kind, group.market), Group(group.kind), Group()) if group.policies else _levels(group):
            members[level].append(number)
    markets = of_markets(times, [one.group.kind for one in answers], [one.group.market for one in answers])
    means = _drawn({group: times[rows] for group, rows in members.items()}, markets)
    relative = times / np.array([means[one.group].seconds for one in answers])
    return Practice(means, markets, float(np.std(relative)), _learning(relative, [one.person for one in answers]), told)


def _levels(group: Group) -> tuple[Group, ...]:
    return (group, Group(group.kind), Group())


def _times(found: Took, markets: Markets, kind: str, market: str) -> Took:
    """A kind's mean in a market that has none of the kind yet."""
    factor, usual = markets.factors[market], markets.kinds.get(kind, found.seconds)
    seconds, low, high = usual * factor.times, found.low or 0.0, found.high or 0.0
    half = float(np.hypot((high - low) / 2 * factor.times, NORMAL_95 * factor.spread * usual))
    pool = found.pool if factor.answers < ENOUGH else f"{found.pool}, and other answers in {market}"
    return Took(seconds, max(0.0, seconds - half), seconds + half, 0, pool)


def _drawn(times: Mapping[Group, Seconds], markets: Markets) -> dict[Group, Took]:
    """Level by level, from all answers down to those about single policies."""
    levels = sorted(times, key=lambda group: (bool(group.kind), bool(group.market), bool(group.policies)))
    everybody = times[Group()]
    scatter = float(everybody.var())
    means, spread = {Group(): float(everybody.mean())}, {Group(): scatter / len(everybody)}
    for depth in (1, 2, 3):
        here = [group for group in levels if _depth(group) == depth]
        around = {one: markets.seconds(one.kind, one.market) if depth == 2 else means[one.around()] for one in here}
        differ = between([(len(times[one]), float(times[one].mean()), around[one]) for one in here], scatter)
        for one in here:
            n, own = len(times[one]), float(times[one].mean())
            weight = differ / (differ + scatter / n) if differ else 0.0
            means[one] = around[one] + weight * (own - around[one])
            alike = (markets.factors[one.market].spread * means[one.around()]) ** 2 if depth == 2 else 0.0
            spread[one] = weight**2 * scatter / n + (1 - weight) ** 2 * (differ + spread[one.around()] + alike)
    return {group: _took(group, times, means[group], spread[group]) for group in levels}


def _depth(group: Group) -> int:
    return bool(group.kind) + bool(group.market) + bool(group.policies)


def _took(group: Group, times: Mapping[Group, Seconds], mean: float, spread: float) -> Took:
    pool = group
    while len(times[pool]) < ENOUGH and pool != Group():
        pool = pool.around()
    half = NORMAL_95 * float(np.sqrt(spread))
    return Took(mean, max(0.0, mean - half), mean + half, len(times[group]), str(pool))


def _learning(relative: Seconds, people: Sequence[int]) -> tuple[Stage, ...]:
    """By stage, over people: never rising, for nobody unlearns."""
    given: defaultdict[int, int] = defaultdict(int)
    stages: list[defaultdict[int, list[float]]] = [defaultdict(list) for _ in STAGES]
    for value, person in zip(relative.tolist(), people, strict=True):
        stages[int(np.searchsorted(STAGES, given[person], side="right")) - 1][person].append(value)
        given[person] += 1
    seen = [number for number, by in enumerate(stages) if len(by) >= FEWEST_PEOPLE and sum(map(len, by.values())) >= ENOUGH]
    if len(seen) < 2 or seen[0] != 0:
        return ()
    means = [np.array([np.mean(one) for one in stages[number].values()]) for number in seen]
    level = float(means[-1].mean())
    factors = np.maximum.accumulate([float(one.mean()) / level for one in reversed(means)])[::-1]
    found = []
    for number, factor, one in zip(seen, factors, means, strict=True):
        half = NORMAL_95 * float(one.std(ddof=1)) / level / float(np.sqrt(len(one)))
        answers = sum(map(len, stages[number].values()))
        found.append(Stage(STAGES[number], float(factor), max(0.0, float(factor) - half), float(factor) + half, len(one), answers))
    return tuple(found)
