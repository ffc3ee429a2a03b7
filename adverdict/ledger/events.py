"""The advertisers' history as the ledger tells it, as a stream: what ``ledger.history`` keeps as a state, for counting out of core."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, func, select

from adverdict.domain.errors import NotFound, UntrustedBundle
from adverdict.features.history import events
from adverdict.features.history.events import Events, Opinion
from adverdict.ledger.history import HISTORY, PAGE, HistoryChanges, base, changes_between, end_of, foundation
from adverdict.ledger.schema import kept
from adverdict.ledger.store import Ledger

PIECE = 4 * 2**20
"""Bytes of a kept snapshot read at a time."""


@contextmanager
def telling(ledger: Ledger, until: int | None = None) -> Iterator[LedgerEvents]:
    """One consistent view of the entries up to and including ``until``; to the end of the chain when None. Raises Unavailable.

    What was erased by now is left out, also where its erasure comes after ``until``. The view is one transaction: on SQLite it keeps the
    write-ahead log from being folded back, on PostgreSQL dead rows from being cleaned up, until it is done with.
    """
    with ledger.look() as connection:
        end = end_of(connection)
        yield LedgerEvents(connection, end if until is None else min(until, end))


class LedgerEvents:
    """What a ledger tells; memory does not grow with its length."""

    def __init__(self, connection: Connection, seq: int) -> None:
        self._connection = connection
        self.seq = seq
        """The last entry that is told."""

    @property
    def founded(self) -> bool:
        """Whether the ledger says what was known before its first entry."""
        return foundation(self._connection) is not None

    def write_snapshot(self, to: Path) -> bool:
        """Write what was known before the first entry to a file; False where nothing was.

        Raises NotFound where the ledger names a snapshot that it does not keep, UntrustedBundle where it is not the one it names.
        """
        named = base(self._connection)
        if named is None:
            return False
        digest = hashlib.sha256()
        with to.open("wb") as file:
            for octets in self._pieces(named):
                digest.update(octets)
                file.write(octets)
        if digest.hexdigest() != named:
            raise UntrustedBundle(f"the history that the ledger keeps is {digest.hexdigest()}; expected {named}")
        return True

    def events(self) -> Iterator[Events]:
        """Every submission and every label, and retractions of labels, page by page of ``ledger.history.PAGE`` entries."""
        for after in range(0, self.seq, PAGE):
            yield _events(changes_between(self._connection, after, min(after + PAGE, self.seq)))

    def _pieces(self, digest: str) -> Iterator[bytes]:
        """A snapshot can be as large as everything that is known: it never lies in memory whole."""
        whose = (kept.c.kind == HISTORY) & (kept.c.digest == digest)
        size = self._connection.execute(select(func.length(kept.c.body)).where(whose)).scalar()
        if size is None:
            raise NotFound(f"the ledger keeps no {HISTORY} {digest}")
        for start in range(1, size + 1, PIECE):
            yield bytes(self._connection.execute(select(func.substr(kept.c.body, start, PIECE)).where(whose)).scalar_one())


def _events(told: HistoryChanges) -> Events:
    given = [Opinion(label, ad) for ad, one in told.said for label in one.given]
    taken = [Opinion(label, ad, weight=-1) for ad, one in told.said for label in one.taken]
    return Events(events.submissions(told.submissions), events.told([*given, *taken]))
