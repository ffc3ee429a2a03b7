"""The two sides a threshold can err on, and whose labels speak. Imports no statistics: whoever only reads certificates needs none."""

from __future__ import annotations

from enum import StrEnum


class Side(StrEnum):
    """Which of the two automatic verdicts, and so which error."""

    APPROVE = "approve"
    """Decides ``risk < threshold``; a violating ad is an error (leakage)."""
    REJECT = "reject"
    """Decides ``risk >= threshold``; an ad that does not violate is an error (wrongful rejection)."""


class Strength(StrEnum):
    """Whose labels a bound rests on."""

    OWN = "own"
    BORROWED = "borrowed"
    """The market's own, and those of others as far as markets are alike: it holds over markets like these, on average."""
    TOGETHER = "together"
    """Those of several markets: it holds for their traffic taken together, and one of them may do worse."""


class SamplePart(StrEnum):
    """Of which ads a planned sample draws; also how the design of a label begins to differ."""

    RANDOM = "random"
    """Of all."""
    EDGE = "edge"
    """Of the riskiest that would be approved."""
    ABOVE = "above"
    """Of those that may be rejected."""
