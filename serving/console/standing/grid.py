"""What every policy decides by in every market, and how that stands: a line a policy, a column a market."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from adverdict.decisions.files.show import thresholds_in_use
from adverdict.decisions.policy import PolicyBook, PolicyInForce, Stance, Thresholds
from adverdict.decisions.thresholds import SolvedThresholds

SOON = timedelta(days=7)
Standing = Literal["certified", "ends soon", "expired", "provisional", "written", "uncertified", "people", "allowed"]
SIGNS: dict[Standing, str] = {
    "certified": "✓",
    "ends soon": "!",
    "expired": "✕",
    "provisional": "◐",
    "written": "✎",
    "uncertified": "○",
    "people": "–",
    "allowed": "·",
}
WORDS: dict[Standing, str] = {
    "certified": "certified",
    "ends soon": "certified, ends within a week",
    "expired": "its certificate has expired",
    "provisional": "provisional: not everything is shown yet",
    "written": "written in the policy files, without a certificate",
    "uncertified": "solved, without a certificate",
    "people": "people decide",
    "allowed": "allowed: no rule to break",
}


@dataclass(frozen=True)
class Cell:
    """``below`` 0: approves nobody; ``at`` 1: rejects nobody by itself. ``words``: how it stands, whole."""

    market: str
    standing: Standing
    below: float
    at: float
    certificate: str | None
    ends: datetime | None
    words: str

    @property
    def sign(self) -> str:
        return SIGNS[self.standing]


@dataclass(frozen=True)
class Line:
    """A policy's, on one surface; a cell is None where it is not in force."""

    policy: str
    surface: str | None
    cells: tuple[Cell | None, ...]


def grid(book: PolicyBook, solved: SolvedThresholds, now: datetime) -> tuple[tuple[Line, ...], tuple[Line, ...]]:
    """The general rules, and those of surfaces that the files name."""
    found: dict[tuple[str, str | None], dict[str, PolicyInForce]] = {}
    for market, surface, policy in book.every():
        found.setdefault((policy.name, surface), {})[market] = policy
    made = [Line(name, surface, _cells(there, book.markets, solved, now)) for (name, surface), there in found.items()]
    order = {name: number for number, name in enumerate(book.names)}
    made.sort(key=lambda line: (order.get(line.policy, len(order)), line.surface or ""))
    return tuple(line for line in made if line.surface is None), tuple(line for line in made if line.surface is not None)


def _cells(there: dict[str, PolicyInForce], markets: Sequence[str], solved: SolvedThresholds, now: datetime) -> tuple[Cell | None, ...]:
    return tuple(_cell(market, there[market], solved, now) if market in there else None for market in markets)


def _cell(market: str, policy: PolicyInForce, solved: SolvedThresholds, now: datetime) -> Cell:
    use = thresholds_in_use(policy, market, solved, now)
    if policy.stance is Stance.ALLOWED or use.thresholds is None:
        standing: Standing = "allowed" if policy.stance is Stance.ALLOWED else "people"
        return Cell(market, standing, 0.0, 1.0, None, None, use.words)
    found = use.thresholds
    at = found.reject_at if policy.may_reject(None) else 1.0
    return Cell(market, _standing(policy, found, now), found.approve_below, at, found.certificate_id, found.expires_at, use.words)


def _standing(policy: PolicyInForce, found: Thresholds, now: datetime) -> Standing:
    if found.certificate_id is None:
        return "written" if policy.thresholds else "uncertified"
    if found.expired_at(now):
        return "expired"
    if found.provisional:
        return "provisional"
    return "ends soon" if found.expires_at is not None and found.expires_at - now < SOON else "certified"
