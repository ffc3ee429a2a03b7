"""Undoing a step: its decisions stand no more, and what stood before them does. What people decided meanwhile stays."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from adverdict.domain.errors import InvalidInput, Mistake
from adverdict.ledger import steps
from adverdict.ledger.entries import Rescored, Withdrawn
from adverdict.ledger.store import Ledger, now, withdrawal_id
from adverdict.review.tasks.superseding import reopen_superseded, withdraw_opened


@dataclass(frozen=True)
class Undone:
    """What undoing a step did."""

    step: str
    of: Rescored
    """What the step was."""
    decisions: int
    """Of the step, on record."""
    closed: int = 0
    """Tasks that it had opened."""
    reopened: int = 0
    before: Withdrawn | None = None
    """An earlier call's entry, when it was undone already: then nothing changed."""


def undo(ledger: Ledger, step: str, why: str, by: str, *, clock: Callable[[], datetime] = now) -> Undone:
    """Withdraw a step, in one transaction with what becomes of its tasks. Undoing it again changes nothing.

    ``why`` and ``by`` stay in the chain. Raises InvalidInput, NotFound for a step that is not on record, Unavailable: then nothing changed.
    """
    if not why.strip():
        raise InvalidInput("nothing was undone:", [Mistake("--why", why, "a reason, which stays in the chain")])
    at = clock()
    with ledger.write() as writing:
        connection = writing.connection
        told, size = steps.step(connection, step), steps.size(connection, step)
        before = steps.withdrawal(connection, step)
        if before is not None:
            return Undone(step, told, size, before=before)
        writing.append(withdrawal_id(step), Withdrawn(step=step, why=why, by=by), at)
        writing.flush()
        return Undone(step, told, size, withdraw_opened(connection, step, at), reopen_superseded(connection, step))
