"""How far off forecasts are by queue and week, and whether their bands hold as often as they say."""

from __future__ import annotations

from typing import Any

import numpy as np

from adverdict.benchmarks.workforce.spread import interval
from adverdict.benchmarks.workforce.worlds import world
from adverdict.domain.progress import Progress
from adverdict.simulation.demand import Setup
from adverdict.workforce.forecast.forecast import FLOOR, MOMENTS, backtest
from adverdict.workforce.forecast.intervals import bands
from adverdict.workforce.volume.history import Floats

WEEKS = 2
ORIGINS = 28
"""A week apart, the last ones judged; the ones before are what their bands are learnt from."""


def accuracy(worlds: int, seed: int, progress: Progress) -> dict[str, Any]:
    """Over ``worlds`` simulated platforms, forecasts of the next ``WEEKS`` weeks."""
    progress.stage("forecasting simulated platforms", worlds)
    each = np.zeros((worlds, 5))
    """Of each world: tasks, tasks predicted, our errors, naive's, chance's."""
    cells: list[Floats] = []
    totals: list[Floats] = []
    for number in range(worlds):
        # Small and large platforms in turn: queues of a few tasks a week, where chance alone is most of the error, and of thousands.
        _, history, events = world(Setup(seed=seed + number, ads_a_day=(4_000, 12_000, 40_000)[number % 3]))
        past = backtest(history, events, WEEKS, ORIGINS)
        assert past is not None, "there are 52 weeks"
        whole = slice(MOMENTS + WEEKS, len(past.actual) - WEEKS + 1)
        actual, predicted, naive = past.actual[whole], past.predicted[whole], past.naive[whole]
        off = np.abs(actual - predicted).sum(), np.abs(actual - naive).sum(), FLOOR * np.sqrt(actual).sum()
        each[number] = actual.sum(), predicted.sum(), *off
        inside, inside_total = _inside(past.actual, past.predicted, whole)
        cells.append(inside)
        totals.append(inside_total)
        progress.advance()
    tasks, predicted_tasks, *errors = each.sum(axis=0)
    wape, naive_wape, floor = (one / tasks for one in errors)
    inside, inside_total = (np.array([one.mean() for one in told]) for told in (cells, totals))
    alike = np.ones(worlds)
    return {
        "weekly_wape": float(wape),
        "weekly_wape_interval": interval(each[:, 2], each[:, 0]),
        "floor_wape": float(floor),
        "naive_wape": float(naive_wape),
        "vs_seasonal_naive": float(1 - wape / naive_wape),
        "coverage": float(np.mean(np.concatenate(cells))),
        "coverage_interval": interval(inside, alike),
        "coverage_cells": sum(map(len, cells)),
        "total_coverage": float(np.mean(np.concatenate(totals))),
        "total_coverage_interval": interval(inside_total, alike),
        "total_coverage_cells": sum(map(len, totals)),
        "bias": float(predicted_tasks / tasks - 1),
        "bias_interval": [one - 1 for one in interval(each[:, 1], each[:, 0])],
        "worlds": worlds,
    }


def _inside(actual: Floats, predicted: Floats, judged: slice) -> tuple[Floats, Floats]:
    """For each judged moment, cells and totals within bands learnt from weeks that were over by then; float64, 1 for yes."""
    cells, totals = [], []
    for moment in range(judged.start, judged.stop):
        known = actual[:moment].copy()
        for back in range(1, WEEKS):
            known[moment - back, :, back:] = np.nan
        known, told = known[-MOMENTS:], predicted[:moment][-MOMENTS:]
        low, high = bands(known, told).of(predicted[moment])
        cells.append(((actual[moment] >= low) & (actual[moment] <= high)).ravel())
        low, high = bands(known.sum(axis=1, keepdims=True), told.sum(axis=1, keepdims=True)).of(predicted[moment].sum(axis=0))
        totals.append((actual[moment].sum(axis=0) >= low) & (actual[moment].sum(axis=0) <= high))
    return np.concatenate(cells).astype(np.float64), np.concatenate(totals).astype(np.float64)
