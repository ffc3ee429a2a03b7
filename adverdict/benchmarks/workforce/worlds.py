"""Simulated days as plans take them, with what a planner would have declared of them."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np

from adverdict.simulation.arrivals import WEEK_OF_HOURS
from adverdict.simulation.demand import FACTORS, KINDS, SECONDS, Demand, Setup, simulate
from adverdict.simulation.world import SURFACES
from adverdict.workforce.operations.events import Event
from adverdict.workforce.volume.history import Floats, History, LaneShare, Queue, Series, Shape

START = date(2025, 1, 6)
"""A Monday."""
OWNER_ERROR = 0.15
"""Standard deviation of the logarithm of what an event's owner expects beside its kind's usual factor."""
DUE_HOURS = {"review": 24.0, "audit": 72.0, "double": 48.0, "senior": 12.0, "appeal": 24.0}
"""The product's deadlines (``review.tasks.settings``)."""
VARIATION = 0.8


def world(setup: Setup) -> tuple[Demand, History, tuple[Event, ...]]:
    demand = simulate(setup)
    return demand, history_of(demand), events_of(demand)


def history_of(demand: Demand) -> History:
    series = tuple(Series(market, surface) for market in demand.markets for surface in SURFACES)
    queues = tuple(Queue(market, kind) for market in demand.markets for kind in KINDS)
    return History(START, series, demand.submissions.reshape(len(series), -1), queues, demand.opened.reshape(len(queues), -1))


def events_of(demand: Demand) -> tuple[Event, ...]:
    """The declared ones, each with its owner's guess."""
    rng = np.random.default_rng([demand.setup.seed, 1])
    found = []
    for number, one in enumerate(demand.happenings):
        guess = FACTORS.get(one.kind, 1.0) * float(np.exp(OWNER_ERROR * rng.standard_normal()))
        if one.declared:
            markets = tuple(demand.markets[market] for market in one.markets)
            found.append(Event(f"{one.kind} {number}", one.kind, _day(one.first), _day(one.last), markets, expected_factor=guess))
    return tuple(found)


def shapes_of(history: History) -> dict[Queue, Shape]:
    """Every queue's week is the simulator's; reviews are due sooner the more harm they may prevent."""
    rng = np.random.default_rng(0)
    return {
        queue: Shape(WEEK_OF_HOURS, np.sort(DUE_HOURS[queue.kind] * _waits(queue.kind, rng)), (_lane(queue),)) for queue in history.queues
    }


def seconds_of(demand: Demand, queue: Queue, day: int) -> float:
    """Mean handling time on a day."""
    return float(demand.seconds[demand.markets.index(queue.market), KINDS.index(queue.kind), day])


def usual_seconds(queue: Queue, _: LaneShare) -> float:
    return SECONDS[queue.kind]


def _lane(queue: Queue) -> LaneShare:
    return LaneShare(None, queue.kind in ("senior", "appeal"), (), 1.0)


def _waits(kind: str, rng: np.random.Generator) -> Floats:
    """Parts of the kind's deadline: audits wait the same, what may do harm less."""
    return np.asarray(np.ones(1) if kind == "audit" else 1 - 0.5 * rng.beta(1.2, 2.0, 40))


def _day(number: int) -> date:
    return START + timedelta(days=number)
