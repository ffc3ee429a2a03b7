"""A ledger whose tasks get the same ids in every run: its own key is another each time."""

from __future__ import annotations

from sqlalchemy import update

from adverdict.ledger.schema import kept
from adverdict.ledger.store import Ledger
from adverdict.ledger.task_secret import KIND, NAME

KNOWN = b"the same in every run of the tests"[:32]


def with_known_key(ledger: Ledger) -> Ledger:
    """To be called before anybody has asked the ledger for an id."""
    with ledger.change() as connection:
        connection.execute(update(kept).where(kept.c.kind == KIND, kept.c.digest == NAME).values(body=KNOWN))
    return ledger
