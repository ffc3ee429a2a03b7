"""How many people the weeks from an opening on need, with it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import numpy as np

from adverdict.certification.statistics.intervals import clopper_pearson
from adverdict.domain.progress import SILENT, Progress
from adverdict.monitoring.launch.words import MARGIN, Launch, PeopleWeek
from adverdict.workforce.change import RAMP_DAYS, launched, launched_shapes
from adverdict.workforce.change import Launch as MarketLaunch
from adverdict.workforce.forecast.forecast import Forecast, forecast
from adverdict.workforce.outlook import Known, outlook
from adverdict.workforce.volume.history import WEEK, Queue, Shape, weekly

CHANCE = 0.05
"""With which a week whose odds keep the target looks as if they did not."""
AHEAD = 8
"""Weeks from the opening on."""
FURTHEST = 26
"""Weeks that are planned at most."""
OF_REVIEW = ("review", "double", "senior")
"""Kinds of tasks that there are more of where people read every ad."""


def people_weeks(
    known: Known, launch: Launch, read_all: Collection[str], *, twin: bool = True, progress: Progress = SILENT
) -> tuple[PeopleWeek, ...]:
    """For ``MARGIN`` times as many ads as were stated. ``read_all``: markets in which people decide all of them. Further ahead than can be
    forecast it is planned as if it opened in the last weeks that can. Raises InvalidInput where the history is too short."""
    launch = replace(launch, ads_per_day=MARGIN * launch.ads_per_day)
    first = min(max(0, (launch.opens - known.history.end).days), (FURTHEST - AHEAD) * WEEK)
    weeks = first // WEEK + AHEAD
    without = forecast(known.history, known.operations.events, weeks)
    told = with_launch(without, launch, first, read_all)
    shapes = known.shapes
    if launch.what == "market":
        own = MarketLaunch(launch.name, launch.like, launch.ads_per_day)
        shapes = _reading(launched_shapes(shapes, own), launch)
    plan = outlook(replace(known, shapes=shapes), weeks, told=told, twin=twin, progress=progress)
    extra = weekly(told.daily).sum(axis=0) - weekly(without.daily).sum(axis=0)
    return tuple(
        PeopleWeek(
            week.start,
            week.staffing.fte,
            week.staffing.rostered if known.rostered else 0.0,
            week.odds.share if week.odds else None,
            week.tasks,
            float(extra[number]),
            clopper_pearson(week.odds.met, week.odds.draws, 1 - 2 * CHANCE)[1] if week.odds else None,
        )
        for number, week in enumerate(plan.weeks)
        if number >= first // WEEK
    )


def review_share(known: Known, launch: Launch) -> float | None:
    """Of ads like its own, the share that people read today; None: there is no past."""
    where = set(launch.like or launch.markets)
    ads = sum(float(known.history.of_market(market).sum()) for market in where)
    rows = [number for number, queue in enumerate(known.history.queues) if queue.market in where and queue.kind == "review"]
    return min(1.0, float(known.history.opened[rows].sum()) / ads) if ads else None


def with_launch(made: Forecast, launch: Launch, first: int, read_all: Collection[str]) -> Forecast:
    """The forecast with what opens on its day ``first`` and grows up in about four weeks."""
    return _market(made, launch, first, read_all) if launch.what == "market" else _more(made, launch, first, read_all)


def _market(made: Forecast, launch: Launch, first: int, read_all: Collection[str]) -> Forecast:
    with_it = launched(made, MarketLaunch(launch.name, launch.like, launch.ads_per_day))
    submissions, daily = with_it.submissions.copy(), with_it.daily.copy()
    for rows, table in (
        ([n for n, one in enumerate(with_it.series) if one.market == launch.name], submissions),
        ([n for n, one in enumerate(with_it.queues) if one.market == launch.name], daily),
    ):
        late = np.zeros_like(table[rows])
        late[:, first:] = table[rows][:, : table.shape[1] - first]
        table[rows] = late
    factor = np.ones(len(with_it.queues))
    if launch.name in read_all:
        read = with_it.share[with_it.queues.index(Queue(launch.name, "review"))]
        for number, queue in enumerate(with_it.queues):
            if queue.market == launch.name:
                factor[number] = 1 / max(float(read), 1e-6) if queue.kind in OF_REVIEW else float(queue.kind != "audit")
    return replace(with_it, submissions=submissions, daily=daily).times(factor)


def _more(made: Forecast, launch: Launch, first: int, read_all: Collection[str]) -> Forecast:
    """More ads where there are some already, spread as these are."""
    days = made.daily.shape[1]
    ramp = np.zeros(days)
    ramp[first:] = 1 - np.exp(-(np.arange(days - first) + 1) / RAMP_DAYS)
    of_market = {market: sum(made.submissions[n] for n, s in enumerate(made.series) if s.market == market) for market in launch.markets}
    total = sum(float(np.sum(one)) for one in of_market.values()) / days
    daily = made.daily.copy()
    for number, queue in enumerate(made.queues):
        if queue.market not in of_market or not total:
            continue
        ads = launch.ads_per_day * float(np.mean(of_market[queue.market])) / total * ramp
        share = float(made.share[number])
        if queue.market in read_all:
            read = made.share[made.queues.index(Queue(queue.market, "review"))] if Queue(queue.market, "review") in made.queues else 1.0
            share = share / max(float(read), 1e-6) if queue.kind in OF_REVIEW else share * (queue.kind != "audit")
        daily[number] += ads * share
    return replace(made, daily=daily)


def _reading(shapes: dict[Queue, Shape], launch: Launch) -> dict[Queue, Shape]:
    """Its tasks ask for its own language, not for those of the markets it is like."""
    own = {queue: shape for queue, shape in shapes.items() if queue.market == launch.name}
    told = {
        queue: replace(shape, lanes=tuple(replace(lane, language=launch.languages[0] if lane.language else None) for lane in shape.lanes))
        for queue, shape in own.items()
    }
    return {**shapes, **told}
