"""Simulated changes, foreseen from what a planner could measure of them and then let happen: tasks, handling times and people."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil
from typing import Any

import numpy as np

from adverdict.benchmarks.workforce.spread import interval
from adverdict.benchmarks.workforce.worlds import DUE_HOURS, VARIATION, events_of, history_of
from adverdict.domain.progress import Progress
from adverdict.simulation.arrivals import WEEK_OF_HOURS
from adverdict.simulation.demand import KINDS, Demand, Lever, Setup, simulate
from adverdict.workforce.change import Change, Launch, changed
from adverdict.workforce.effects import Shares, change_of
from adverdict.workforce.forecast.forecast import FLOOR, point
from adverdict.workforce.heads.bound import Stream, needed
from adverdict.workforce.volume.history import WEEK, WEEK_HOURS, Floats, Queue

DAY = 196
"""Of the change, counted from the world's first: 28 weeks are known."""
WEEKS = 4
SHADOW_ADS = 20_000
"""Ads decided both ways, at most, in each market."""
READ = 400
"""Reviews whose time was taken, of ads decided otherwise, or of a new market's before it opened."""
SAMPLE_ADS = 2_000
"""Of a new market, decided before it opened."""
MARKETS = 6
ADS_A_DAY = 60_000.0
PROMISED = 0.05
"""Standard deviation of the logarithm of what a new market's advertisers promise."""
ON_DUTY = np.tile(np.concatenate([np.zeros(7), np.ones(16), np.zeros(1)]), WEEK)
"""Of one person: every day from 7 to 23."""
CAP, TARGET = 0.85, 0.95
SLOW = 3.0
"""Times the usual handling times, so that heads are counted in tens and not in ones."""
KINDS_OF_CHANGE = ("tighten", "loosen", "new policy", "new market")


@dataclass(frozen=True)
class Case:
    """A change, and what came of it in the markets it touches."""

    kind: str
    predicted: Floats
    """Tasks by kind over all weeks, float64 (kinds,)."""
    realised: Floats
    seconds: tuple[float, float]
    """Mean handling time, predicted and realised."""
    heads: tuple[float, float]
    """On duty in the last of the weeks, with a fraction."""


def changes(count: int, seed: int, progress: Progress) -> dict[str, Any]:
    progress.stage("changes, foreseen and seen", count)
    cases = []
    for number in range(count):
        cases.append(_case(KINDS_OF_CHANGE[number % len(KINDS_OF_CHANGE)], seed + number))
        progress.advance()
    off = [abs(case.seconds[0] / case.seconds[1] - 1) for case in cases]
    fte = [_fte_off(*case.heads) for case in cases]
    return {
        "change_wape": _wape(cases),
        "change_wape_interval": interval(
            np.array([np.abs(case.predicted - case.realised).sum() for case in cases]), np.array([case.realised.sum() for case in cases])
        ),
        "change_floor": FLOOR
        * sum(float(np.sqrt(case.realised).sum()) for case in cases)
        / sum(float(case.realised.sum()) for case in cases),
        "change_wape_by_kind": {kind: _wape([case for case in cases if case.kind == kind]) for kind in KINDS_OF_CHANGE[:count]},
        "change_cases": count,
        "handling_error": float(np.mean(off)),
        "handling_error_interval": interval(np.array(off), np.ones(count)),
        "handling_within_5": sum(one <= 0.05 for one in off),
        "fte_error": float(np.mean(fte)),
        "fte_error_interval": interval(np.array(fte), np.ones(count)),
        "fte_error_unrounded": float(np.mean([abs(case.heads[0] / case.heads[1] - 1) for case in cases])),
        "fte_heads": float(np.mean([case.heads[1] for case in cases])),
        "fte_within_5": sum(one <= 0.05 for one in fte),
    }


def _wape(cases: list[Case]) -> float:
    return sum(float(np.abs(case.predicted - case.realised).sum()) for case in cases) / sum(float(case.realised.sum()) for case in cases)


def _fte_off(predicted: float, realised: float) -> float:
    """Relative, after one head is allowed."""
    return 0.0 if abs(ceil(predicted) - ceil(realised)) <= 1 else abs(predicted / realised - 1)


def _case(kind: str, seed: int) -> Case:
    rng = np.random.default_rng([seed, 7])
    touched = tuple(int(one) for one in sorted(rng.choice(MARKETS, 1 + int(rng.integers(0, MARKETS)), replace=False)))
    setup = Setup(seed=seed, days=DAY + WEEKS * WEEK, ads_a_day=ADS_A_DAY, markets=MARKETS, day_cv=0.1)
    if kind == "new market":
        touched = (int(rng.integers(2, MARKETS)),)
        after = simulate(replace(setup, opened={touched[0]: DAY}, ramp_days=float(rng.uniform(8, 12))))
        change = _launch(after, simulate(setup), touched[0], rng)
    else:
        lever = _lever(kind, touched, rng)
        after = simulate(replace(setup, levers=(lever,)))
        change = _measured(after, lever, rng)
    return _seen(kind, after, change, touched, rng)


def _lever(kind: str, touched: tuple[int, ...], rng: np.random.Generator) -> Lever:
    if kind == "tighten":
        return Lever(DAY, touched, reviews=float(rng.uniform(1.1, 1.8)), rejects=float(rng.uniform(1.0, 1.6)))
    if kind == "loosen":
        return Lever(DAY, touched, reviews=float(rng.uniform(0.4, 0.9)), rejects=float(rng.uniform(0.7, 1.0)))
    return Lever(
        DAY, touched, reviews=float(rng.uniform(1.1, 1.5)), rejects=float(rng.uniform(1.0, 1.3)), seconds=float(rng.uniform(0.95, 1.3))
    )


def _measured(world: Demand, lever: Lever, rng: np.random.Generator) -> Change:
    """As a shadow of the last two weeks would show it: the same ads decided both ways, a few hundred read with the clock running."""
    shares = []
    for market in lever.markets:
        rows = slice(DAY - 14, DAY)
        ads = int(min(world.submissions[market, :, rows].sum(), SHADOW_ADS))
        whole = float(world.submissions[market, :, rows].sum())
        reviewed = int(rng.binomial(ads, world.opened[market, 0, rows].sum() / whole))
        people = 0.15 * reviewed
        rejected = int(rng.binomial(ads, max(0.0, (world.rejects[market, rows].sum() / whole) - people / ads)))
        seconds = lever.seconds * float(np.exp(rng.normal(0, VARIATION / np.sqrt(READ))))
        shares.append(
            Shares(
                world.markets[market],
                ads,
                reviewed,
                _other_way(reviewed, ads, lever.reviews, rng),
                rejected,
                _other_way(rejected, ads, lever.rejects, rng),
                seconds if lever.seconds != 1.0 else 1.0,
            )
        )
    rejected = int(world.rejects[:, DAY - 28 : DAY].sum())
    come_back = float(rng.binomial(rejected, world.setup.come_back)) / max(rejected, 1)  # as counting those that come back finds it
    return change_of("rollout", shares, rejected_by_people=0.15, come_back=come_back)


def _other_way(before: int, ads: int, times: float, rng: np.random.Generator) -> int:
    """Of the same ads: what a looser policy lets go, or a stricter one adds."""
    if times <= 1:
        return int(rng.binomial(before, times))
    return before + int(rng.binomial(ads - before, min(1.0, before * (times - 1) / max(ads - before, 1))))


def _launch(world: Demand, as_if_old: Demand, market: int, rng: np.random.Generator) -> Change:
    """Its advertisers promise what they would submit, give or take; the other markets are taken as its like, but for what becomes of its
    ads: a sample of them was decided beforehand."""
    level = float(as_if_old.submissions[market, :, DAY:].sum(axis=0).mean()) * float(np.exp(PROMISED * rng.standard_normal()))
    like = tuple(world.markets[other] for other in range(MARKETS) if other != market)
    days = slice(DAY, DAY + WEEK)
    share = float(world.opened[market, 0, days].sum() / world.submissions[market, :, days].sum())
    return Change("launch", launch=Launch(world.markets[market], like, level, rng.binomial(SAMPLE_ADS, share) / SAMPLE_ADS))


def _seen(kind: str, world: Demand, change: Change, touched: tuple[int, ...], rng: np.random.Generator) -> Case:
    known = history_of(world).until(DAY)
    if change.launch is not None:
        new = change.launch.market
        known = known.only(lambda market: market != new)
    forecast = changed(point(known, events_of(world), WEEKS * WEEK), change)
    days = slice(DAY, DAY + WEEKS * WEEK)
    predicted, realised = np.zeros((len(KINDS), WEEKS * WEEK)), world.opened[list(touched)][:, :, days].sum(axis=0)
    usual, took = np.zeros(len(KINDS)), np.zeros(len(KINDS))
    for market in touched:
        # A month of answers of each kind; of a new market, what was read of it before, whatever its kind.
        before = rng.normal(0, VARIATION / np.sqrt(READ))
        for column, task in enumerate(KINDS):
            queue = Queue(world.markets[market], task)
            read = rng.normal(0, VARIATION / np.sqrt(1000)) if change.launch is None else before
            daily = forecast.daily[forecast.queues.index(queue)]
            predicted[column] += daily
            mean = _usual_seconds(world, market, column, change) * float(np.exp(read))
            usual[column] += float(daily.sum()) * mean * change.seconds.get(queue, 1.0)
            took[column] += float((world.opened[market, column, days] * world.seconds[market, column, days]).sum())
    means = usual / np.maximum(predicted.sum(axis=1), 1e-9), took / np.maximum(realised.sum(axis=1), 1e-9)
    heads = _heads(predicted[:, -WEEK:], means[0]), _heads(realised[:, -WEEK:], means[1])
    seconds = float(usual.sum() / predicted.sum()), float(took.sum() / realised.sum())
    return Case(kind, predicted.sum(axis=1), realised.sum(axis=1), seconds, heads)


def _usual_seconds(world: Demand, market: int, column: int, change: Change) -> float:
    """Before the change. The kind's mean elsewhere times the market's factor, for one that is new: which kinds it has comes to the same."""
    if change.launch is None:
        return float(world.seconds[market, column, DAY - 1])
    there = [other for other in range(MARKETS) if other != market]
    factor = float((world.seconds[market, :, DAY - 1] / world.seconds[there, :, DAY - 1].mean(axis=0)).mean())
    return float(world.seconds[there, column, DAY - 1].mean()) * factor


def _heads(daily: Floats, seconds: Floats) -> float:
    """On duty from 7 to 23, for the week's tasks by kind and day."""
    hours = WEEK_OF_HOURS.reshape(WEEK, 24)
    spread = hours / hours.sum(axis=1, keepdims=True)
    streams = [
        Stream((daily[row][:, None] * spread).ravel(), np.array([DUE_HOURS[kind]]), SLOW * float(seconds[row]), VARIATION)
        for row, kind in enumerate(KINDS)
        if daily[row].sum() > 0
    ]
    assert len(ON_DUTY) == WEEK_HOURS
    return needed(streams, ON_DUTY, CAP, TARGET).heads
