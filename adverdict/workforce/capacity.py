"""The reviews a day that a roster has time for: what thresholds may leave to people."""

from __future__ import annotations

from dataclasses import dataclass

from adverdict.domain.errors import InvalidInput, Mistake
from adverdict.ledger.store import Ledger
from adverdict.workforce.operations.read import Operations
from adverdict.workforce.practice import Practice, measured
from adverdict.workforce.volume import projection


@dataclass(frozen=True)
class RosterCapacity:
    """``reviews`` a day, and what they come from."""

    reviews: float
    hours: float
    """Of people on duty a day, without shrinkage's part and within the occupancy cap."""
    for_reviews: float
    """Share of them that other kinds of tasks leave, in (0, 1]."""
    seconds: float
    """A review."""
    measured: bool
    """Whether the last two are those of a ledger; otherwise all time is for reviews of the usual length."""

    def __str__(self) -> str:
        known = "as measured" if self.measured else "as usual: too few answers are on record"
        return (
            f"{self.reviews:,.0f} reviews a day: {self.hours:,.1f} hours on duty, {self.for_reviews:.0%} of them for reviews, "
            f"{self.seconds:,.0f} s a review, {known}"
        )


def roster_capacity(operations: Operations, ledger: Ledger | None, lease_seconds: float, usual_seconds: float) -> RosterCapacity:
    """On an average day of the week. Raises InvalidInput where nobody is rostered."""
    if not operations.roster:
        raise InvalidInput(
            "the roster has no capacity:", [Mistake("roster.csv", "(nobody)", "people on a roster, in the operations folder")]
        )
    here = sum(shift.people * shift.hours * len(shift.days) / 7 * (1 - operations.shrinkage.of(shift.team)) for shift in operations.roster)
    hours = here * operations.targets.occupancy
    practice = measured(ledger, lease_seconds, usual_seconds) if ledger else Practice(told=usual_seconds)
    by_kind = _hours_by_kind(ledger) if ledger and practice.means else {}
    total = sum(by_kind.values())
    for_reviews = by_kind.get("review", 0.0) / total if total else 1.0
    seconds = practice.of("review", "").seconds
    return RosterCapacity(hours * for_reviews * 3600 / seconds, hours, for_reviews, seconds, bool(practice.means))


def _hours_by_kind(ledger: Ledger) -> dict[str, float]:
    """Of handling, of all answers on record."""
    projection.follow(ledger)
    return {kind: seconds / 3600 for kind, seconds in projection.answered_seconds(ledger).items()}
