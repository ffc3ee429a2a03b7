"""Simulated reviewers: who works when, what they can read, how often they err, how fast they are and become, and when they are away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp

import numpy as np

NEWCOMER = 0.5
"""How much longer somebody takes for the first task than once they are seasoned."""
LEARNT_AFTER = 150
"""Answers in which two thirds of that are learnt."""
SEASONED = 5000
SPELL_DAYS = 2.5
"""An absence lasts, on average."""
PACE_SPREAD = 0.2
"""Standard deviation of the logarithm of how fast seasoned people are, beside each other."""
SICK_OR_AWAY = 0.08
"""Share of days."""


@dataclass(frozen=True)
class Team:
    """People who work the same hours and read the same languages."""

    name: str
    people: int
    starts: int
    """Hour, UTC."""
    hours: int
    days: tuple[int, ...] = tuple(range(7))
    """Monday is 0."""
    languages: tuple[str, ...] = ()
    """Empty: all."""
    senior: bool = False
    newcomers: int = 0
    """Of the people, those who have never answered a task."""


@dataclass(frozen=True)
class Colleague:
    """One of them."""

    name: str
    team: Team
    pace: float
    """Times the usual handling time, once seasoned."""
    sensitivity: float
    """P(says so | violates)."""
    specificity: float
    """P(says not | does not)."""
    given: int
    """Answers before the first day."""
    away: frozenset[int]
    """Days, from 0, on which they do not come although it is their day."""

    def there(self, day: int, weekday: int) -> bool:
        return weekday in self.team.days and day not in self.away

    def factor(self, answered: int) -> float:
        """Times the usual handling time, after so many answers more."""
        return self.pace * learning(self.given + answered)


def learning(given: int) -> float:
    """Times as long as a seasoned reviewer takes somebody who has given so many answers; falls to 1."""
    return 1 + NEWCOMER * exp(-given / LEARNT_AFTER)


def draw_crew(teams: Sequence[Team], days: int, seed: int, away: float = SICK_OR_AWAY) -> list[Colleague]:
    """Everybody in the teams, for so many days. ``away``: share of days, in spells. The same arguments draw the same people."""
    rng = np.random.default_rng([seed, 23])
    return [
        Colleague(
            name=f"{team.name}-{number}",
            team=team,
            pace=float(np.exp(PACE_SPREAD * rng.standard_normal() - PACE_SPREAD**2 / 2)),
            sensitivity=float(rng.uniform(0.86, 0.98)),
            specificity=float(rng.uniform(0.975, 0.997)),
            given=0 if number < team.newcomers else SEASONED,
            away=_spells(days, away, rng),
        )
        for team in teams
        for number in range(team.people)
    ]


def _spells(days: int, share: float, rng: np.random.Generator) -> frozenset[int]:
    """Days of a chain of two states that is in the second so often, for ``SPELL_DAYS`` at a time."""
    falls_ill = share / (1 - share) / SPELL_DAYS
    found, is_away = set[int](), bool(rng.random() < share)
    for day in range(days):
        if is_away:
            found.add(day)
        is_away = bool(rng.random() >= 1 / SPELL_DAYS) if is_away else bool(rng.random() < falls_ill)
    return frozenset(found)
