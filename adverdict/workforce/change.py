"""A change that somebody thinks of: what it does to volume, tasks, times and people. Numbers only; ``scenario`` says where they come
from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from adverdict.workforce.forecast.forecast import Forecast
from adverdict.workforce.volume.history import WEEK, Queue, Series, Shape

OF_REVIEWS = ("review", "double", "senior")
"""Kinds of tasks that come of ads left to people."""


@dataclass(frozen=True)
class Launch:
    """A market that is to open."""

    market: str
    like: tuple[str, ...]
    """Markets whose week, shares and lanes it is expected to have."""
    ads_a_day: float
    """Once it has grown up, which takes about four weeks."""
    reviewed: float | None = None
    """Share of its ads that go to people, where ads of it were decided beforehand; None: as in the markets it is like."""


@dataclass(frozen=True)
class Change:
    """Beside the plan as it is. What is not named stays."""

    name: str = "as planned"
    submissions: Mapping[str, float] = field(default_factory=dict)
    """By market, times as many."""
    tasks: Mapping[Queue, float] = field(default_factory=dict)
    """By queue, times as many of a submission."""
    seconds: Mapping[Queue, float] = field(default_factory=dict)
    """By queue, times as long a task."""
    once: Mapping[Queue, float] = field(default_factory=dict)
    """Tasks that are opened besides, evenly over the first week."""
    absence: float = 0.0
    """Share of paid hours that people are away for besides."""
    launch: Launch | None = None
    doubt: float = 0.0
    """Relative standard error of the tasks that the change makes, where it was measured on few ads."""

    @property
    def nothing(self) -> bool:
        return self == Change(name=self.name)


RAMP_DAYS = 10.0
"""A new market's submissions come near their level like 1 - exp(-days / RAMP_DAYS)."""


def changed(forecast: Forecast, change: Change) -> Forecast:
    """A forecast with the change from its first day on."""
    if change.nothing:
        return forecast
    grown = np.array([change.submissions.get(one.market, 1.0) for one in forecast.series])
    more = np.array([change.submissions.get(queue.market, 1.0) * change.tasks.get(queue, 1.0) for queue in forecast.queues])
    share = np.array([change.tasks.get(queue, 1.0) for queue in forecast.queues])
    made = replace(
        forecast,
        submissions=forecast.submissions * grown[:, None],
        share=forecast.share * share,
        daily=forecast.daily * more[:, None],
    )
    for queue, tasks in change.once.items():
        made = _with_tasks(made, queue, tasks)
    return made if change.launch is None else launched(made, change.launch)


def launched(forecast: Forecast, launch: Launch) -> Forecast:
    """With a market more, which has the mean week and shares of those it is like."""
    rows = [number for number, one in enumerate(forecast.series) if one.market in launch.like]
    days = forecast.daily.shape[1]
    pattern = forecast.submissions[rows].sum(axis=0)
    ramp = 1 - np.exp(-(np.arange(days) + 1) / RAMP_DAYS)
    level = launch.ads_a_day * pattern / max(float(pattern.mean()), 1e-9) * ramp
    surfaces = sorted({forecast.series[row].surface for row in rows})
    weight = np.array([forecast.submissions[[r for r in rows if forecast.series[r].surface == one]].sum() for one in surfaces])
    series = tuple(Series(launch.market, one) for one in surfaces)
    kinds = tuple(dict.fromkeys(queue.kind for queue in forecast.queues if queue.market in launch.like))
    queues = tuple(Queue(launch.market, kind) for kind in kinds)
    base = sum(float(forecast.submissions[row].sum()) for row in rows)
    share = np.array(
        [
            sum(float(forecast.daily[n].sum()) for n, q in enumerate(forecast.queues) if q.kind == k and q.market in launch.like) / base
            for k in kinds
        ]
    )
    if launch.reviewed is not None and "review" in kinds:
        there = float(share[kinds.index("review")])
        follows, others = launch.reviewed / there, (1 - launch.reviewed) / (1 - there)
        share *= [follows if kind in OF_REVIEWS else others if kind == "audit" else 1.0 for kind in kinds]
    return replace(
        forecast,
        series=(*forecast.series, *series),
        submissions=np.concatenate([forecast.submissions, (weight / weight.sum())[:, None] * level]),
        queues=(*forecast.queues, *queues),
        share=np.concatenate([forecast.share, share]),
        daily=np.concatenate([forecast.daily, share[:, None] * level]),
        naive=np.concatenate([forecast.naive, np.zeros(len(queues))]),
        before=np.concatenate([forecast.before, np.zeros((len(queues), forecast.before.shape[1]))]),
    )


def launched_shapes(shapes: Mapping[Queue, Shape], launch: Launch) -> dict[Queue, Shape]:
    """The shapes, and those of the new market: of the first it is like that has the queue."""
    made = dict(shapes)
    for market in reversed(launch.like):
        for queue, shape in shapes.items():
            if queue.market == market:
                made[Queue(launch.market, queue.kind)] = shape
    return made


def _with_tasks(forecast: Forecast, queue: Queue, tasks: float) -> Forecast:
    """``tasks`` more in the first week, in a queue that may be new."""
    if queue not in forecast.queues:
        forecast = replace(
            forecast,
            queues=(*forecast.queues, queue),
            share=np.append(forecast.share, 0.0),
            daily=np.concatenate([forecast.daily, np.zeros((1, forecast.daily.shape[1]))]),
            naive=np.append(forecast.naive, 0.0),
            before=np.concatenate([forecast.before, np.zeros((1, forecast.before.shape[1]))]),
        )
    daily = forecast.daily.copy()
    daily[forecast.queues.index(queue), :WEEK] += tasks / WEEK
    return replace(forecast, daily=daily)
