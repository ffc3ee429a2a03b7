"""The ledger: entries go in at the end, whole transactions at a time, and come out in order."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Engine, Row, Select, delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError

from adverdict.domain.ad import Ad
from adverdict.domain.errors import NotFound
from adverdict.ledger import chain, migrate, rows
from adverdict.ledger.database import engine as engine_of
from adverdict.ledger.database import reading, writing
from adverdict.ledger.entries import Body, DecisionMade, Entry, Withdrawn
from adverdict.ledger.entropy import hexadecimal
from adverdict.ledger.moments import micros, moment
from adverdict.ledger.schema import contents, entries, head, kept

PAGE = 1000
"""Entries read at a time."""
PROBE_BYTES = 2**16
"""As much as a round of ads takes."""
CHUNK = 500
"""Values in one statement: databases limit how many."""

# Built once: what these say never changes, and building one takes as long as the database takes to run it. In the driver's own words where
# others wait meanwhile.
_HEAD = select(head.c.seq, head.c.hash).where(head.c.id == 1)
_GLANCE = "SELECT seq FROM head WHERE id = 1"
_HELD_HEAD = {"sqlite": "SELECT seq, hash FROM head WHERE id = 1", "postgresql": "SELECT seq, hash FROM head WHERE id = 1 FOR UPDATE"}
_MOVE_HEAD = "UPDATE head SET seq = {mark}, hash = {mark} WHERE id = 1"
_DECIDED_VERSIONS = "SELECT ad_id, submission FROM contents WHERE ad_id IN ({ids}) AND submission IS NOT NULL"
"""All of some ads. Asked for by pairs, SQLite would go through its whole index each time."""


class Writing:
    """One transaction at the end of the chain. Nothing is seen by anybody until it ends without an exception."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        """For the tables beside the chain, in the same transaction."""
        self._mark = rows.mark(connection)
        self.seq: int
        self._hash: bytes
        self.seq, self._hash = rows.run(connection, _HELD_HEAD[connection.dialect.name]).fetchone()
        self._began = self.seq
        self._entries: list[dict[str, object]] = []
        self._contents: list[dict[str, object]] = []

    def append(self, entry_id: str, body: Body, at: datetime, sealed: chain.Sealed | None = None) -> int:
        """The entry's seq. Raises sqlalchemy's IntegrityError at the end of the transaction when the id is taken.

        ``sealed``: what ``chain.seal`` made of ``body``, by who did not want others to wait for that.
        """
        self.seq += 1
        sealed, when = sealed or chain.seal(body), micros(at)
        self._hash = chain.link(self._hash, self.seq, body.kind, entry_id, when, sealed.digest)
        self._entries.append(
            {"seq": self.seq, "kind": body.kind, "entry_id": entry_id, "at": when, "digest": sealed.digest, "hash": self._hash}
        )
        self._contents.append({"seq": self.seq, **chain.looked_up_by(body, entry_id), "salt": sealed.salt, "body": sealed.body})
        return self.seq

    def first_seen(self, ads: Sequence[Ad]) -> list[bool]:
        """Of each ad: whether this version (its id and ``submitted_at``) has no decision yet, here or earlier in ``ads``."""
        seen = self._versions({ad.ad_id for ad in ads})
        fresh = []
        for ad in ads:
            version = (ad.ad_id, micros(ad.submitted_at))
            fresh.append(version not in seen)
            seen.add(version)
        return fresh

    def flush(self) -> None:
        """Write what was appended, so that statements of this transaction see it."""
        if self._entries:
            rows.add(self.connection, entries, self._entries)
            rows.add(self.connection, contents, self._contents)
            self._entries, self._contents = [], []
        if self.seq != self._began:
            rows.run(self.connection, _MOVE_HEAD.format(mark=self._mark), (self.seq, self._hash))
            self._began = self.seq

    def _versions(self, asked: set[str]) -> set[tuple[str, int]]:
        """Of these ads, the versions that were decided before. One row each, however often one was decided."""
        wanted = sorted(asked)
        pairs: set[tuple[str, int]] = set()
        for start in range(0, len(wanted), CHUNK):
            some = wanted[start : start + CHUNK]
            query = _DECIDED_VERSIONS.format(ids=", ".join([self._mark] * len(some)))
            found = rows.run(self.connection, query, tuple(some))
            pairs.update((ad_id, submission) for ad_id, submission in found)
        return pairs


class Ledger:
    """A database with a chain in it."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    @classmethod
    def open(cls, url: str, *, create: bool = True) -> Ledger:
        """The ledger at ``url``, its tables brought up to date. Raises InvalidSettings, Unavailable, or NotFound with ``create`` False.

        ``create`` False: neither makes a database nor changes its tables.
        """
        made = engine_of(url, create=create)
        try:
            migrate.upgrade(made) if create else migrate.require(made)
        except BaseException:
            made.dispose()
            raise
        return cls(made)

    def close(self) -> None:
        self.engine.dispose()

    @contextmanager
    def write(self) -> Iterator[Writing]:
        """A transaction that appends. Whoever else appends waits for its end, so keep it short."""
        with writing(self.engine) as connection:
            transaction = Writing(connection)
            yield transaction
            transaction.flush()

    @contextmanager
    def change(self) -> Iterator[Connection]:
        """A transaction on the tables beside the chain."""
        with writing(self.engine) as connection:
            yield connection

    @contextmanager
    def look(self) -> Iterator[Connection]:
        """A consistent view, for reading."""
        with reading(self.engine) as connection:
            yield connection

    def end(self) -> tuple[int, bytes]:
        """Seq and hash of the last entry; 0 and the genesis hash when there is none."""
        with self.look() as connection:
            row = connection.execute(_HEAD).one()
            return row.seq, row.hash

    def last(self) -> tuple[int, bytes, datetime | None]:
        """The same, and when the last entry was made; None when there is none."""
        with self.look() as connection:
            row = connection.execute(_HEAD).one()
            at = connection.execute(select(entries.c.at).where(entries.c.seq == row.seq)).scalar_one_or_none()
            return row.seq, row.hash, None if at is None else moment(at)

    def hash_at(self, seq: int) -> bytes | None:
        """Of the entry; None: there is none of that number."""
        with self.look() as connection:
            return connection.execute(select(entries.c.hash).where(entries.c.seq == seq)).scalar_one_or_none()

    def try_write(self) -> None:
        """Raises Unavailable where nothing can be written, as on a full disk. What is written is taken away again."""
        probe = hexadecimal()
        with self.change() as connection:
            keep(connection, "probe", probe, bytes(PROBE_BYTES), now())
        with self.change() as connection:
            connection.execute(delete(kept).where(kept.c.kind == "probe", kept.c.digest == probe))

    def stands_at(self, seq: int) -> bool:
        """Whether this is the last entry, as far as one glance tells; False, too, when nothing can be seen.

        Asked before every round of ads, and mostly true: straight from the driver it takes a tenth of what ``look`` does.
        """
        try:
            with closing(self.engine.raw_connection()) as connection, closing(connection.cursor()) as cursor:
                cursor.execute(_GLANCE)
                row = cursor.fetchone()
        except (self.engine.dialect.loaded_dbapi.Error, SQLAlchemyError):
            return False
        return row is not None and row[0] == seq

    def read(self, after: int = 0, until: int | None = None, kinds: Sequence[str] = ()) -> Iterator[Entry]:
        """Entries after one seq, up to and including another, in order; erased ones come without a body."""
        query = entry_query().order_by(entries.c.seq).limit(PAGE)
        if kinds:
            query = query.where(entries.c.kind.in_(kinds))
        if until is not None:
            query = query.where(entries.c.seq <= until)
        while True:
            with self.look() as connection:
                page = connection.execute(query.where(entries.c.seq > after)).all()
            yield from map(entry_of, page)
            if len(page) < PAGE:
                return
            after = page[-1].seq

    def find(self, entry_id: str) -> Entry:
        """Raises NotFound."""
        with self.look() as connection:
            return find(connection, entry_id)

    def about(self, decision_id: str) -> list[Entry]:
        """The decision and everything that was recorded about it, in order."""
        with self.look() as connection:
            return about(connection, decision_id)

    def keep(self, kind: str, digest: str, body: Callable[[], bytes], at: datetime) -> None:
        """Keep a version that decisions name, once."""
        with self.look() as connection:
            there = connection.execute(_kept(kind, digest)).one_or_none()
        if there is None:
            with self.change() as connection:
                keep(connection, kind, digest, body(), at)

    def recall(self, kind: str, digest: str) -> bytes:
        """Raises NotFound."""
        with self.look() as connection:
            return recall(connection, kind, digest)


def recall(connection: Connection, kind: str, digest: str) -> bytes:
    """Raises NotFound."""
    row = connection.execute(_kept(kind, digest)).one_or_none()
    if row is None:
        raise NotFound(f"the ledger keeps no {kind} {digest}")
    return bytes(row.body)


def keep(connection: Connection, kind: str, digest: str, body: bytes, at: datetime) -> None:
    """Keep a version, unless another worker just did."""
    added = (postgresql if connection.dialect.name == "postgresql" else sqlite).insert(kept)
    connection.execute(added.values(kind=kind, digest=digest, body=body, at=micros(at)).on_conflict_do_nothing())


def find(connection: Connection, entry_id: str) -> Entry:
    """Raises NotFound."""
    row = connection.execute(entry_query().where(entries.c.entry_id == _stored(entry_id))).one_or_none()
    if row is None:
        raise NotFound(f"no entry {json.dumps(entry_id)} in the ledger")
    return entry_of(row)


def about(connection: Connection, decision_id: str) -> list[Entry]:
    """The decision and everything that was recorded about it, in order, its step's withdrawal included; what was erased is left out."""
    query = entry_query().where(contents.c.about == _stored(decision_id)).order_by(entries.c.seq)
    read = [entry_of(row) for row in connection.execute(query)]
    steps = {entry.body.step for entry in read if isinstance(entry.body, DecisionMade) and entry.body.step}
    if not steps:
        return read
    ended = connection.execute(entry_query().where(entries.c.entry_id.in_([withdrawal_id(step) for step in steps])))
    return sorted([*read, *map(entry_of, ended)], key=lambda entry: entry.seq)


def withdrawal_id(step: str) -> str:
    """Of the entry that withdraws a step: there is at most one, which the chain itself sees to."""
    return f"wdr-{step}"


def withdrawn(connection: Connection, until: int | None = None) -> dict[str, int]:
    """Steps whose decisions do not stand, and the seq of each one's withdrawal; as of the entry ``until``."""
    query = select(contents.c.step, contents.c.seq).join(entries, entries.c.seq == contents.c.seq).where(entries.c.kind == Withdrawn.kind)
    found = connection.execute(query if until is None else query.where(entries.c.seq <= until))
    return {row.step: row.seq for row in found}


def entry_of(row: Row[Any]) -> Entry:
    body = None if row.body is None else chain.unpack(row.kind, row.body)
    return Entry(seq=row.seq, entry_id=row.entry_id, at=moment(row.at), body=body)


def _stored(text: str) -> str:
    """PostgreSQL refuses text with NUL in it, and stores none: what somebody asks for by such an id is not there."""
    return text.partition("\0")[0] + "?" if "\0" in text else text


def now() -> datetime:
    return datetime.now(UTC)


_ENTRY = (entries.c.seq, entries.c.kind, entries.c.entry_id, entries.c.at, contents.c.body)


def entry_query() -> Select[Any]:
    """Entries with their contents, for ``entry_of``."""
    return select(*_ENTRY).outerjoin(contents, contents.c.seq == entries.c.seq)


def _kept(kind: str, digest: str) -> Select[Any]:
    return select(kept.c.body).where(kept.c.kind == kind, kept.c.digest == digest)
