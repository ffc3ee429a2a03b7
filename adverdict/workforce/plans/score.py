"""What a plan was worth: how far off it was, and which of its parts was.

People needed are a product: submissions, tasks a submission, seconds a task, and paid hours an hour on duty. What each part's error did
to it is told apart exactly, whatever the others did (logarithmic mean Divisia index: Ang 2004, Energy Policy 32).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import exp, log
from typing import Literal

from adverdict.workforce.volume.history import Queue

Cause = Literal["volume", "conversion", "time", "absence"]
CAUSES: tuple[Cause, ...] = ("volume", "conversion", "time", "absence")
SMALL = 0.03
"""Relative error of the people below which nothing needs a cause."""


@dataclass(frozen=True)
class Part:
    """One queue in one week, as planned or as it came."""

    tasks: float
    submissions: float
    """Of its market."""
    seconds: float
    """A task, on average."""


@dataclass(frozen=True)
class PlannedWeek:
    parts: Mapping[Queue, Part]
    bands: Mapping[Queue, tuple[float, float]]
    """P10 and P90 of tasks."""
    absence: float
    """Share of paid hours, in [0, 1)."""


@dataclass(frozen=True)
class RealisedWeek:
    parts: Mapping[Queue, Part]
    absence: float | None
    """None: nobody can tell, as no roster says who should have been there."""


@dataclass(frozen=True)
class Score:
    """Of one week. Shares are relative to what came."""

    tasks: float
    """That came."""
    wape: float
    """Sum of absolute errors of queues over all tasks that came."""
    bias: float
    """Tasks planned over those that came, less 1."""
    covered: int
    """Queues whose tasks lay in their P10-P90 band."""
    queues: int
    fte_error: float
    """People planned over people needed, less 1."""
    by_cause: Mapping[Cause, float]
    """What each part's error did to the people planned, as a share of those needed; they multiply to the whole."""
    cause: Cause | None
    """The largest; None: the error is small."""


def score(planned: PlannedWeek, realised: RealisedWeek) -> Score | None:
    """None where no task came, for then there is nothing to be relative to."""
    came = sum(part.tasks for part in realised.parts.values())
    if not came:
        return None
    queues = sorted({*planned.parts, *realised.parts})
    nothing = Part(0.0, 0.0, 0.0)
    pairs = {queue: (planned.parts.get(queue, nothing), realised.parts.get(queue, nothing)) for queue in queues}
    covered = sum(low <= pairs[queue][1].tasks <= high for queue, (low, high) in planned.bands.items())
    logs = _logs(pairs, planned.absence, planned.absence if realised.absence is None else realised.absence)
    total = sum(logs.values())
    largest: Cause = max(CAUSES, key=lambda one: abs(logs[one]))
    cause = largest if abs(exp(total) - 1) > SMALL else None
    return Score(
        tasks=came,
        wape=sum(abs(told.tasks - one.tasks) for told, one in pairs.values()) / came,
        bias=sum(told.tasks for told, _ in pairs.values()) / came - 1,
        covered=covered,
        queues=len(planned.bands),
        fte_error=exp(total) - 1,
        by_cause={one: exp(logs[one]) - 1 for one in CAUSES},
        cause=cause,
    )


def _logs(pairs: Mapping[Queue, tuple[Part, Part]], planned_absence: float, absence: float) -> dict[Cause, float]:
    """Logarithm of planned over needed, by part; they add up to that of all people."""
    found: dict[Cause, float] = dict.fromkeys(CAUSES, 0.0)
    hours = [sum(part[side].tasks * part[side].seconds for part in pairs.values()) for side in (0, 1)]
    if not all(hours):
        return found
    whole = _mean(hours[0], hours[1])
    for told, one in pairs.values():
        if not (told.tasks and one.tasks and told.seconds and one.seconds and told.submissions and one.submissions):
            continue
        weight = _mean(told.tasks * told.seconds, one.tasks * one.seconds) / whole
        found["volume"] += weight * log(told.submissions / one.submissions)
        found["conversion"] += weight * log((told.tasks / told.submissions) / (one.tasks / one.submissions))
        found["time"] += weight * log(told.seconds / one.seconds)
    # Queues that were planned and did not come, or came unplanned, have no ratio: theirs is an error of conversion.
    found["conversion"] += log(hours[0] / hours[1]) - sum(found.values())
    found["absence"] = log((1 - absence) / (1 - planned_absence))
    return found


def _mean(a: float, b: float) -> float:
    """Logarithmic mean."""
    return a if a == b else (a - b) / log(a / b)
