"""Time to decision, the advertiser's measure: from a submission to the last word on it, by market and by who gave it.

Ads that still wait count for as long as they have waited (Kaplan and Meier 1958): leaving them out would make an overloaded queue look
fast.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple

import numpy as np

from adverdict.domain.verdict import Verdict
from adverdict.ledger.entries import Appealed, DecisionMade, Resolved, Ruled
from adverdict.ledger.store import Ledger
from adverdict.review.period import Period, about_each, entries_in, pages
from adverdict.workforce.volume.history import Floats

PAGE = 1000
How = Literal["automatic", "review", "appeal", "all"]
EVERYWHERE = ""


class Waited(NamedTuple):
    """One ad, or one appeal."""

    market: str
    how: How
    hours: float
    over: bool
    """False: it waits still, as long as ``hours`` by now."""


@dataclass(frozen=True)
class TimeToDecision:
    """Of one market, or ``EVERYWHERE``."""

    market: str
    how: How
    """``all``: every submission, whoever decided."""
    p50: float | None
    """Hours; None: fewer than half are decided."""
    p90: float | None
    decided: int
    waiting: int


def measured(ledger: Ledger, period: Period, now: datetime) -> list[TimeToDecision]:
    """Of what was submitted, or appealed, in a period. Rescorings are no submissions. Raises Unavailable."""
    found = [*_submitted(ledger, period, now), *_appealed(ledger, period, now)]
    groups: defaultdict[tuple[str, How], list[Waited]] = defaultdict(list)
    for one in found:
        for market in (one.market, EVERYWHERE):
            groups[market, one.how].append(one)
            if one.how != "appeal":
                groups[market, "all"].append(one)
    return [summary(market, how, waited) for (market, how), waited in sorted(groups.items())]


def summary(market: str, how: How, waited: Sequence[Waited]) -> TimeToDecision:
    hours, over = np.array([one.hours for one in waited]), np.array([one.over for one in waited])
    return TimeToDecision(market, how, quantile(hours, over, 0.5), quantile(hours, over, 0.9), int(over.sum()), int((~over).sum()))


def quantile(hours: Floats, over: Floats, share: float) -> float | None:
    """The time by which ``share`` is decided, by Kaplan and Meier's estimate; None where it is not reached."""
    order = np.lexsort((~over.astype(bool), hours))
    at_risk = len(hours) - np.arange(len(hours))
    left = np.cumprod(1 - over[order].astype(float) / at_risk)
    reached = np.flatnonzero(left <= 1 - share + 1e-12)
    return float(hours[order][reached[0]]) if len(reached) else None


def _submitted(ledger: Ledger, period: Period, now: datetime) -> list[Waited]:
    found = []
    for some in pages(entries_in(ledger, period, [DecisionMade.kind]), PAGE):
        made = {
            one.entry_id: (one.at, one.body) for one in some if isinstance(one.body, DecisionMade) and one.body.first and not one.body.step
        }
        with ledger.look() as connection:
            ends = about_each(connection, made, [Resolved.kind])
        for decision_id, (at, body) in made.items():
            if body.decision.verdict is not Verdict.REVIEW:
                # What a machine decides is decided when it is on record; the request that asked for it waited milliseconds.
                found.append(Waited(body.ad.market, "automatic", 0.0, True))
                continue
            settled = next(
                (one.at for one in ends.get(decision_id, ()) if isinstance(one.body, Resolved) and one.body.by == "review"), None
            )
            found.append(Waited(body.ad.market, "review", _hours(at, settled or now), settled is not None))
    return found


def _appealed(ledger: Ledger, period: Period, now: datetime) -> list[Waited]:
    brought = {one.entry_id: (one.at, one.body) for one in entries_in(ledger, period, [Appealed.kind]) if isinstance(one.body, Appealed)}
    ruled = {one.body.appeal_id: one.at for one in ledger.read(kinds=[Ruled.kind]) if isinstance(one.body, Ruled)} if brought else {}
    return [Waited(body.market, "appeal", _hours(at, ruled.get(one, now)), one in ruled) for one, (at, body) in brought.items()]


def _hours(since: datetime, until: datetime) -> float:
    return max(0.0, (until - since).total_seconds() / 3600)
