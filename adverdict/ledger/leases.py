"""Work that one process at a time is to do: whoever holds its lease. Doing it twice at once must be harmless all the same."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, or_, update
from sqlalchemy.dialects import postgresql, sqlite

from adverdict.ledger.moments import micros
from adverdict.ledger.schema import leases


def lease(connection: Connection, work: str, holder: str, at: datetime, duration: timedelta) -> bool:
    """Take or renew the lease of some work from ``at`` on; False while somebody else holds it."""
    until = micros(at + duration)
    free = or_(leases.c.holder == holder, leases.c.until <= micros(at))
    taken = update(leases).where(leases.c.work == work, free).values(holder=holder, until=until)
    if connection.execute(taken).rowcount == 1:
        return True
    added = (postgresql if connection.dialect.name == "postgresql" else sqlite).insert(leases)
    first = added.values(work=work, holder=holder, until=until).on_conflict_do_nothing().returning(leases.c.work)
    return connection.execute(first).one_or_none() is not None
