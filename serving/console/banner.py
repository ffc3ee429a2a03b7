"""What every page says while a brake is on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from adverdict.ledger.steering import brakes_on, scope_in_words
from adverdict.ledger.store import Ledger


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


def brakes_shown(ledger: Ledger) -> tuple[BrakeShown, ...]:
    """Those that are on, oldest first. Raises Unavailable."""
    with ledger.look() as connection:
        return tuple(
            BrakeShown(entry.entry_id, scope_in_words(on), on.why, on.by, entry.at, entry.seq) for entry, on in brakes_on(connection)
        )
