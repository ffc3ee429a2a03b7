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
    """Whose labels a certificate rests on."""

    OWN = "own"
    POOLED = "pooled"
    """Those of several markets together; it holds for their traffic taken together."""
