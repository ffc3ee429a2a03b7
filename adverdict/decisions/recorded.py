"""What a decision on record says of how it was made, for deciding its ad again."""

from __future__ import annotations

from adverdict.domain.decision import Decision
from adverdict.domain.degraded import Cause, degradations
from adverdict.domain.familiarity import Familiarity


def familiarity_of(made: Decision) -> Familiarity | None:
    """As it was measured. What was strange is told by what the decision said of it, or not at all."""
    if made.familiarity is None:
        return None
    strange = [one.about or "text" for one in degradations(made.degraded) if one.cause is Cause.UNFAMILIAR]
    return Familiarity(made.familiarity, tuple(strange) or ("text",))
