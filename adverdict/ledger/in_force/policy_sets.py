"""Sets of policies on record: which one is in force, what stood in its files, and the way back to the one before."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection

from adverdict.decisions.policy import PolicyBook
from adverdict.domain.errors import Conflict, InvalidInput, Mistake, NotFound
from adverdict.ledger.bodies.rollout import PoliciesPut
from adverdict.ledger.entropy import hexadecimal
from adverdict.ledger.in_force.rollouts import Rollouts, rollouts_at
from adverdict.ledger.store import Ledger, Writing, keep, recall

POLICIES, FILES = "policies", "policy-files"
"""Kinds under which a set is kept: as it decides, and as it is written."""
FIRST = "pol-1"
"""Entry of the set that the service first decided by. The first to say so is right."""


def keep_set(connection: Connection, book: PolicyBook, files: Mapping[str, str], at: datetime) -> str:
    """Keep a set, once: the digest of its files (name -> text)."""
    written = json.dumps(dict(sorted(files.items())), ensure_ascii=False).encode()
    digest = hashlib.sha256(written).hexdigest()
    keep(connection, POLICIES, book.hash, book.to_json(), at)
    keep(connection, FILES, digest, written, at)
    return digest


def files_of(connection: Connection, digest: str) -> dict[str, str]:
    """Name -> text of the files of a set. Raises NotFound."""
    told: dict[str, str] = json.loads(recall(connection, FILES, digest))
    return told


def put_first(ledger: Ledger, book: PolicyBook, files: Mapping[str, str], at: datetime) -> str:
    """Put the files' set in force where the chain does not say what is: hash of the set in force now. Raises Unavailable."""
    with ledger.look() as connection:
        now = rollouts_at(connection).policies
    if now is not None:
        return now
    with ledger.write() as writing:
        now = rollouts_at(writing.connection).policies
        if now is None:
            kept = keep_set(writing.connection, book, files, at)
            why = "what the policy files said when the service first started"
            writing.append(FIRST, PoliciesPut(policies=book.hash, files=kept, before=None, why=why, by="serve"), at)
            now = book.hash
    return now


def put(writing: Writing, policies: str, files: str | None, why: str, by: str, at: datetime, rollout: str | None = None) -> int:
    """A kept set decides from the next round of every worker on: the seq of the entry that says so."""
    before = rollouts_at(writing.connection).policies
    told = PoliciesPut(policies=policies, files=files, before=before, rollout=rollout, why=why, by=by)
    return writing.append(f"pol-{hexadecimal()}", told, at)


def roll_back(writing: Writing, why: str, by: str, at: datetime) -> PoliciesPut:
    """The set before the one in force decides again, from the next round of every worker on. Done twice it leads back.

    Raises InvalidInput without a reason, NotFound where there is nothing to go back to, Conflict while a roll-out is under way, whose
    control would be another.
    """
    if not why.strip():
        raise InvalidInput("nothing was rolled back:", [Mistake("--why", why, "a reason: it stays on record")])
    told = rollouts_at(writing.connection)
    if told.on:
        raise Conflict(f"{told.on[0].rollout_id} is under way: 'adverdict rollout abort' takes it back")
    if told.promoting:
        raise Conflict(f"{told.promoting[0].rollout_id} is done and its model is just becoming the champion: wait a minute")
    last, before = _last_two(told)
    recall(writing.connection, POLICIES, before.policies)
    put(writing, before.policies, before.files, why.strip(), by, at)
    return PoliciesPut(policies=before.policies, files=before.files, before=last.policies, why=why.strip(), by=by)


def _last_two(told: Rollouts) -> tuple[PoliciesPut, PoliciesPut]:
    """What is in force, and the last other set that was."""
    if not told.put:
        raise NotFound("the ledger does not say yet which policies are in force: 'adverdict serve' does when it first starts")
    last = told.put[-1][1]
    others = [put for _, put in told.put if put.policies != last.policies]
    if not others:
        raise NotFound(f"there is nothing to go back to: no other set than {last.policies[:12]} was ever in force")
    return last, others[-1]
