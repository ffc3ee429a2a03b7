"""Weeks planned so that the target is kept with a stated probability: how many of them keep it."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any

import numpy as np

from adverdict.benchmarks.workforce.worlds import START, VARIATION, shapes_of, usual_seconds, world
from adverdict.certification.statistics.intervals import clopper_pearson
from adverdict.domain.progress import Progress
from adverdict.simulation.demand import SECONDS, Demand, Setup
from adverdict.workforce.forecast.forecast import MOMENTS, backtest, forecast
from adverdict.workforce.heads.odds import on_duty
from adverdict.workforce.heads.plan import heads_for_odds
from adverdict.workforce.heads.twin import answered
from adverdict.workforce.heads.week import LEAD, LEAD_DAYS, WeekWork, draw, week_work
from adverdict.workforce.operations.roster import Shift
from adverdict.workforce.operations.rules import Shrinkage, Targets
from adverdict.workforce.volume.history import WEEK, WEEK_HOURS, History

PROBABILITY = 0.9
SLOW = 3.0
"""Times the usual handling times: as many people with a third of the tasks."""
FIRST = 26
"""Weeks known before the first plan."""
EACH = 24
"""Plans a world."""
SHIFT = Shift("everybody", 1.0, tuple(range(7)), time(7), time(23), "UTC", 40.0, senior=True)


def weeks(count: int, seed: int, progress: Progress) -> dict[str, Any]:
    progress.stage("weeks, planned and lived", count)
    met, heads = 0, list[float]()
    targets, done = Targets(met=PROBABILITY), 0
    while done < count:
        demand, history, events = world(Setup(seed=seed + done, days=(FIRST + EACH) * WEEK, ads_a_day=12_000))
        whole = backtest(history, events, 1, EACH + MOMENTS)
        assert whole is not None, "there are many weeks"
        for number in range(min(EACH, count - done)):
            known = history.until((FIRST + number) * WEEK)
            made = forecast(known, events, 1, past=whole.between(number, number + MOMENTS))
            work = week_work(made, shapes_of(known), 0)
            planned = heads_for_odds(work, shapes_of(known), _slow, SHIFT, _start(known), targets, variation=VARIATION)
            met += _lived(demand, known, planned, targets, np.random.default_rng([seed, done, number]))
            heads.append(planned)
            progress.advance()
        done += min(EACH, count - done)
    low, high = clopper_pearson(met, count)
    return {"met_share": met / count, "met_weeks": count, "met_low": low, "met_high": high, "met_heads": float(np.mean(heads))}


def _slow(queue: Any, lane: Any) -> float:
    return SLOW * usual_seconds(queue, lane)


def _start(known: History) -> datetime:
    return datetime.combine(known.end, time(), UTC)


def _lived(demand: Demand, known: History, heads: float, targets: Targets, rng: np.random.Generator) -> bool:
    """The week as it came, with so many people: whether every kind kept its target."""
    first = (known.end - START).days
    daily = demand.opened.reshape(len(known.queues), -1)[:, first - LEAD_DAYS : first + WEEK]
    hourly = _hourly(daily, first - LEAD_DAYS)
    exact = WeekWork(known.queues, hourly[:, LEAD:], hourly[:, :LEAD], np.zeros(len(known.queues)), 0.0, 1.0)
    drawn = draw(exact, shapes_of(known), _slow, VARIATION, rng)
    shift = Shift(**{**vars(SHIFT), "people": heads})
    hours = LEAD_DAYS * 24 + WEEK_HOURS
    people = on_duty([shift], _start(known) - timedelta(days=LEAD_DAYS), hours + WEEK_HOURS, Shrinkage())
    found = answered(drawn.tasks, people, drawn.lanes, [shift.skills], hours + WEEK_HOURS)
    judged = (drawn.tasks.due >= LEAD_DAYS * 24) & (drawn.tasks.due < hours)
    kinds = np.array([queue.kind for queue in known.queues])[drawn.queue]
    return all(
        (found.done <= drawn.tasks.due)[judged & (kinds == kind)].mean() >= targets.share(kind)
        for kind in SECONDS
        if (judged & (kinds == kind)).any()
    )


def _hourly(daily: Any, first: int) -> Any:
    from adverdict.simulation.arrivals import WEEK_OF_HOURS

    week = WEEK_OF_HOURS.reshape(WEEK, 24)
    spread = week / week.sum(axis=1, keepdims=True)
    days = (np.arange(daily.shape[1]) + first) % WEEK
    return (daily[:, :, None] * spread[days][None]).reshape(len(daily), -1)
