"""How likely a roster keeps its targets, and how long everybody waits: the twin, many times over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from adverdict.certification.statistics.intervals import clopper_pearson
from adverdict.review.tasks.routing import Reviewer
from adverdict.workforce.heads.twin import Person, answered
from adverdict.workforce.heads.week import LEAD_DAYS, Seconds, WeekWork, draw
from adverdict.workforce.operations.roster import Shift
from adverdict.workforce.operations.rules import Shrinkage, Targets
from adverdict.workforce.volume.history import WEEK_HOURS, Floats, Queue, Shape

SEEDS = 20
MOST_TASKS = 400_000
"""Of all draws together: a large platform's weeks differ less, so fewer of them say as much."""
FEWEST_SEEDS = 5
SPAN_HOURS = LEAD_DAYS * 24 + WEEK_HOURS
"""What is drawn; people go on a week longer, so that what is late is done, and counted late."""


@dataclass(frozen=True)
class Odds:
    """Of one week with one roster."""

    met: int
    """Draws in which every kind kept its target."""
    draws: int
    in_time: Mapping[str, float]
    """By kind, the mean share in time."""
    wait_p50: Mapping[Queue, float]
    """Hours from a task's being opened to its answer."""
    wait_p90: Mapping[Queue, float]
    busy: float
    """Share of the hours on duty spent on tasks."""

    @property
    def share(self) -> float:
        return self.met / self.draws

    def interval(self) -> tuple[float, float]:
        """95 %, of the probability that the targets are kept."""
        return clopper_pearson(self.met, self.draws)


def odds(
    work: WeekWork,
    shapes: Mapping[Queue, Shape],
    seconds: Seconds,
    roster: Sequence[Shift],
    start: datetime,
    shrinkage: Shrinkage,
    targets: Targets,
    *,
    variation: float,
    seed: int,
    golden_share: float = 0.0,
    draws: int = SEEDS,
) -> Odds:
    """``start``: the week's first hour, aware. People are on duty for what shrinkage leaves of their shifts."""
    rng = np.random.Generator(np.random.PCG64(seed))
    people = on_duty(roster, start - timedelta(days=LEAD_DAYS), SPAN_HOURS + WEEK_HOURS, shrinkage)
    profiles = [shift.skills for shift in roster]
    expected = float(work.hourly.sum()) * SPAN_HOURS / WEEK_HOURS
    seen = [
        _Seen.of(work, shapes, seconds, variation, rng, people, profiles, targets, golden_share)
        for _ in range(max(FEWEST_SEEDS, min(draws, int(MOST_TASKS / max(expected, 1.0)))))
    ]
    kinds = sorted({queue.kind for queue in work.queues})
    in_time = {kind: _mean([one.in_time.get(kind, 1.0) for one in seen]) for kind in kinds}
    waits = {queue: np.concatenate([one.waits.get(queue, np.zeros(0)) for one in seen]) for queue in work.queues}
    present = sum(
        min(end, SPAN_HOURS) - max(begin, LEAD_DAYS * 24)
        for person in people
        for begin, end in person.shifts
        if begin < SPAN_HOURS and end > LEAD_DAYS * 24
    )
    return Odds(
        met=sum(one.met for one in seen),
        draws=len(seen),
        in_time=in_time,
        wait_p50={queue: float(np.quantile(wait, 0.5)) for queue, wait in waits.items() if len(wait)},
        wait_p90={queue: float(np.quantile(wait, 0.9)) for queue, wait in waits.items() if len(wait)},
        busy=_mean([one.busy for one in seen]) / present if present else 0.0,
    )


def on_duty(roster: Sequence[Shift], begin: datetime, hours: int, shrinkage: Shrinkage) -> list[Person]:
    """Whole people, and for a fraction of one somebody who stays for that part of each shift."""
    found = []
    for profile, shift in enumerate(roster):
        spans, present = shift.spans(begin, hours), shift.people * (1 - shrinkage.of(shift.team))
        found += [Person(profile, tuple(spans)) for _ in range(int(present))]
        part = present - int(present)
        if part > 1e-6 and spans:
            found.append(Person(profile, tuple((low, low + part * (high - low)) for low, high in spans)))
    return found


@dataclass(frozen=True)
class _Seen:
    """One draw."""

    met: bool
    in_time: dict[str, float]
    waits: dict[Queue, Floats]
    busy: float

    @classmethod
    def of(
        cls,
        work: WeekWork,
        shapes: Mapping[Queue, Shape],
        seconds: Seconds,
        variation: float,
        rng: np.random.Generator,
        people: Sequence[Person],
        profiles: Sequence[Reviewer],
        targets: Targets,
        golden_share: float,
    ) -> _Seen:
        drawn = draw(work, shapes, seconds, variation, rng, more=1 + golden_share)
        found = answered(drawn.tasks, people, drawn.lanes, profiles, SPAN_HOURS + WEEK_HOURS)
        opened, due = drawn.tasks.opened, drawn.tasks.due
        judged = (due >= LEAD_DAYS * 24) & (due < SPAN_HOURS)
        kinds = np.array([queue.kind for queue in work.queues])[drawn.queue]
        in_time = {str(kind): float((found.done <= due)[judged & (kinds == kind)].mean()) for kind in np.unique(kinds[judged])}
        within = (opened >= LEAD_DAYS * 24) & (opened < SPAN_HOURS)
        waits = {queue: np.minimum(found.done - opened, SPAN_HOURS)[within & (drawn.queue == row)] for row, queue in enumerate(work.queues)}
        started = (found.begun >= LEAD_DAYS * 24) & (found.begun < SPAN_HOURS)
        busy = float(found.done[started].sum() - found.begun[started].sum())
        return cls(all(in_time[kind] >= targets.share(kind) for kind in in_time), in_time, waits, busy)


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if values else 0.0
