"""Who reads an audited ad again, and how many audits it takes to know a share well enough.

One reading of each ad drowns rare violations in false alarms: of 10 000 ads of which 10 violate, reviewers who wrongly flag 14 in 1000 flag
150. So every ad that its first reading calls violating is read twice more, blind, by two other reviewers: false alarms seldom repeat. A
random few of the others are read twice more as well; they tell how often a first reading misses what later ones see.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from adverdict.domain.errors import InvalidInput, Mistake
from adverdict.domain.verdict import Verdict
from adverdict.review.quality.prevalence import AuditShare, AuditStratum, GoldenReadings, Patterns, audit


@dataclass(frozen=True)
class AuditDesign:
    """Further readings of an audited ad. Its probabilities are recorded with each audit and depend on the first reading only."""

    again_if_violating: float = 1.0
    again_otherwise: float = 0.02
    further: int = 2
    """Readings by other reviewers, who do not know of the first."""

    def again(self, first_says_violating: bool) -> float:
        """Probability that an audited ad is read again."""
        return self.again_if_violating if first_says_violating else self.again_otherwise

    def expected(self, audits: float, share: float, sensitivity: float, specificity: float) -> Patterns:
        """Ads with each pattern of readings, on average."""
        patterns: Counter[tuple[int, int]] = Counter()
        for part, says in ((share, sensitivity), (1 - share, 1 - specificity)):
            for first, chance in ((1, says), (0, 1 - says)):
                ads = audits * part * chance
                again = self.again(bool(first))
                patterns[1, first] += ads * (1 - again)  # type: ignore[assignment]
                for more, one in enumerate(_binomial(self.further, says)):
                    patterns[1 + self.further, first + more] += ads * again * one  # type: ignore[assignment]
        return patterns

    def readings(self, audits: float, share: float, sensitivity: float, specificity: float) -> float:
        """Readings so many audits take, on average."""
        flagged = share * sensitivity + (1 - share) * (1 - specificity)
        return audits * (1 + self.further * (flagged * self.again_if_violating + (1 - flagged) * self.again_otherwise))


@dataclass(frozen=True)
class AuditPlan:
    """What a width takes."""

    audits: int
    readings: int
    share: AuditShare
    """What these audits would show if all came as expected."""


@dataclass(frozen=True)
class Expected:
    """What a plan supposes: the share violating, the mean reviewer's rates, and golden readings of each kind."""

    share: float
    sensitivity: float = 0.92
    specificity: float = 0.985
    golden: int = 300


def audit_plan(width: float, expected: Expected, design: AuditDesign | None = None, at_most: int = 1_000_000) -> AuditPlan | None:
    """Fewest audits, to about 2 %, whose interval is expected to be no wider than ``width``; None beyond ``at_most``, or if none would do.

    Takes about a second. Without end many decisions are supposed. ``width``, the share and the rates in (0, 1).
    """
    design = design or AuditDesign()
    mistakes = list(_mistakes(width, expected))
    if mistakes:
        raise InvalidInput("an audit cannot be planned like this", mistakes)
    low = high = 16
    found = last = _expect(high, expected, design)
    while last.high - last.low > width:
        low, high = high, high * 2
        if high > at_most:
            return None
        found = last = _expect(high, expected, design)
    while high - low > max(1, high // 50):
        middle = (low + high) // 2
        last = _expect(middle, expected, design)
        if last.high - last.low > width:
            low = middle
        else:
            high, found = middle, last
    readings = design.readings(high, expected.share, expected.sensitivity, expected.specificity)
    return AuditPlan(high, round(readings), found)


def _expect(audits: int, expected: Expected, design: AuditDesign) -> AuditShare:
    patterns = design.expected(audits, expected.share, expected.sensitivity, expected.specificity)
    stratum = AuditStratum("plan", Verdict.APPROVE, audits * 1000, 1.0, patterns)
    right = round(expected.golden * expected.sensitivity), round(expected.golden * expected.specificity)
    return audit([stratum], GoldenReadings(expected.golden, right[0], expected.golden, right[1])).prevalence


def _binomial(n: int, p: float) -> list[float]:
    chances = [1.0]
    for _ in range(n):
        chances = np.convolve(chances, [1 - p, p]).tolist()
    return chances


def _mistakes(width: float, expected: Expected) -> Iterator[Mistake]:
    for name, value in (("width", width), ("share", expected.share)):
        if not 0 < value < 1:
            yield Mistake(name, value, "above 0 and below 1")
    for name, value in (("sensitivity", expected.sensitivity), ("specificity", expected.specificity)):
        if not 0.5 < value < 1:
            yield Mistake(name, value, "above 0.5, which is chance, and below 1")
    if expected.golden < 0:
        yield Mistake("golden", expected.golden, "0 or more")
