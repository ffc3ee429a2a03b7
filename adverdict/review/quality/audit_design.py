"""Who reads an audited ad again.

One reading of each ad drowns rare violations in false alarms: of 10 000 ads of which 10 violate, reviewers who wrongly flag 14 in 1000 flag
150. So every ad that its first reading calls violating is read twice more, blind, by two other reviewers: false alarms seldom repeat. A
random few of the others are read twice more as well; they tell how often a first reading misses what later ones see.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from adverdict.review.quality.prevalence import Patterns


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


def _binomial(n: int, p: float) -> list[float]:
    chances = [1.0]
    for _ in range(n):
        chances = np.convolve(chances, [1 - p, p]).tolist()
    return chances
