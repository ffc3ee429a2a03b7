"""How rejections come back: the share of reviews that people reject, and of rejected ads that are submitted again.

A stricter policy raises next week's volume by that. It is counted, ad by ad, not inferred: days on which much is submitted are also days on
which much is rejected. Approved ads and their creatives are submitted again, too: only what rejected ones do beyond that is an answer to a
rejection.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import NamedTuple

from adverdict.domain.ad import Ad
from adverdict.domain.verdict import Verdict
from adverdict.ledger.entries import DecisionMade, Entry, Resolved
from adverdict.ledger.store import Ledger
from adverdict.review.period import Period, entries_in
from adverdict.workforce.volume.history import History

DAYS = 56
WITHIN = timedelta(days=7)
"""After a rejection; what comes later is another campaign."""


@dataclass(frozen=True)
class Returns:
    settled: int
    """Reviews that people settled."""
    rejected_by_people: float
    """Of them; 0 where none are on record."""
    rejections: int
    """By model or people, that had ``WITHIN`` to come back."""
    come_back: float
    """Of them, in [0, 1], that come back because they were rejected; 0 where none are on record."""
    usual: float = 0.0
    """Of approved ads that had as long, those that came again all the same, edited or with their creative."""


def returns(ledger: Ledger, history: History, days: int = DAYS) -> Returns:
    """Over the last days of the history. Raises Unavailable."""
    end = datetime.combine(history.end, time(), UTC)
    period = Period(end - timedelta(days=max(1, min(days, history.days))), end)
    return counted(entries_in(ledger, period, [DecisionMade.kind, Resolved.kind]), end)


def counted(entries: Iterable[Entry], end: datetime) -> Returns:
    """From decisions and resolutions in their order."""
    keys: dict[str, tuple[str, ...]] = {}
    last: dict[str, _Last] = {}
    decided, back = Counter[Verdict](), Counter[Verdict]()
    settled = by_people = 0
    for entry in entries:
        body = entry.body
        if isinstance(body, DecisionMade) and body.step is None:
            keys[entry.entry_id] = tuple(_keys(body.ad))
            before = [last.pop(key) for key in keys[entry.entry_id] if key in last] if body.first else []
            if before and entry.at - max(before).at <= WITHIN:
                back[max(before).verdict] += 1
            verdict = body.decision.verdict
        elif isinstance(body, Resolved) and body.by == "review":
            settled += 1
            verdict = body.verdict
            by_people += verdict is Verdict.REJECT
        else:
            continue
        if verdict is not Verdict.REVIEW and entry.at <= end - WITHIN:
            decided[verdict] += 1
            about = entry.entry_id if isinstance(body, DecisionMade) else body.decision_id
            last.update(dict.fromkeys(keys.get(about, ()), _Last(entry.at, verdict)))
    rejected, usual = (min(1.0, back[one] / decided[one]) if decided[one] else 0.0 for one in (Verdict.REJECT, Verdict.APPROVE))
    because = max(0.0, (rejected - usual) / (1 - usual)) if usual < 1 else 0.0
    return Returns(settled, by_people / settled if settled else 0.0, decided[Verdict.REJECT], because, usual)


class _Last(NamedTuple):
    """What was decided last about an ad or a creative."""

    at: datetime
    verdict: Verdict


def _keys(ad: Ad) -> Iterator[str]:
    """What an ad that comes back is known by: its id, or its advertiser's creative."""
    yield f"ad {ad.ad_id}"
    if ad.creative_id is not None:
        yield f"creative {ad.advertiser_id} {ad.creative_id}"
