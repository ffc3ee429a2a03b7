"""The demand bound beside the twin: how many people each says, over shifts, deadlines and volumes."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from math import ceil
from typing import Any

import numpy as np

from adverdict.domain.progress import Progress
from adverdict.review.tasks.routing import Reviewer
from adverdict.review.tasks.tasks import RoutingKey
from adverdict.simulation.arrivals import WEEK_OF_HOURS
from adverdict.workforce.heads.bound import Stream, heads_for_deadlines
from adverdict.workforce.heads.twin import Person, Tasks, answered
from adverdict.workforce.volume.history import WEEK_HOURS, Floats

TARGET = 0.95
SECONDS, VARIATION = 90.0, 0.8
WEEKS = 2
COVERS = {
    "5x8": [(24 * day + 9, 24 * day + 17) for day in range(5)],
    "7x8": [(24 * day + 9, 24 * day + 17) for day in range(7)],
    "7x16": [(24 * day + 7, 24 * day + 23) for day in range(7)],
    "24x7": [(0, WEEK_HOURS)],
}
DEADLINES = {"5x8": (72.0, 96.0), "7x8": (24.0, 48.0, 72.0), "7x16": (12.0, 24.0, 48.0), "24x7": (1.0, 4.0, 24.0, 48.0)}
VOLUMES = (2_000, 4_000, 7_000, 15_000, 30_000)
LARGE = 60_000
SEEDS = 2
NEAR = 0.01
"""Beneath the target by which a number of people is not enough."""


@dataclass(frozen=True)
class Case:
    tasks: int
    """A week."""
    cover: str
    deadline: float


def bounds(quick: bool, seed: int, progress: Progress) -> dict[str, Any]:
    volumes = VOLUMES if quick else (*VOLUMES, LARGE)
    cases = [Case(tasks, cover, wait) for tasks, cover in product(volumes, COVERS) for wait in DEADLINES[cover]]
    progress.stage("bound and twin", len(cases))
    found = []
    for number, case in enumerate(cases):
        found.append(_compared(case, seed + number))
        progress.advance()
    off = [_off(one["bound"], one["twin"]) for one in found]
    return {
        "bound_vs_twin_low": min(off),
        "bound_vs_twin_high": max(off),
        "bound_within": sum(-0.02 <= one <= 0.07 for one in off),
        "bound_same": sum(one["bound"] == one["twin"] for one in found),
        "bound_not_enough": sum(one["met"] < TARGET - NEAR for one in found),
        "bound_cases": len(found),
        "cases": found,
    }


def _off(bound: int, twin: int) -> float:
    """Relative; one head is none."""
    return 0.0 if abs(bound - twin) <= 1 else bound / twin - 1


def _compared(case: Case, seed: int) -> dict[str, Any]:
    on_duty = np.zeros(WEEKS * WEEK_HOURS)
    for week, (low, high) in product(range(WEEKS), COVERS[case.cover]):
        on_duty[week * WEEK_HOURS + low : week * WEEK_HOURS + high] = 1.0
    stream = Stream(np.tile(WEEK_OF_HOURS * case.tasks, WEEKS), np.array([case.deadline]), SECONDS, VARIATION)
    told = heads_for_deadlines([stream], on_duty, TARGET)
    drawn = [_drawn(case, np.random.default_rng([seed, number])) for number in range(SEEDS)]
    bound = max(1, ceil(told - 1e-9))
    met = {bound: _met(bound, case, drawn)}
    heads = bound
    while met[heads] < TARGET:
        heads += 1
        met[heads] = _met(heads, case, drawn)
    while heads > 1:
        if heads - 1 not in met:
            met[heads - 1] = _met(heads - 1, case, drawn)
        if met[heads - 1] < TARGET:
            break
        heads -= 1
    return {**vars(case), "unrounded": told, "bound": bound, "twin": heads, "met": met[bound]}


def _drawn(case: Case, rng: np.random.Generator) -> Tasks:
    counts = rng.poisson(np.tile(WEEK_OF_HOURS * case.tasks, WEEKS))
    opened: Floats = np.sort(np.repeat(np.arange(len(counts)), counts) + rng.random(counts.sum()))
    spread = np.sqrt(np.log1p(VARIATION**2))
    seconds = SECONDS * np.exp(spread * rng.standard_normal(len(opened)) - spread**2 / 2)
    return Tasks(opened, opened + case.deadline, seconds, np.zeros(len(opened), dtype=np.int64))


def _met(heads: int, case: Case, drawn: list[Tasks]) -> float:
    """Share in time over all draws, of tasks due within the weeks."""
    shifts = tuple((week * WEEK_HOURS + low, week * WEEK_HOURS + high) for week in range(WEEKS) for low, high in COVERS[case.cover])
    met = asked = 0
    for tasks in drawn:
        found = answered(tasks, [Person(0, tuple((float(a), float(b)) for a, b in shifts))] * heads, [_LANE], [_WHO], WEEKS * WEEK_HOURS)
        judged = tasks.due < WEEKS * WEEK_HOURS
        met, asked = met + int((found.done <= tasks.due)[judged].sum()), asked + int(judged.sum())
    return met / asked


_LANE, _WHO = RoutingKey("SE", None, False, ()), Reviewer("anybody")
