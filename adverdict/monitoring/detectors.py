"""One detector, looked at: what its tallies come to, and at which evidence it rings."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from adverdict.domain.formats import percent
from adverdict.monitoring import calibration, leakage
from adverdict.monitoring.budget import Watched
from adverdict.monitoring.cells import WatchedCell
from adverdict.monitoring.following.fold import State
from adverdict.monitoring.following.waiting import STEP_OF_RISK

FEWEST = 20
"""First audits of advertisers, or labels, before anything is said of a cell."""
DAYS = 180
"""Looked back."""


@dataclass(frozen=True)
class DetectorState:
    """How one detector stands. Days are since 1970, UTC."""

    counted: int
    """First audits of advertisers, or labels."""
    errors: int
    evidence: float
    rings_at: float | None
    """None: too little was read to say anything."""
    limit: float | None
    """The share of errors promised, or the log-odds tolerated."""
    begin: int
    """The first day that counts."""
    end: int
    """The first day that does not count yet: answers are awaited."""
    since: int | None = None
    """From when on something is likeliest to have changed; None: nothing speaks for it."""
    says: str = ""
    figures: dict[str, Any] = field(default_factory=dict)
    may: float = 0.0
    """False alarms a year that it may ring."""
    markets: tuple[str, ...] = ()

    @property
    def rings(self) -> bool:
        return self.rings_at is not None and self.evidence >= self.rings_at and self.since is not None

    def to_json(self) -> str:
        return json.dumps(asdict(self), separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> DetectorState:
        told = json.loads(text)
        return cls(**{**told, "markets": tuple(told["markets"])})


Rows = list[tuple[int, int, int, int]]
"""Day, bin, number and of them, in order."""


@dataclass(frozen=True)
class DetectorInputs:
    """All that a detector's state is a function of."""

    rows: Rows
    begin: int
    end: int
    may: float

    @classmethod
    def of(cls, cell: WatchedCell, state: State, begin: int, may: float) -> DetectorInputs:
        end = min((state.open_from(stream) for stream in cell.streams), default=state.today)
        wanted = set(cell.tallies)
        rows = [(day, bin_, *counts) for (what, day, bin_), counts in state.tallies.items() if what in wanted and begin <= day < end]
        return cls(sorted(rows), begin, end, may)  # type: ignore[arg-type]  # a tally has two counts

    def digest(self, cell: WatchedCell) -> str:
        """Of them and of what is promised: where it is as before, so is the state."""
        about = [cell.name, cell.limit, self.begin, self.end, self.may, self.rows, cell.certificate.certificate_id]
        return hashlib.sha256(json.dumps(about, separators=(",", ":")).encode()).hexdigest()


def look_at(cell: WatchedCell, inputs: DetectorInputs) -> DetectorState:
    """A function of its arguments: the simulation of its level begins with the same seed each time."""
    found = _risks(cell, inputs) if cell.cell.watched is Watched.CALIBRATION else _errors(cell, inputs)
    return DetectorState(**found, begin=inputs.begin, end=inputs.end, may=inputs.may, markets=cell.cell.markets)


def _errors(cell: WatchedCell, inputs: DetectorInputs) -> dict[str, Any]:
    """Of audited decisions of one side."""
    limit = cell.limit or 0.5
    n, k = (sum(row[column] for row in inputs.rows) for column in (2, 3))
    told: dict[str, Any] = {"counted": n, "errors": k, "limit": limit}
    if n < FEWEST:
        return {**told, "evidence": 1.0, "rings_at": None}
    start, days = inputs.rows[0][0], inputs.rows[-1][0] - inputs.rows[0][0] + 1
    audited, errors = np.zeros(days, dtype=np.int64), np.zeros(days, dtype=np.int64)
    for day, _, number, wrong in inputs.rows:
        audited[day - start] += number
        errors[day - start] += wrong
    evidence = float(leakage.evidence_of(audited, errors, limit).max())
    rings_at = leakage.level_of(audited, limit, inputs.may, np.random.default_rng(0))
    change = leakage.likely_change_of(audited, errors, limit)
    low, high = change.interval
    done = "approved, of advertisers' first audited ones, violate" if cell.cell.watched is Watched.LEAKAGE else "rejected do not violate"
    says = (
        f"{change.errors:,} of {change.audited:,} ads {done} since then: {percent(change.share)} ({percent(low)} to {percent(high)}), "
        f"where at most {percent(limit)} may."
    )
    figures = {"errors": change.errors, "audited": change.audited, "limit": limit, "interval": [low, high]}
    since = start + change.since if change.share > limit else None
    return {**told, "evidence": evidence, "rings_at": rings_at, "since": since, "says": says, "figures": figures}


def _risks(cell: WatchedCell, inputs: DetectorInputs) -> dict[str, Any]:
    """Of risks, by the first label of each advertiser."""
    n, k = (sum(row[column] for row in inputs.rows) for column in (2, 3))
    if n < FEWEST:
        return {"counted": n, "errors": k, "evidence": 1.0, "rings_at": None, "limit": None}
    day, bins, number, violates = (np.array(column) for column in zip(*inputs.rows, strict=True))
    risk, week = 1 / (1 + np.exp(-STEP_OF_RISK * bins)), (day - day[0]) // 7
    weeks = int(week[-1]) + 1
    certificate = cell.certificate
    within = calibration.tolerated(np.repeat(risk, number), certificate.approve_below, certificate.reject_at)
    evidence = float(calibration.evidence(risk, violates, week, within, weeks, number).max())
    rings_at = calibration.level_of(risk, week, within, weeks, inputs.may, np.random.default_rng(0), number)
    expected = float(risk @ number)
    says = (
        f"{k:,} of {n:,} labelled ads violate where the risks say {expected:,.0f}: they are off by more than {within.log_odds:.2f} "
        f"log-odds, which would change more than {percent(calibration.CHANGED)} of the decisions on ads that people read."
    )
    figures = {"violating": k, "labelled": n, "expected": expected, "tolerated": within.log_odds}
    told: dict[str, Any] = {"counted": n, "errors": k, "limit": within.log_odds, "since": int(day[0]), "says": says, "figures": figures}
    return {**told, "evidence": evidence, "rings_at": rings_at}
