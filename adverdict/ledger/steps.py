"""Rescoring steps on record: which decisions came with one, whether it was withdrawn, and whether they can be replayed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection

from sqlalchemy import Connection, func, select

from adverdict.domain.errors import NotFound
from adverdict.domain.verdict import Verdict
from adverdict.ledger.entries import DecisionMade, Founded, Rescored, Withdrawn
from adverdict.ledger.history import FOUNDATION
from adverdict.ledger.schema import contents, entries
from adverdict.ledger.store import Ledger, entry_of, entry_query, find, withdrawal_id


def step_id(run_id: str, markets: Collection[str], only: Verdict | None) -> str:
    """The same for the same choice from the same run, so that putting it on record again goes on where it stopped."""
    told = json.dumps([run_id, sorted(set(markets)), only.value if only else None], separators=(",", ":"))
    return "stp-" + hashlib.sha256(told.encode()).hexdigest()[:32]


def step(connection: Connection, step_id: str) -> Rescored:
    """Raises NotFound."""
    body = find(connection, step_id).body
    if not isinstance(body, Rescored):
        raise NotFound(f"{json.dumps(step_id)} is no step of a rescoring")
    return body


def withdrawal(connection: Connection, step_id: str) -> Withdrawn | None:
    """None: the step's decisions stand, as far as nothing came after them."""
    row = connection.execute(entry_query().where(entries.c.entry_id == withdrawal_id(step_id))).one_or_none()
    body = entry_of(row).body if row else None
    return body if isinstance(body, Withdrawn) else None


def size(connection: Connection, step_id: str) -> int:
    """Decisions that the step has put on record."""
    query = select(func.count()).select_from(contents)
    return connection.execute(
        query.where(contents.c.step == step_id, contents.c.submitted_at.is_not(None))
    ).scalar_one()  # of decisions only


def refuse_lost_history(ledger: Ledger, made: DecisionMade) -> None:
    """Raises NotFound for a decision made with a history that is not kept: a folder's, or one that began with a model's own."""
    if made.step is None:
        return
    with ledger.look() as connection:
        told = step(connection, made.step)
        if told.history.kind == "folder":
            raise NotFound("the history it knew was a folder's, which the ledger does not keep")
        if told.history.kind == "ledger" and _founded_otherwise(connection, told):
            raise NotFound("the history it knew began with its own model's, and the ledger has been founded on another one's since")


def _founded_otherwise(connection: Connection, told: Rescored) -> bool:
    """Whether the ledger did not say yet what was known before its first entry, and now says something else than the step's model knew."""
    row = connection.execute(entry_query().where(entries.c.entry_id == FOUNDATION)).one_or_none()
    body = entry_of(row).body if row else None
    if row is None or not isinstance(body, Founded):
        return False
    return row.seq > (told.history.seq or 0) and body.bundle_version != told.bundle_version
