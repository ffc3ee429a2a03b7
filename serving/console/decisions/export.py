"""A list of decisions as a CSV file, sent while it is read: as long as it may be, it is never held whole."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from adverdict.domain.spreadsheet import inert
from adverdict.ledger.store import Ledger
from adverdict.serving.console.decisions.filters import DecisionFilter
from adverdict.serving.console.decisions.listing import look
from adverdict.serving.console.decisions.summary import DecisionSummary

COLUMNS = (
    "decision_id",
    "ad_id",
    "advertiser_id",
    "market",
    "surface",
    "landing_domain",
    "title",
    "decided_at",
    "stands",
    "automatic_verdict",
    "settled_by_people",
    "overturned",
    "why",
    "risk",
    "certification",
    "degraded",
    "appealed",
    "withdrawn",
)
ROWS = 1000
"""Read at a time."""


def rows(ledger: Ledger, asked: DecisionFilter, *, blind: bool) -> Iterator[str]:
    """Lines of the file, the names of the columns first, latest decision first."""
    yield _written(COLUMNS)
    before: int | None = None
    while True:
        with ledger.look() as connection:
            found = look(connection, asked, before=before, blind=blind, limit=ROWS, patience=5.0)
        yield "".join(_written(_cells(one, sealed=blind and one.being_read)) for one in found.decisions)
        if found.before is None:
            return
        before = found.before


def _cells(one: DecisionSummary, *, sealed: bool) -> tuple[str, ...]:
    """``sealed``: what others said of it stays out."""
    known = (one.decision_id, one.ad_id, one.advertiser_id, one.market, one.surface or "", one.domain or "", one.title)
    at = one.at.isoformat(timespec="seconds")
    if sealed:
        return (*known, at, "review", *[""] * (len(COLUMNS) - len(known) - 2))
    yes_or_no = {True: "yes", False: "no"}
    risk = "" if one.risk is None else f"{one.risk:.6f}"
    return (
        *(*known, at, one.stands, one.verdict, one.settled or "", yes_or_no[one.overturned], one.why or "", risk, one.certification),
        *("; ".join(one.degraded), yes_or_no[one.appealed], yes_or_no[one.withdrawn]),
    )


def _written(cells: tuple[str, ...]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerow(inert(cell) for cell in cells)
    return out.getvalue()
