"""What decisions were made by and history began with, as it is kept beside the chain, held against what the chain names."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from adverdict.decisions.policy import PolicyBook
from adverdict.domain.errors import InvalidPolicy

Kept = Sequence[Sequence[Any]]
"""Kind, digest and body of each; values as they are stored, whatever somebody put there."""


def unlike(kept: Kept) -> Iterator[str]:
    """Problems of versions that are not what their digest says."""
    for kind, digest, body in kept:
        if not isinstance(body, bytes) or _digest(kind, body) != digest:
            yield f"the kept {kind} {digest} is not the one that was kept"


def missing(kept: Kept, named: Mapping[tuple[str, str], int], history: str | None) -> Iterator[str]:
    """Problems of versions that are not there. ``named``: kind and digest, and the entry that names them; ``history``: the one in force."""
    there = {(kind, digest) for kind, digest, _ in kept}
    for (kind, digest), seq in named.items():
        if (kind, digest) not in there:
            yield f"the kept {kind} {digest}, which entry {seq} names, is missing"
    if history and ("history", history) not in there:
        yield f"the kept history {history} is missing"


def _digest(kind: str, body: bytes) -> str | None:
    """None for what cannot be read."""
    if kind != "policies":
        return hashlib.sha256(body).hexdigest()
    try:
        return PolicyBook.from_json(body).hash  # of what the book decides, however it is written
    except InvalidPolicy:
        return None
