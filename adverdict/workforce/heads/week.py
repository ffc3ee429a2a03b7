"""One week of a forecast as work: by the hour, lane and deadline for the programme, and drawn at random for the twin."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from adverdict.review.tasks.tasks import RoutingKey
from adverdict.workforce.forecast.forecast import BEFORE_DAYS, Forecast
from adverdict.workforce.heads.staffing import Demand
from adverdict.workforce.heads.twin import Ints, Tasks
from adverdict.workforce.volume.history import WEEK, WEEK_HOURS, Floats, LaneShare, Queue, Shape

DEADLINES = 3
"""Deadlines that stand for all of a queue's."""
LEAD_DAYS = BEFORE_DAYS
"""Before the week, so that it begins with a queue as weeks do."""
LEAD = LEAD_DAYS * 24
"""Hours."""
TO_DEVIATION = 1 / (2 * 1.2816)
"""From the width of a P10-P90 band to a standard deviation."""
Seconds = Callable[[Queue, LaneShare], float]
"""Mean handling time of a queue's lane."""


@dataclass(frozen=True)
class WeekWork:
    """What comes in a week, and how sure that is."""

    queues: tuple[Queue, ...]
    hourly: Floats
    """Mean tasks, float64 (queues, 168), from the week's first hour on."""
    before: Floats
    """The same of the ``LEAD`` hours before it, float64 (queues, 96)."""
    own: Floats
    """Relative standard deviation of each queue by itself, float64 (queues,)."""
    common: float
    """Of what all share."""
    high: float
    """P90 of the total over its mean."""


def week_work(forecast: Forecast, shapes: Mapping[Queue, Shape], week: int) -> WeekWork:
    """Of the forecast's week, the first is 0."""
    whole = np.concatenate([forecast.before, forecast.daily], axis=1)[:, week * WEEK : (week + 1) * WEEK + LEAD_DAYS]
    first = (forecast.start.weekday() + week * WEEK - LEAD_DAYS) % WEEK
    hourly = np.zeros((len(forecast.queues), LEAD + WEEK_HOURS))
    for row, queue in enumerate(forecast.queues):
        shape = shape_of(shapes, queue).hours.reshape(WEEK, 24)[(first + np.arange(whole.shape[1])) % WEEK]
        hours = shape / np.maximum(shape.sum(axis=1, keepdims=True), 1e-12)
        hourly[row] = (whole[row][:, None] * hours).ravel()
    tasks = whole[:, LEAD_DAYS:].sum(axis=1)
    low, high = (band[:, week] for band in forecast.bands.of(forecast.tasks))
    total_low, total_high = (float(band[week]) for band in forecast.total_band())
    total = max(float(tasks.sum()), 1e-9)
    common = (total_high - total_low) * TO_DEVIATION / total
    alone = (high - low) * TO_DEVIATION / np.maximum(tasks, 1e-9)
    # Poisson's scatter is drawn hour by hour: what is left is the forecast's own error.
    chance = 1 / np.maximum(tasks, 1.0)
    own = np.sqrt(np.clip(alone**2 - chance - common**2, 0.0, 1.0))
    shared = float(np.sqrt(max(0.0, common**2 - 1 / total)))
    return WeekWork(forecast.queues, hourly[:, LEAD:], hourly[:, :LEAD], own, shared, total_high / total)


def shape_of(shapes: Mapping[Queue, Shape], queue: Queue) -> Shape:
    """A queue's own, or that of the same kind elsewhere, or an even week of one day's deadline."""
    if queue in shapes:
        return shapes[queue]
    like = next((shape for other, shape in shapes.items() if other.kind == queue.kind), None)
    return like or Shape(
        np.full(WEEK_HOURS, 1 / WEEK_HOURS), np.array([24.0]), (LaneShare(None, queue.kind in ("senior", "appeal"), (), 1.0),)
    )


def lane_of(queue: Queue, share: LaneShare) -> RoutingKey:
    return RoutingKey(queue.market, share.language, share.senior, share.policies)


def demands(work: WeekWork, shapes: Mapping[Queue, Shape], seconds: Seconds, factor: float) -> list[Demand]:
    """For the programme; ``factor`` times the mean tasks."""
    found = []
    for row, queue in enumerate(work.queues):
        shape = shape_of(shapes, queue)
        waits = [float(part.mean()) for part in np.array_split(shape.due_hours, min(DEADLINES, len(shape.due_hours)))]
        for share in shape.lanes:
            hours = work.hourly[row] * factor * share.share * seconds(queue, share) / 3600 / len(waits)
            if hours.sum() > 0:
                found += [Demand(lane_of(queue, share), hours, wait, share.severe) for wait in waits]
    return found


@dataclass(frozen=True)
class Drawn:
    """Tasks as they might come, from ``LEAD_DAYS`` before the week on, and which queue each is of."""

    tasks: Tasks
    queue: Ints
    lanes: tuple[RoutingKey, ...]


def draw(
    work: WeekWork,
    shapes: Mapping[Queue, Shape],
    seconds: Seconds,
    variation: float,
    rng: np.random.Generator,
    *,
    more: float = 1.0,
) -> Drawn:
    """One week as it might come. ``more``: times as long every task takes, for what comes besides, such as golden tasks."""
    off = np.exp(work.common * rng.standard_normal() + work.own * rng.standard_normal(len(work.own)) - (work.common**2 + work.own**2) / 2)
    hourly = np.concatenate([work.before, work.hourly * off[:, None]], axis=1)
    counts = rng.poisson(hourly)
    opened, due, took, lane, queue = [], [], [], [], []
    lanes: list[RoutingKey] = []
    spread = np.sqrt(np.log1p(variation**2))
    for row, name in enumerate(work.queues):
        shape, n = shape_of(shapes, name), int(counts[row].sum())
        at = np.repeat(np.arange(hourly.shape[1]), counts[row]) + rng.random(n)
        which = rng.choice(len(shape.lanes), n, p=_shares(shape.lanes))
        means = np.array([seconds(name, share) for share in shape.lanes]) * more
        opened.append(at)
        due.append(at + rng.choice(shape.due_hours, n))
        took.append(means[which] * np.exp(spread * rng.standard_normal(n) - spread**2 / 2))
        lane.append(which + len(lanes))
        queue.append(np.full(n, row))
        lanes += [lane_of(name, share) for share in shape.lanes]
    order = np.argsort(np.concatenate(opened), kind="stable")
    parts = [np.concatenate(one)[order] for one in (opened, due, took, lane, queue)]
    return Drawn(Tasks(parts[0], parts[1], parts[2], parts[3]), parts[4], tuple(lanes))


def _shares(lanes: Sequence[LaneShare]) -> Floats:
    shares = np.array([one.share for one in lanes])
    return np.asarray(shares / shares.sum())
