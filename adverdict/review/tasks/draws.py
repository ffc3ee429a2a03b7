"""Draws and ids that need no memory: hashes of what they are about, so every worker and every retry comes to the same."""

from __future__ import annotations

import json
import re
from hashlib import blake2b

_PERSON = b"adjudicate-tasks"
"""Sets these hashes apart from every other use of the same ids (BLAKE2, RFC 7693)."""
_BITS = 53
"""As many as a float64 holds exactly, so that a draw is never rounded up to 1."""
_TASK_ID = re.compile(r"tsk-[0-9a-f]{32}")


def draw(use: str, *about: str) -> float:
    """A number in [0, 1), uniform over what it is about. Ids of decisions and tasks are random, so nobody outside can foresee it."""
    return (int.from_bytes(_digest(8, use, *about)) >> (64 - _BITS)) / (1 << _BITS)


def task_id(origin: str, number: int) -> str:
    """Of the tasks that ``origin`` (a decision, an answered task, an appeal) opens, the one of this number."""
    return f"tsk-{_digest(16, 'task', origin, str(number)).hex()}"


def is_task_id(told: str) -> bool:
    """Whether a task could have this id."""
    return _TASK_ID.fullmatch(told) is not None


def golden_task_id(reviewer: str, instead_of: str) -> str:
    """Of the golden task that comes before a task: told apart from other ids by nobody, and there only once."""
    return f"tsk-{_digest(16, 'golden', reviewer, instead_of).hex()}"


def golden_id(ad: str) -> str:
    return f"gld-{_digest(16, 'item', ad).hex()}"


def lock_number(reviewer: str) -> int:
    """A signed 64-bit number for a reviewer, as PostgreSQL's advisory locks want it."""
    return int.from_bytes(_digest(8, "reviewer", reviewer), signed=True)


def _digest(size: int, *told: str) -> bytes:
    return blake2b(json.dumps(told).encode(), digest_size=size, person=_PERSON).digest()
