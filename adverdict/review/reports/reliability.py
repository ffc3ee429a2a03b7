"""How often who reports is right: one rate a reporter, drawn from what reporters are like, of which two numbers are estimated.

A reporter's reports that people have settled are right k times of n; k is beta-binomial with mean m and concentration c over reporters. m
and c are those that make what was seen likeliest (type II maximum likelihood; Casella 1985), held back by a weak prior, so that few
reports say little. A reporter of whom nothing was settled is as right as reporters are: floods of new ones bring m down, and themselves
with it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import betaln

LEAST, MOST = 0.5, 200.0
"""Of the concentration."""
MEANS = np.linspace(0.01, 0.99, 99)
CONCENTRATIONS = np.geomspace(LEAST, MOST, 40)
PRIOR_MEAN, PRIOR_WEIGHT = 0.2, 4.0
"""As if the means of so many kinds of reporters were known, and lay around this: a beta density."""
SEVERAL = 0.5
"""What each further report of an ad counts beside the one before: people who report the same ad are not independent."""


@dataclass(frozen=True)
class Reliability:
    """What reporters are like: the mean share of their reports that is right, and how alike they are in it."""

    mean: float
    concentration: float

    def of(self, right: int, settled: int) -> float:
        """The expected share of a reporter's reports that is right."""
        return (self.mean * self.concentration + right) / (self.concentration + settled)


def estimate(records: Sequence[tuple[int, int]]) -> Reliability:
    """From (right, settled) of each reporter of whom anything was settled."""
    counted: dict[tuple[int, int], int] = {}
    for one in records:
        if one[1] > 0:
            counted[one] = counted.get(one, 0) + 1
    m, c = MEANS[:, None], CONCENTRATIONS[None, :]
    a, b = m * c, (1 - m) * c
    told = (PRIOR_WEIGHT * PRIOR_MEAN - 1) * np.log(m) + (PRIOR_WEIGHT * (1 - PRIOR_MEAN) - 1) * np.log1p(-m) + 0 * c
    for (right, settled), times in counted.items():
        told = told + times * (betaln(a + right, b + settled - right) - betaln(a, b))
    weights = np.exp(told - told.max())
    weights /= weights.sum()
    return Reliability(float((weights * m).sum()), float(np.exp((weights * np.log(c)).sum())))


def likely(shares: Sequence[float]) -> float:
    """How likely an ad violates, by those of its reporters: the likeliest first, each further one counts ``SEVERAL`` times less."""
    harmless = 1.0
    for number, share in enumerate(sorted(shares, reverse=True)):
        harmless *= 1 - share * SEVERAL**number
    return 1 - harmless


def records_of(reports: Mapping[str, Sequence[bool | None]]) -> dict[str, tuple[int, int]]:
    """Reporter -> (right, settled), from whether each report was right; None: nobody knows yet."""
    return {name: (sum(one is True for one in told), sum(one is not None for one in told)) for name, told in reports.items()}
