"""How review is run: leases, shares read twice, golden tasks, and until when a task should be answered."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from adverdict.domain.errors import InvalidSettings, Mistake
from adverdict.domain.settings import Settings

Kind = Literal["review", "audit", "sample", "double", "senior", "appeal", "recheck", "golden"]

HOUR = 3600.0


@dataclass(frozen=True)
class ReviewSettings:
    """Raises InvalidSettings, naming every setting that cannot be used."""

    lease_seconds: float = 900
    """How long a reviewer may be away before the task goes to somebody else."""
    double_share: float = 0.05
    """Probability in [0, 1] that a case in which nothing is contested is read blind by more people all the same."""
    golden_share: float = 0.03
    """Probability in [0, 1) that a golden task comes before a task."""
    review_deadline_hours: float = 24
    audit_deadline_hours: float = 72
    sample_deadline_hours: float = 168
    double_deadline_hours: float = 48
    senior_deadline_hours: float = 12
    appeal_deadline_hours: float = 24
    recheck_deadline_hours: float = 24
    soonest_seconds: float = 60
    """What even the most harmful task waits before later ones no longer overtake it."""
    handling_seconds: float = 45
    """Expected time of a reviewer for one task."""
    calm_harm: float = 1.0
    """Harm a minute up to which a task may wait until its deadline."""
    grave_harm: float = 1e6
    """Harm a minute from which on it waits only ``soonest_seconds``; between the two the wait falls with the logarithm."""
    assumed_impressions: float = 10_000
    """Of an ad that does not say how many it expects."""

    @classmethod
    def of(cls, settings: Settings) -> ReviewSettings:
        """Those the operator chose, the rest as usual."""
        return cls(
            lease_seconds=settings.review_lease_seconds,
            double_share=settings.review_double_share,
            golden_share=settings.review_golden_share,
        )

    def __post_init__(self) -> None:
        mistakes = list(self._mistakes())
        if mistakes:
            raise InvalidSettings("the settings of review cannot be used:", mistakes)

    def deadline_seconds(self, kind: Kind) -> float:
        """The longest a task of this kind waits before nothing overtakes it. Golden tasks are answered when they are shown."""
        return (
            HOUR
            * {
                "review": self.review_deadline_hours,
                "audit": self.audit_deadline_hours,
                "sample": self.sample_deadline_hours,
                "double": self.double_deadline_hours,
                "senior": self.senior_deadline_hours,
                "appeal": self.appeal_deadline_hours,
                "recheck": self.recheck_deadline_hours,
                "golden": self.review_deadline_hours,
            }[kind]
        )

    def _mistakes(self) -> Iterator[Mistake]:
        if not 0 <= self.double_share <= 1:
            yield Mistake("double_share", self.double_share, "a probability from 0 to 1")
        if not 0 <= self.golden_share < 1:
            yield Mistake("golden_share", self.golden_share, "a probability from 0 to below 1")
        for name in ("lease_seconds", "soonest_seconds", "handling_seconds", "calm_harm", "grave_harm", "assumed_impressions"):
            if not _positive(getattr(self, name)):
                yield Mistake(name, getattr(self, name), "a number above 0")
        for name in ("review", "audit", "sample", "double", "senior", "appeal", "recheck"):
            hours = getattr(self, f"{name}_deadline_hours")
            if not (_positive(hours) and hours * HOUR >= self.soonest_seconds):
                yield Mistake(f"{name}_deadline_hours", hours, f"at least soonest_seconds ({self.soonest_seconds:g} s)")
        if not self.calm_harm < self.grave_harm:
            yield Mistake("grave_harm", self.grave_harm, f"more than calm_harm ({self.calm_harm:g})")


def _positive(value: float) -> bool:
    return math.isfinite(value) and value > 0
