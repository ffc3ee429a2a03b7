"""How rejections come back: the share of reviews that people reject, and the submissions that a rejection brings after it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

import numpy as np

from adverdict.domain.verdict import Verdict
from adverdict.ledger.entries import DecisionMade, Resolved
from adverdict.ledger.store import Ledger
from adverdict.review.period import Period, entries_in
from adverdict.workforce.change import return_factor
from adverdict.workforce.volume.history import History

DAYS = 56


@dataclass(frozen=True)
class Returns:
    rejected_by_people: float
    """Of reviews that people settled; 0 where none are on record."""
    come_back: float
    """Submissions for each rejection, in [0, 1]."""


def returns(ledger: Ledger, history: History, days: int = DAYS) -> Returns:
    """Over the last days of the history. Raises Unavailable."""
    days = min(days, history.days)
    end = datetime.combine(history.end, time(), UTC)
    begin = end - timedelta(days=days)
    rejected, settled, by_people = np.zeros(max(days, 1)), 0, 0
    for entry in entries_in(ledger, Period(begin, end), [DecisionMade.kind, Resolved.kind]) if days else ():
        body, day = entry.body, (entry.at - begin).days
        if isinstance(body, DecisionMade) and body.step is None and body.decision.verdict is Verdict.REJECT:
            rejected[day] += 1
        elif isinstance(body, Resolved) and body.by == "review":
            settled += 1
            by_people += body.verdict is Verdict.REJECT
            rejected[day] += body.verdict is Verdict.REJECT
    return Returns(by_people / settled if settled else 0.0, return_factor(history, rejected, days))
