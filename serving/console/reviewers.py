"""Reviewers as the quality page has them: one line each, and no figure where there is nothing to tell it from."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from adverdict.review.quality.estimates import Estimate
from adverdict.review.quality.quality import ReviewerQuality, Workload
from adverdict.storage.charts import Interval, interval

FEWEST = 10.0
"""Ads of known truth that readings must be worth before a rate is told: below, it is the prior's figure."""


@dataclass(frozen=True)
class Rate:
    """A share with its interval, drawn from 0 to 1."""

    value: float
    low: float
    high: float
    worth: float
    drawing: Interval


@dataclass(frozen=True)
class Measured:
    """One policy of one reviewer. None: not measured yet."""

    policy: str
    sensitivity: Rate | None
    specificity: Rate | None
    settled: bool


@dataclass(frozen=True)
class ReviewerLine:
    """``measured``: policies of which something can be told; ``unmeasured``: how many there are besides."""

    work: Workload
    measured: tuple[Measured, ...]
    unmeasured: int
    readings: int
    golden: int


def lines(workload: Sequence[Workload], quality: Sequence[ReviewerQuality]) -> tuple[ReviewerLine, ...]:
    by_reviewer: dict[str, list[ReviewerQuality]] = defaultdict(list)
    for one in quality:
        by_reviewer[one.quality.reviewer].append(one)
    return tuple(_line(work, by_reviewer[work.reviewer]) for work in workload)


def _line(work: Workload, found: Sequence[ReviewerQuality]) -> ReviewerLine:
    made = [Measured(one.policy, _rate(one.quality.sensitivity), _rate(one.quality.specificity), one.settled) for one in found]
    measured = tuple(one for one in made if one.sensitivity is not None or one.specificity is not None)
    readings, golden = sum(one.quality.readings for one in found), sum(one.quality.golden for one in found)
    return ReviewerLine(work, measured, len(made) - len(measured), readings, golden)


def _rate(one: Estimate) -> Rate | None:
    return Rate(one.value, one.low, one.high, one.n, interval(one.low, one.value, one.high, None, 1.0)) if one.n >= FEWEST else None
