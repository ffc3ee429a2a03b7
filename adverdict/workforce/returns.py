"""How rejections come back: the share of reviews that people reject, and of rejected ads that are submitted again.

A stricter policy raises next week's volume by that. It is counted, ad by ad, not inferred: days on which much is submitted are also days on
which much is rejected.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

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
    """Of them, in [0, 1]; 0 where none are on record."""


def returns(ledger: Ledger, history: History, days: int = DAYS) -> Returns:
    """Over the last days of the history. Raises Unavailable."""
    end = datetime.combine(history.end, time(), UTC)
    period = Period(end - timedelta(days=max(1, min(days, history.days))), end)
    return counted(entries_in(ledger, period, [DecisionMade.kind, Resolved.kind]), end)


def counted(entries: Iterable[Entry], end: datetime) -> Returns:
    """From decisions and resolutions in their order."""
    keys: dict[str, tuple[str, ...]] = {}
    rejected: dict[str, datetime] = {}
    settled = by_people = all_rejected = back = 0
    for entry in entries:
        body = entry.body
        if isinstance(body, DecisionMade) and body.step is None:
            keys[entry.entry_id] = tuple(_keys(body.ad))
            last = [rejected.pop(key) for key in keys[entry.entry_id] if key in rejected] if body.first else []
            back += bool(last) and entry.at - max(last) <= WITHIN
            is_rejected = body.decision.verdict is Verdict.REJECT
        elif isinstance(body, Resolved) and body.by == "review":
            settled += 1
            is_rejected = body.verdict is Verdict.REJECT
            by_people += is_rejected
        else:
            continue
        if is_rejected and entry.at <= end - WITHIN:
            all_rejected += 1
            about = entry.entry_id if isinstance(body, DecisionMade) else body.decision_id
            rejected.update(dict.fromkeys(keys.get(about, ()), entry.at))
    return Returns(settled, by_people / settled if settled else 0.0, all_rejected, min(1.0, back / all_rejected) if all_rejected else 0.0)


def _keys(ad: Ad) -> Iterator[str]:
    """What an ad that comes back is known by: its id, or its advertiser's creative."""
    yield f"ad {ad.ad_id}"
    if ad.creative_id is not None:
        yield f"creative {ad.advertiser_id} {ad.creative_id}"
