"""Plans scored after something went otherwise than planned: whether scoring names what it was."""

from __future__ import annotations

from typing import Any

import numpy as np

from adverdict.benchmarks.workforce.worlds import VARIATION, world
from adverdict.certification.statistics.intervals import clopper_pearson
from adverdict.domain.progress import Progress
from adverdict.simulation.demand import KINDS, Demand, Setup
from adverdict.workforce.forecast.forecast import forecast
from adverdict.workforce.plans.score import CAUSES, Cause, Part, PlannedWeek, RealisedWeek, score
from adverdict.workforce.volume.history import WEEK, Floats, History, Queue

KNOWN = 26
"""Weeks before the plan."""
AWAY = 0.12
"""Share of paid hours that people are planned to be away for."""
STRENGTHS = (1.2, 1.3, 1 / 1.3)
"""Times as planned."""


def causes(count: int, seed: int, progress: Progress) -> dict[str, Any]:
    progress.stage("causes injected and named", count)
    right, by = 0, dict.fromkeys(CAUSES, 0)
    for number in range(count):
        cause, times = CAUSES[number % len(CAUSES)], STRENGTHS[number // len(CAUSES) % len(STRENGTHS)]
        named = _named(cause, times, seed + number)
        right += named == cause
        by[cause] += named == cause
        progress.advance()
    return {"cause_right": right / count, "cause_interval": list(clopper_pearson(right, count)), "cause_cases": count, "cause_right_by": by}


def _named(cause: Cause, times: float, seed: int) -> Cause | None:
    demand, history, events = world(Setup(seed=seed, days=(KNOWN + 1) * WEEK, ads_a_day=20_000, undeclared_a_year=1))
    known, rng = history.until(KNOWN * WEEK), np.random.default_rng([seed, 3])
    made = forecast(known, events, 1)
    low, high = made.band()
    planned: dict[Queue, Part] = {}
    for row, queue in enumerate(made.queues):
        submissions = float(made.submissions[[n for n, one in enumerate(made.series) if one.market == queue.market]].sum())
        seconds = _seconds(demand, queue, KNOWN * WEEK - 1) * float(np.exp(rng.normal(0, VARIATION / np.sqrt(1000))))
        planned[queue] = Part(float(made.tasks[row, 0]), submissions, seconds)
    bands = {queue: (float(low[row, 0]), float(high[row, 0])) for row, queue in enumerate(made.queues)}
    found = score(PlannedWeek(planned, bands, AWAY), _realised(demand, history, cause, times, rng))
    return None if found is None else found.cause


def _realised(demand: Demand, history: History, cause: Cause, times: float, rng: np.random.Generator) -> RealisedWeek:
    """The week that came, with one thing otherwise."""
    week = slice(KNOWN * WEEK, (KNOWN + 1) * WEEK)
    more = {one: times if one == cause else 1.0 for one in CAUSES}
    parts = {}
    for row, queue in enumerate(history.queues):
        submissions = float(history.of_market(queue.market)[week].sum()) * more["volume"]
        tasks = float(rng.poisson(_tasks(history, row, week) * more["volume"] * more["conversion"]))
        mean = _seconds(demand, queue, week.start) * more["time"]
        parts[queue] = Part(tasks, submissions, mean * float(np.exp(rng.normal(0, VARIATION / np.sqrt(max(tasks, 1.0))))))
    here = (1 - AWAY) / more["absence"] if cause == "absence" else 1 - AWAY
    return RealisedWeek(parts, 1 - min(here, 1.0))


def _tasks(history: History, row: int, week: slice) -> float:
    daily: Floats = history.opened[row, week]
    return float(daily.sum())


def _seconds(demand: Demand, queue: Queue, day: int) -> float:
    return float(demand.seconds[demand.markets.index(queue.market), KINDS.index(queue.kind), day])
