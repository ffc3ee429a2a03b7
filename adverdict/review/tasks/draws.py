"""Draws and ids that need no memory: hashes of what they are about, so every worker and every retry comes to the same.

Those of tasks are keyed with a secret of the ledger. Reviewers see the ids of decisions and of their tasks: whoever could compute the one
from the other, or the draw that put a golden task before a task, would know which of their tasks only measure them.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b

from sqlalchemy import Connection

from adverdict.ledger.task_secret import task_secret

_PERSON = b"adjudicate-tasks"
"""Sets these hashes apart from every other use of the same ids (BLAKE2, RFC 7693)."""
_BITS = 53
"""As many as a float64 holds exactly, so that a draw is never rounded up to 1."""
_TASK_ID = re.compile(r"tsk-[0-9a-f]{32}")


@dataclass(frozen=True)
class Draws:
    """The draws and ids of one ledger's tasks."""

    key: bytes = field(repr=False)
    since: datetime
    """When the ledger was given its key; what was opened before keeps the ids and draws it had."""

    def draw(self, use: str, *about: str) -> float:
        """As ``draw``, and nobody without the key can compute it."""
        return _number(_digest(8, use, *about, key=self.key))

    def task_id(self, origin: str, number: int) -> str:
        """Of the tasks that ``origin`` (a decision, an answered task, an appeal) opens, the one of this number."""
        return f"tsk-{_digest(16, 'task', origin, str(number), key=self.key).hex()}"

    def golden_task_id(self, reviewer: str, instead_of: str) -> str:
        """Of the golden task that comes before a task: told apart from other ids by nobody, and there only once."""
        return f"tsk-{_digest(16, 'golden', reviewer, instead_of, key=self.key).hex()}"


def draws_of(connection: Connection) -> Draws:
    """Of the ledger behind a connection. Raises NotFound where its tables are of before."""
    return Draws(*task_secret(connection))


def draw(use: str, *about: str) -> float:
    """A number in [0, 1), uniform over what it is about. Ids of decisions and tasks are random, so nobody outside can foresee it."""
    return _number(_digest(8, use, *about))


def unkeyed_task_id(origin: str, number: int) -> str:
    """The same as ledgers had it before they had keys: for what was opened then."""
    return f"tsk-{_digest(16, 'task', origin, str(number)).hex()}"


def is_task_id(told: str) -> bool:
    """Whether a task could have this id."""
    return _TASK_ID.fullmatch(told) is not None


def golden_id(ad: str) -> str:
    return f"gld-{_digest(16, 'item', ad).hex()}"


def lock_number(reviewer: str) -> int:
    """A signed 64-bit number for a reviewer, as PostgreSQL's advisory locks want it."""
    return int.from_bytes(_digest(8, "reviewer", reviewer), signed=True)


def _number(digest: bytes) -> float:
    return (int.from_bytes(digest) >> (64 - _BITS)) / (1 << _BITS)


def _digest(size: int, *told: str, key: bytes = b"") -> bytes:
    return blake2b(json.dumps(told).encode(), digest_size=size, person=_PERSON, key=key).digest()
