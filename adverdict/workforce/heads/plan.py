"""People for a week so that its targets are kept with a stated probability. Fractions are kept: who reads the number rounds it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from statistics import NormalDist

import numpy as np

from adverdict.workforce.heads.bound import Stream, heads_for_deadlines
from adverdict.workforce.heads.week import LEAD_DAYS, Seconds, WeekWork, shape_of
from adverdict.workforce.operations.roster import Shift
from adverdict.workforce.operations.rules import Targets
from adverdict.workforce.volume.history import WEEK_HOURS, Queue, Shape


def heads_for_odds(
    work: WeekWork, shapes: Mapping[Queue, Shape], seconds: Seconds, shift: Shift, start: datetime, targets: Targets, *, variation: float
) -> float:
    """People on duty in a shift who take every task: enough for the volume that is exceeded in one of ``1 / (1 - targets.met)`` weeks.

    Infinity where no number is enough. The queue is a cliff: one person fewer and it never catches up, so it is the volume, and not the
    mean wait, that the probability is about.
    """
    streams = []
    for row, queue in enumerate(work.queues):
        shape = shape_of(shapes, queue)
        mean = sum(share.share * seconds(queue, share) for share in shape.lanes)
        hourly = np.concatenate([work.before[row], work.hourly[row]])
        if hourly.sum() > 0:
            streams.append(Stream(hourly, shape.due_hours, mean, variation))
    on_duty = shift.hours_on(start - timedelta(days=LEAD_DAYS), LEAD_DAYS * 24 + WEEK_HOURS)
    target = min(targets.share(queue.kind) for queue in work.queues)
    return heads_for_deadlines(streams, on_duty, target) * high_volume(work, targets.met)


def high_volume(work: WeekWork, probability: float) -> float:
    """Times the mean volume that is not exceeded with this probability."""
    hours = work.hourly.sum(axis=1)
    own = float(np.sqrt(((work.own * hours) ** 2).sum())) / max(float(hours.sum()), 1e-9)
    spread = float(np.sqrt(work.common**2 + own**2 + 1 / max(float(hours.sum()), 1.0)))
    return 1 + NormalDist().inv_cdf(probability) * spread
