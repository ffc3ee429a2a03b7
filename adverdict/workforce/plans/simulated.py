"""A plan on record, worked through by the queue's twin with the roster of now: whether those people would have kept it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields
from datetime import UTC, date, datetime, time
from typing import Any

import numpy as np

from adverdict.ledger.entries import PlanMade
from adverdict.workforce.heads.odds import Odds, odds
from adverdict.workforce.heads.week import LEAD_DAYS, TO_DEVIATION, WeekWork, shape_of
from adverdict.workforce.operations.rules import Targets
from adverdict.workforce.outlook import Known
from adverdict.workforce.volume.history import WEEK, LaneShare, Queue


def simulated(known: Known, body: PlanMade, weeks: int) -> Iterator[tuple[date, Odds]]:
    """The plan's first weeks, by the targets it was made for. Queues are off each by itself: what they had in common is not on record."""
    targets = _targets(body.targets)
    for number, planned in enumerate(body.weeks[:weeks]):
        seconds = {Queue(cell.market, cell.kind): cell.seconds for cell in body.cells if cell.week == planned.week}

        def took(queue: Queue, _: LaneShare, seconds: Mapping[Queue, float] = seconds) -> float:
            return seconds[queue]

        yield (
            planned.week,
            odds(
                work_of(known, body, planned.week),
                known.shapes,
                took,
                known.operations.roster,
                datetime.combine(planned.week, time(), UTC),
                known.operations.shrinkage,
                targets,
                variation=known.practice.variation,
                seed=known.seed + number,
                golden_share=known.golden_share,
            ),
        )


def work_of(known: Known, body: PlanMade, week: date) -> WeekWork:
    """Of one week, with days before it that are as it is."""
    cells = [cell for cell in body.cells if cell.week == week]
    queues = tuple(Queue(cell.market, cell.kind) for cell in cells)
    turned = (np.arange(-LEAD_DAYS, WEEK) + week.weekday()) % WEEK
    hourly = np.array([cell.tasks * _week(known, queue)[turned].ravel() for cell, queue in zip(cells, queues, strict=True)])
    tasks = np.maximum(np.array([cell.tasks for cell in cells]), 1e-9)
    alone = np.array([cell.high - cell.low for cell in cells]) * TO_DEVIATION / tasks
    own = np.sqrt(np.clip(alone**2 - 1 / np.maximum(tasks, 1.0), 0.0, 1.0))
    lead = LEAD_DAYS * 24
    return WeekWork(queues, hourly[:, lead:], hourly[:, :lead], own, 0.0, 1.0)


def _week(known: Known, queue: Queue) -> Any:
    """Share of a week's tasks in each hour, float64 (7, 24) from Monday on."""
    return shape_of(known.shapes, queue).hours.reshape(WEEK, 24)


def _targets(told: Mapping[str, Any]) -> Targets:
    names = {one.name for one in fields(Targets)}
    values: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in told.items() if name in names}
    return Targets(**values)
