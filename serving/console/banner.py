"""What every page says while a brake is on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from adverdict.domain.degraded import Cause
from adverdict.ledger.entries import DecisionMade
from adverdict.ledger.in_force.steering import brakes_on, scope_in_words
from adverdict.ledger.schema import entries
from adverdict.ledger.store import Ledger, entry_of, entry_query


@dataclass(frozen=True)
class BrakeShown:
    """A brake that is on, as the pages tell of it."""

    brake_id: str
    scope: str
    """In words: what is stopped, and where."""
    why: str
    by: str
    since: datetime
    seq: int


LOOKED_AT = 5_000
"""Decisions since the first brake was put on: the last ones."""


def held_back(ledger: Ledger, brakes: Sequence[BrakeShown]) -> tuple[dict[str, int], int]:
    """Brake -> ads left to people by it, among so many decisions since the first was put on, ``LOOKED_AT`` at most. Raises Unavailable."""
    if not brakes:
        return {}, 0
    with ledger.look() as connection:
        query = entry_query().where(entries.c.kind == DecisionMade.kind, entries.c.seq > min(one.seq for one in brakes))
        rows = connection.execute(query.order_by(entries.c.seq.desc()).limit(LOOKED_AT)).all()
    told = [body.decision.degraded for body in (entry_of(row).body for row in rows) if isinstance(body, DecisionMade)]
    return {one.brake_id: sum(f"{Cause.BRAKE.value}:{one.brake_id}" in degraded for degraded in told) for one in brakes}, len(told)


def brakes_shown(ledger: Ledger) -> tuple[BrakeShown, ...]:
    """Those that are on, oldest first. Raises Unavailable."""
    with ledger.look() as connection:
        return tuple(
            BrakeShown(entry.entry_id, scope_in_words(on), on.why, on.by, entry.at, entry.seq) for entry, on in brakes_on(connection)
        )
