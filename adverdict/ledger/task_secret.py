"""The secret by which ids of review tasks are made: made with the ledger, kept beside the chain, told to nobody.

Whoever knows it can tell golden tasks from others. It names no ad and no advertiser, so erasing leaves it where it is.
"""

from __future__ import annotations

from datetime import datetime
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Engine, select

from adverdict.domain.errors import NotFound
from adverdict.ledger.moments import moment
from adverdict.ledger.schema import kept

KIND, NAME = "tasks", "keyed"
"""Where ``kept`` has it; the migration that makes it says the same."""

_known: WeakKeyDictionary[Engine, tuple[bytes, datetime]] = WeakKeyDictionary()


def task_secret(connection: Connection) -> tuple[bytes, datetime]:
    """The ledger's, and when it was made. Read once by each process. Raises NotFound where the tables are of before there was any."""
    found = _known.get(connection.engine)
    if found is None:
        row = connection.execute(select(kept.c.body, kept.c.at).where(kept.c.kind == KIND, kept.c.digest == NAME)).one_or_none()
        if row is None:
            raise NotFound("the ledger has no key for the ids of its tasks: run 'adverdict ledger migrate'")
        found = _known[connection.engine] = bytes(row.body), moment(row.at)
    return found
