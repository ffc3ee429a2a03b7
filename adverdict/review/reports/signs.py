"""What the platform sees of live ads: shown more often than was expected, another landing page, another creative under the same id."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from adverdict.decisions.policy import PolicyBook
from adverdict.domain.errors import InvalidInput, Mistake
from adverdict.ledger.bodies.signals import Sign
from adverdict.ledger.effective import effective_decisions
from adverdict.ledger.entries import DecisionMade
from adverdict.ledger.store import Writing, find
from adverdict.review.tasks.rechecking import Suspect, put_back
from adverdict.review.tasks.settings import ReviewSettings

TIMES = 3.0
"""As often as was expected an ad is shown before it is read again."""
LEAST = 10_000
"""Impressions below which it is not: few people saw it."""
SAYS = {
    "landing_page": "The page it leads to was edited since it was decided.",
    "creative": "Another creative is shown under the same id than the one that was decided.",
}


@dataclass(frozen=True)
class Seen:
    """What the platform says of an ad."""

    ad_id: str
    sign: Literal["impressions", "landing_page", "creative"]
    impressions: float | None = None
    """So far; of that sign."""


def take_signs(
    writing: Writing, told: Sequence[Seen], book: PolicyBook, settings: ReviewSettings, by: str, now: datetime
) -> list[str | None]:
    """The task that each leads to; None: none, as where it is shown as often as was expected. Raises InvalidInput with every mistake;
    nothing is on record then."""
    connection = writing.connection
    known = effective_decisions(connection, [one.ad_id for one in told])
    wrong = [
        Mistake(f"signals[{number}].ad_id", one.ad_id, "an ad that was decided here")
        for number, one in enumerate(told)
        if one.ad_id not in known
    ]
    wrong += [
        Mistake(f"signals[{number}].impressions", None, "how often it was shown so far")
        for number, one in enumerate(told)
        if one.sign == "impressions" and one.impressions is None
    ]
    if wrong:
        raise InvalidInput("nothing was recorded", wrong)
    suspects = []
    for one in told:
        made = find(connection, known[one.ad_id].decision_id).body
        suspect = _suspect(one, made, settings) if isinstance(made, DecisionMade) else None
        suspects += [suspect] if suspect else []
    opened = put_back(writing, suspects, book, settings, by, now)
    return [opened.get(one.ad_id) for one in told]


def _suspect(one: Seen, made: DecisionMade, settings: ReviewSettings) -> Suspect | None:
    if one.sign != "impressions":
        return Suspect(one.ad_id, Sign(one.sign), SAYS[one.sign])
    expected = settings.assumed_impressions if made.ad.impressions is None else made.ad.impressions
    shown = one.impressions or 0.0
    if shown < LEAST or shown < TIMES * expected:
        return None
    says = f"It was shown {shown:,.0f} times, where {expected:,.0f} were expected when it was decided."
    figures = {"impressions": shown, "expected": expected}
    return Suspect(one.ad_id, Sign.IMPRESSIONS, says, figures, urgency=shown / max(expected, 1.0))
