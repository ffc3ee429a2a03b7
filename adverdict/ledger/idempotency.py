"""The same key and the same request get the same answer, however often they are sent and whichever worker they reach."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, delete, insert, select

from adverdict.domain.errors import Conflict
from adverdict.ledger.moments import micros
from adverdict.ledger.schema import idempotency

KEPT_FOR = timedelta(days=7)
"""A caller that has not asked again by then never will."""


# Built once, like those of ``ledger.store``.
_ANSWERED = select(idempotency.c.request, idempotency.c.entry_ids).where(
    idempotency.c.caller == bindparam("caller"), idempotency.c.key == bindparam("asked_under")
)
_ADD = insert(idempotency)


@dataclass(frozen=True, slots=True)
class Request:
    """One request under a key."""

    caller: str
    """Name of the API key; two callers' keys have nothing to do with each other."""
    key: str
    digest: bytes
    """sha256 of what was asked."""


def answered(connection: Connection, request: Request) -> list[str | None] | None:
    """Ids of the entries that answered it, null for a part that failed; None when it is new.

    Raises Conflict when the key stands for another request. Asked within the transaction that appends, which nobody else can be in,
    None stays true until its end.
    """
    row = connection.execute(_ANSWERED, {"caller": request.caller, "asked_under": request.key}).one_or_none()
    if row is None:
        return None
    if row.request != request.digest:
        raise Conflict("this Idempotency-Key was used for another request")
    return list(json.loads(row.entry_ids))


def answer(connection: Connection, request: Request, entry_ids: Sequence[str | None], at: datetime) -> None:
    """Note what answers it, in the transaction that appends, and with the same ``at``: erasing finds the keys of an entry by it."""
    values = {"caller": request.caller, "key": request.key, "request": request.digest, "entry_ids": json.dumps(list(entry_ids))}
    connection.execute(_ADD, {**values, "at": micros(at)})


def forget(connection: Connection, before: datetime) -> int:
    """Keys last used before a moment; how many there were."""
    return connection.execute(delete(idempotency).where(idempotency.c.at < micros(before))).rowcount
