"""What a model said of some of the ads that it was asked about in one go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from adverdict.domain.decision import Reason
from adverdict.domain.familiarity import Familiarity
from adverdict.domain.risk import RiskScore
from adverdict.scoring.model import Risks


@dataclass(frozen=True, slots=True)
class PartOfRisks:
    """Implements ``scoring.model.Risks`` for the ads at these positions of the whole."""

    whole: Risks
    positions: Sequence[int]

    def risks(self, ad: int) -> dict[str, RiskScore]:
        return self.whole.risks(self.positions[ad])

    def familiarity(self, ad: int) -> Familiarity | None:
        return self.whole.familiarity(self.positions[ad])

    def reasons(self, ad: int, policies: Sequence[str]) -> tuple[Reason, ...]:
        return self.whole.reasons(self.positions[ad], policies)
