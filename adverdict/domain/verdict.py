"""What may happen to an ad."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum


class Verdict(StrEnum):
    """Ordered by severity: approve, then review, then reject."""

    APPROVE = "approve"
    REVIEW = "review"
    REJECT = "reject"

    @property
    def severity(self) -> int:
        return _SEVERITY[self]


_ORDER = (Verdict.APPROVE, Verdict.REVIEW, Verdict.REJECT)
_SEVERITY = {verdict: severity for severity, verdict in enumerate(_ORDER)}


def of_severity(severity: int) -> Verdict:
    """0 approve, 1 review, 2 reject. Raises IndexError above."""
    return _ORDER[severity]


def most_severe(verdicts: Iterable[Verdict]) -> Verdict:
    """The decision over several policies. Nothing to go by is not innocence: no verdict at all means review."""
    return max(verdicts, key=_SEVERITY.__getitem__, default=Verdict.REVIEW)
