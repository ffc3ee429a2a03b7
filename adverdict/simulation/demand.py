"""A platform's submissions and review tasks by day, years of them in a second: counts without texts, for planning reviewers.

Days scatter more than Poisson's counts, levels wander, sales and launches come, some declared and some not, shares of ads that people see
drift, and rejections come back as new submissions: a stricter policy raises next week's volume (``levers``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from adverdict.simulation.world import MARKET_CODES, MARKET_WEIGHTS, SURFACE_WEIGHTS, SURFACES

Floats = NDArray[np.float64]
KINDS = ("review", "audit", "double", "senior", "appeal")
WEEKDAYS = np.array([10, 11, 11, 11, 10, 6, 5]) / (64 / 7)
FACTORS = {"sale": 2.8, "launch": 3.5, "holiday": 0.6, "election": 1.4}
SECONDS = {"review": 42.0, "audit": 38.0, "double": 45.0, "senior": 70.0, "appeal": 85.0}
"""Mean handling time of a seasoned reviewer."""
ALIKE = 0.1
"""Standard deviation of the logarithm of what becomes of an opened market's ads beside that of the other markets'."""
RETURN_DAYS = (0.45, 0.35, 0.2)
"""Of rejected ads that come back: on the next day, and on the two after it."""


@dataclass(frozen=True)
class Happening:
    """An event as it was."""

    kind: str
    first: int
    """Day, from 0."""
    last: int
    """Included."""
    markets: tuple[int, ...]
    factor: float
    declared: bool


@dataclass(frozen=True)
class Lever:
    """A change of policy: from ``day`` on, in these markets, so many times as many ads go to people and are rejected."""

    day: int
    markets: tuple[int, ...]
    reviews: float = 1.0
    rejects: float = 1.0
    seconds: float = 1.0
    """Times as long a review takes."""


@dataclass(frozen=True)
class Setup:
    """What is simulated."""

    seed: int
    days: int = 364
    ads_a_day: float = 12_000.0
    markets: int = 10
    day_cv: float = 0.1
    """Of a market's day beyond Poisson's scatter."""
    wander: float = 0.006
    """Standard deviation of a level's step a day."""
    sales_a_year: int = 10
    undeclared_a_year: float = 2.0
    """Of each market."""
    come_back: float = 0.35
    """Of rejected ads."""
    levers: tuple[Lever, ...] = ()
    opened: Mapping[int, int] = field(default_factory=dict)
    """Market -> first day with submissions; 0 otherwise."""
    ramp_days: float = 10.0
    """Days in which an opened market comes within a third of its level."""
    happenings: tuple[Happening, ...] | None = None
    """None: drawn."""


@dataclass(frozen=True)
class Demand:
    """What happened, day by day."""

    setup: Setup
    happenings: tuple[Happening, ...]
    submissions: Floats
    """float64 (markets, surfaces, days), whole numbers."""
    opened: Floats
    """Tasks, float64 (markets, kinds, days)."""
    seconds: Floats
    """Mean handling time of a seasoned reviewer, float64 (markets, kinds, days)."""
    rejects: Floats
    """Ads rejected by model or people, float64 (markets, days)."""

    @property
    def markets(self) -> tuple[str, ...]:
        return MARKET_CODES[: self.setup.markets]


def simulate(setup: Setup) -> Demand:
    """The same setup gives the same days."""
    rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence(setup.seed)))
    markets, days = setup.markets, setup.days
    happenings = setup.happenings if setup.happenings is not None else _happenings(setup, rng)
    fresh = _fresh(setup, happenings, rng)
    review = _drifting(rng, np.exp(rng.normal(np.log(0.11), 0.35, markets)), days)
    reject = _drifting(rng, np.exp(rng.normal(np.log(0.05), 0.3, markets)), days)
    seconds = np.array(list(SECONDS.values()))[None, :] * np.exp(rng.normal(0, 0.12, (markets, 1)))
    seconds = np.repeat(seconds[:, :, None], days, axis=2)
    for market in setup.opened:
        others = [other for other in range(markets) if other != market]
        for rates in (review, reject):
            rates[market] *= rates[others, 0].mean() / rates[market, 0] * np.exp(ALIKE * rng.standard_normal())
    for lever in setup.levers:
        rows = list(lever.markets)
        review[rows, lever.day :] *= lever.reviews
        reject[rows, lever.day :] *= lever.rejects
        seconds[rows, 0, lever.day :] *= lever.seconds
    return _run(setup, happenings, fresh, np.minimum(review, 0.9), np.minimum(reject, 0.6), seconds, rng)


def _run(
    setup: Setup, happenings: Sequence[Happening], fresh: Floats, review: Floats, reject: Floats, seconds: Floats, rng: np.random.Generator
) -> Demand:
    markets, _, days = fresh.shape
    submissions, opened = np.zeros_like(fresh), np.zeros((markets, len(KINDS), days))
    rejects, back = np.zeros((markets, days)), np.zeros((markets, days + len(RETURN_DAYS) + 1))
    appeals = np.zeros((markets, days + 4))
    mix = np.maximum(fresh.sum(axis=2), 1e-9)
    mix = mix / mix.sum(axis=1, keepdims=True)
    for day in range(days):
        submissions[:, :, day] = rng.poisson(fresh[:, :, day] + back[:, day][:, None] * mix)
        total = submissions[:, :, day].sum(axis=1).astype(np.int64)
        reviews, automatic = rng.binomial(total, review[:, day]), rng.binomial(total, reject[:, day] * (1 - review[:, day]))
        by_people = rng.binomial(reviews, np.minimum(3 * reject[:, day], 0.7))
        rejects[:, day] = automatic + by_people
        doubles = rng.binomial(reviews, 0.05)
        opened[:, 0, day], opened[:, 2, day] = reviews, doubles
        opened[:, 1, day] = rng.binomial(np.maximum(total - reviews, 0), 0.02)
        opened[:, 3, day] = rng.binomial(reviews, 0.03) + rng.binomial(doubles.astype(np.int64), 0.15)
        opened[:, 4, day] = appeals[:, day]
        for after, part in enumerate((0.3, 0.4, 0.3), start=1):
            appeals[:, day + after] += rng.binomial(rejects[:, day].astype(np.int64), 0.06 * part)
        for after, part in enumerate(RETURN_DAYS, start=1):
            back[:, day + after] += setup.come_back * part * rejects[:, day]
    return Demand(setup, tuple(happenings), submissions, opened, seconds, rejects)


def _fresh(setup: Setup, happenings: Sequence[Happening], rng: np.random.Generator) -> Floats:
    """Expected new submissions, float64 (markets, surfaces, days)."""
    markets, days = setup.markets, setup.days
    weights = MARKET_WEIGHTS[:markets] / MARKET_WEIGHTS[:markets].sum()
    base = setup.ads_a_day * weights[:, None] * (SURFACE_WEIGHTS / SURFACE_WEIGHTS.sum())[None, :]
    base = base * np.exp(rng.normal(0, 0.15, base.shape))
    week = WEEKDAYS[None, :] * np.exp(rng.normal(0, 0.06, (markets, 7)))
    level = np.exp(np.cumsum(rng.normal(0, setup.wander, (markets, len(SURFACES), days)), axis=2))
    shape = np.tile(week, days // 7 + 1)[:, :days]
    noise = rng.gamma(1 / setup.day_cv**2, setup.day_cv**2, (markets, days)) if setup.day_cv else np.ones((markets, days))
    for one in happenings:
        noise[list(one.markets), one.first : one.last + 1] *= one.factor
    for market, day in setup.opened.items():
        noise[market, :day] = 0.0
        ramp = 1 - np.exp(-(np.arange(days - day) + 1) / setup.ramp_days)
        noise[market, day:] *= ramp
    return np.asarray(base[:, :, None] * level * (shape * noise)[:, None, :])


def _drifting(rng: np.random.Generator, base: Floats, days: int) -> Floats:
    return np.asarray(base[:, None] * np.exp(np.cumsum(rng.normal(0, 0.004, (len(base), days)), axis=1)))


def _happenings(setup: Setup, rng: np.random.Generator) -> list[Happening]:
    """Declared ones come with their kind's factor, give or take a tenth; undeclared ones are of one market and one or two days."""
    made = []
    for _ in range(round(setup.sales_a_year * setup.days / 364)):
        kind = str(rng.choice(list(FACTORS), p=[0.45, 0.2, 0.2, 0.15]))
        first = int(rng.integers(7, setup.days - 4))
        everywhere = kind in ("sale", "holiday") and rng.random() < 0.6
        markets = range(setup.markets) if everywhere else rng.choice(setup.markets, 1 + int(rng.integers(0, 3)), replace=False)
        factor = FACTORS[kind] * float(np.exp(rng.normal(0, 0.1)))
        made.append(Happening(kind, first, first + int(rng.integers(1, 3)), tuple(int(one) for one in markets), factor, True))
    for market in range(setup.markets):
        for _ in range(int(rng.poisson(setup.undeclared_a_year * setup.days / 364))):
            first = int(rng.integers(7, setup.days - 3))
            made.append(Happening("spike", first, first + int(rng.integers(0, 2)), (market,), float(rng.uniform(1.4, 2.0)), False))
    return made
