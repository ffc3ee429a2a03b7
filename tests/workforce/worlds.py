"""Simulated days as the histories that forecasts take."""

from __future__ import annotations

from datetime import date, timedelta

from adverdict.simulation.demand import KINDS, Demand
from adverdict.simulation.world import SURFACES
from adverdict.workforce.operations.events import Event
from adverdict.workforce.volume.history import History, Queue, Series

START = date(2025, 1, 6)


def history_of(demand: Demand) -> History:
    series = tuple(Series(market, surface) for market in demand.markets for surface in SURFACES)
    queues = tuple(Queue(market, kind) for market in demand.markets for kind in KINDS)
    return History(START, series, demand.submissions.reshape(len(series), -1), queues, demand.opened.reshape(len(queues), -1))


def events_of(demand: Demand) -> tuple[Event, ...]:
    """The declared ones, without what anybody expects of them."""
    return tuple(
        Event(f"{one.kind} {n}", one.kind, _day(one.first), _day(one.last), tuple(demand.markets[m] for m in one.markets))
        for n, one in enumerate(demand.happenings)
        if one.declared
    )


def _day(number: int) -> date:
    return START + timedelta(days=number)
