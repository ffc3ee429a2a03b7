"""Which bundles that a roll-out tries are loaded in which workers. No part of the chain: what decides does not depend on it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert, select

from adverdict.ledger.moments import micros
from adverdict.ledger.schema import arm_readiness

HEARD = timedelta(minutes=1)
"""A worker that has said nothing for so long has ended."""
LOADING = timedelta(minutes=10)
"""One that was loading when it last said something is waited for as long."""


def say(connection: Connection, worker: str, bundles: Mapping[str, str | None], at: datetime) -> None:
    """How a worker stands now, in place of what it said before. ``bundles``: version -> why it is not loaded; None: it is."""
    connection.execute(delete(arm_readiness).where(arm_readiness.c.worker == worker))
    rows = [
        {"worker": worker, "bundle": bundle, "ready": why is None, "why": why or "", "at": micros(at)}
        for bundle, why in sorted(bundles.items())
    ]
    if rows:
        connection.execute(insert(arm_readiness), rows)


def unready(connection: Connection, bundle: str, at: datetime) -> tuple[int, list[str]]:
    """How many workers have said whether that bundle is loaded, and why those have not that lack it."""
    told = connection.execute(select(arm_readiness).where(arm_readiness.c.bundle == bundle)).all()
    heard = [one for one in told if one.at >= micros(at - (HEARD if one.ready else LOADING))]
    return len(heard), [one.why for one in heard if not one.ready]
