"""Two stretches of decisions on record, as ``attribution`` compares them: all risks, and what people said of some."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from adverdict.domain.errors import InvalidInput, Mistake
from adverdict.ledger.entries import DecisionMade
from adverdict.ledger.store import Ledger
from adverdict.monitoring.attribution import Attribution, Stretch, attribute
from adverdict.monitoring.read import ReadAd, read_ads
from adverdict.review.period import Period, entries_in, standing_only

FEWEST = 100
"""Advertisers of a stretch below which nothing is compared."""


@dataclass(frozen=True)
class Compared:
    """The answer, and how many advertisers either stretch has."""

    attribution: Attribution
    before: int
    since: int


def compare(ledger: Ledger, policy: str, market: str | None, since: datetime, days_before: int, approve_below: float) -> Compared:
    """The decisions since then with those of the days before, each advertiser's first of either. ``market`` None: all of them.

    Reads every decision of both. Raises InvalidInput where one has too few advertisers, and Unavailable.
    """
    begin = since - timedelta(days=days_before)
    settled = {one.decision.decision_id: one for one in read_ads(ledger, begin).ads}
    rows: tuple[dict[str, tuple[float, float]], dict[str, tuple[float, float]]] = ({}, {})
    for entry in standing_only(ledger, entries_in(ledger, Period(begin), (DecisionMade.kind,))):
        made = entry.body
        if not isinstance(made, DecisionMade) or not made.first or (market is not None and made.decision.market != market):
            continue
        risk = next((one.risk.p for one in made.decision.policies if one.policy == policy and one.risk is not None), None)
        if risk is not None:
            rows[entry.at >= since].setdefault(made.decision.advertiser_id, (risk, _said(settled.get(entry.entry_id), policy)))
    before, after = (np.array(list(side.values()), dtype=np.float64).reshape(-1, 2) for side in rows)
    short = [
        Mistake(name, len(side), f"at least {FEWEST} advertisers with a risk of {policy}")
        for name, side in (("before", before), ("since", after))
        if len(side) < FEWEST
    ]
    if short:
        raise InvalidInput("too little is on record to compare:", short)
    return Compared(attribute(Stretch(*before.T), Stretch(*after.T), approve_below), len(before), len(after))


def _said(one: ReadAd | None, policy: str) -> float:
    violates = None if one is None else one.violates(policy)
    return float("nan") if violates is None else float(violates)
