"""From submissions to tasks: the share of each kind, as it was lately.

Beta-binomial with a half-life of four weeks, drawn towards the kind's share in all markets. What comes of a submission later, an appeal
or a second reading, is set against the submissions of so many days before. Days with a brake on teach nothing.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from adverdict.workforce.volume.history import Floats, History

HALF_LIFE = 28.0
PRIOR = 200.0
"""Submissions that a kind's share in all markets counts for in one of them."""
LAG_DAYS: Mapping[str, float] = {"appeal": 2.0, "senior": 0.5, "double": 0.25}
"""From a submission to such a task, on average; of other kinds none."""


def shares(history: History) -> Floats:
    """Tasks a submission, float64 (queues,). 0 for a queue whose market had no submissions."""
    tasks, base = _seen(history)
    kinds = np.array([queue.kind for queue in history.queues])
    found = np.zeros(len(kinds))
    for kind in np.unique(kinds):
        rows = kinds == kind
        everywhere = tasks[rows].sum() / max(base[rows].sum(), 1e-9)
        found[rows] = (tasks[rows] + PRIOR * everywhere) / (base[rows] + PRIOR)
    return found


def tasks_ahead(history: History, submissions: Floats, share: Floats) -> Floats:
    """Tasks of each queue on each day ahead, from submissions (series, days ahead) and ``shares``; float64 (queues, days ahead)."""
    known = np.concatenate([history.submissions, submissions], axis=1)
    made = np.zeros((len(history.queues), submissions.shape[1]))
    for row, queue in enumerate(history.queues):
        series = [number for number, one in enumerate(history.series) if one.market == queue.market]
        made[row] = share[row] * lagged(known[series].sum(axis=0), queue.kind)[history.days :]
    return made


def lagged(daily: Floats, kind: str) -> Floats:
    """Submissions as they were when what is opened today was submitted; between two days in proportion. float64 (days,)."""
    lag = LAG_DAYS.get(kind, 0.0)
    days = np.arange(len(daily)) - lag
    return np.asarray(np.interp(days, np.arange(len(daily)), daily)) if len(daily) else daily


def _seen(history: History) -> tuple[Floats, Floats]:
    """Tasks and the submissions they came of, recent ones heavier; float64 (queues,) each."""
    weight = 0.5 ** (np.arange(history.days)[::-1] / HALF_LIFE) * history.learnable()
    base = np.array([lagged(history.of_market(queue.market), queue.kind) for queue in history.queues]).reshape(history.opened.shape)
    return (history.opened * weight).sum(axis=1), (base * weight).sum(axis=1)
