"""The sender killed (SIGKILL) at every statement it sends to the database, and before and after every message: nothing lost, order kept."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any

from sqlalchemy import select

from adverdict.benchmarks.delivery.platform import START, Platform
from adverdict.benchmarks.delivery.receiver import Witness, listening
from adverdict.benchmarks.shared.killing import killed, killed_at
from adverdict.delivery import posting
from adverdict.delivery.channels import webhook
from adverdict.delivery.deliver import deliver
from adverdict.delivery.following import follow
from adverdict.delivery.posting import Receiver
from adverdict.domain.progress import Progress
from adverdict.ledger.changes import span
from adverdict.ledger.schema import changes
from adverdict.ledger.store import Ledger
from adverdict.ledger.verify import verify

Fresh = Callable[[], AbstractContextManager[str]]
SECRET = bytes(32)
BETWEEN = 3
"""Times that something changes between two kills."""


def sender_kills(new: Fresh, wanted: int, seed: int, progress: Progress) -> dict[str, Any]:
    """A sender that is killed after its 1st, 2nd, … statement or message until one round ends, and again, while ads change."""
    witness, killed, statement = Witness(), 0, 1
    with new() as url, listening(witness) as address:
        ledger = Ledger.open(url)
        try:
            _round(ledger, address)  # from now on changes are told
            platform, told = Platform(ledger, seed), set[int]()
            while killed < wanted:
                for _ in range(BETWEEN):
                    platform.change()
                if _apart(url, address, statement):
                    killed += 1
                    statement += 1
                    progress.advance()
                else:
                    statement = 1
                told |= _kept(ledger)
            for _ in range(3):
                _round(ledger, address)
            told |= _kept(ledger)
            with ledger.look() as connection:
                number = span(connection)[1]
                standing = set(connection.scalars(select(changes.c.seq)))
            chain = verify(ledger).found
        finally:
            ledger.close()
    return {
        "kills": killed,
        "changes": number,
        "told": len(witness.told),
        "lost": witness.lost(standing),
        "forgotten_with_erased_ads": number - len(standing),
        "out_of_order": witness.out_of_order,
        "repeated": witness.repeated,
        "chain_problems": chain,
    }


def _kept(ledger: Ledger) -> set[int]:
    with ledger.look() as connection:
        return set(connection.scalars(select(changes.c.seq)))


def _round(ledger: Ledger, address: str, post: posting.Post | None = None) -> None:
    clock = lambda: START  # noqa: E731
    follow(ledger, clock)
    deliver(ledger, webhook(Receiver(address, SECRET), post, clock), clock)


def _apart(url: str, address: str, statement: int) -> bool:
    """One round in a process of its own, killed at that statement; whether it was killed."""
    return killed(_send, url, address, statement)


def _send(url: str, address: str, statement: int) -> None:
    ledger = Ledger.open(url, create=False)
    count = killed_at(ledger, statement)

    def post(to: str, headers: Mapping[str, str], body: bytes) -> int:
        count()
        answer = posting.posted(to, headers, body)
        count()
        return answer

    _round(ledger, address, post)
    os._exit(0)
