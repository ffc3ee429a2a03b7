"""One budget of false alarms a year for everything that is watched, shared out: nobody reads a pager that rings every day.

What a cell may spend is turned into the evidence at which it rings by simulating its own stream of answers, with as much wrong as is still
promised or tolerated (``leakage.level_of``, ``calibration.level_of``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from adverdict.decisions.policy import Severity
from adverdict.domain.errors import InvalidInput, Mistake

DAYS_A_YEAR = 365.25
MOST = 0.5
"""Below an evidence of 2 nothing rings, however large the budget."""
MOST_OF_A_CELL = 1.0
"""False alarms a year: a cell that rings more often than that without a cause says nothing."""


class Watched(StrEnum):
    """What a detector looks at."""

    LEAKAGE = "leakage"
    """Violating ads among the approved."""
    WRONGFUL = "wrongful"
    """Ads that do not violate among the rejected."""
    CALIBRATION = "calibration"
    """Risks that no longer mean what they say."""


SHARES: Mapping[Watched, float] = {Watched.LEAKAGE: 0.5, Watched.WRONGFUL: 0.2, Watched.CALIBRATION: 0.3}
"""Of the budget, by what is watched."""
WEIGHTS: Mapping[Severity, float] = {Severity.ZERO_TOLERANCE: 3.0, Severity.SEVERE: 2.0, Severity.SERIOUS: 1.5, Severity.QUALITY: 1.0}
"""Where a miss is graver, more false alarms are worth a sooner true one."""


@dataclass(frozen=True)
class Cell:
    """What one detector watches: one policy in the markets that share a certificate."""

    watched: Watched
    policy: str
    severity: Severity
    markets: tuple[str, ...]


def alarms_a_year(cells: Sequence[Cell], budget: float) -> dict[Cell, float]:
    """How often each cell may ring falsely, so that all of them together do ``budget`` times a year.

    What nobody watches leaves its share to the others, up to ``MOST_OF_A_CELL`` each.

    Raises InvalidInput for a budget that is not positive.
    """
    if not budget > 0:
        raise InvalidInput("no budget of false alarms", [Mistake("budget", budget, "more than 0 a year: none at all is no alarm")])
    total = sum(SHARES[kind] for kind in {cell.watched for cell in cells})
    found = {}
    for cell in cells:
        alike = sum(WEIGHTS[other.severity] for other in cells if other.watched is cell.watched)
        found[cell] = min(budget * SHARES[cell.watched] / total * WEIGHTS[cell.severity] / alike, MOST_OF_A_CELL)
    return found
