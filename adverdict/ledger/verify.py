"""Whether the ledger is as it was written: finds every edited, deleted, moved, inserted or cut-off row of the chain and its contents.

Only a chain written anew from some entry to its end, head included, is whole again to itself. Against that, note seq and hash of the end
somewhere else now and then, and give them as ``anchor`` later. What somebody with a hand in the database appends like the service does is
told by no chain; who may write is the database's to say.

Of what is kept beside the chain, what the chain contradicts is found (``ledger.beside``), and no more.

What is compared is what a row says, not how its content happens to be compressed.
"""

from __future__ import annotations

import hashlib
import zlib
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

from pydantic_core import from_json
from sqlalchemy import Connection, text

from adverdict.domain.progress import SILENT, Progress
from adverdict.ledger import chain
from adverdict.ledger.beside import contradicted, nobody_asked, strange
from adverdict.ledger.columns import COLUMNS, columns_of, outline
from adverdict.ledger.store import Ledger
from adverdict.ledger.versions import missing, unlike

PAGE = 2000
"""Rows held in memory at a time."""
SHOWN = 100
"""Problems told; the rest are counted."""

# Plain text, so that values come as they are stored: an edited row may hold anything.
_ENTRIES = f"""
    SELECT e.seq, e.kind, e.entry_id, e.at, e.digest, e.hash, c.salt, c.body, {", ".join(f"c.{name}" for name in COLUMNS)}, c.seq
    FROM entries e LEFT JOIN contents c ON c.seq = e.seq ORDER BY e.seq
"""
_ERASURES = "SELECT e.seq, c.body FROM entries e JOIN contents c ON c.seq = e.seq WHERE e.kind = 'erasure' ORDER BY e.seq"
_KEPT = """
    SELECT kind, digest, body FROM kept
    WHERE kind IN ('policies', 'thresholds', 'history', 'policy-files', 'rollout-salt') ORDER BY kind, digest
"""
_ORPHANS = "SELECT c.seq FROM contents c WHERE NOT EXISTS (SELECT 1 FROM entries e WHERE e.seq = c.seq) ORDER BY c.seq"


class Problem(NamedTuple):
    """One thing that is not as it was written; ``seq`` None where no entry is meant."""

    seq: int | None
    what: str


@dataclass(frozen=True)
class Verified:
    """What was read and what is wrong with it."""

    rows: int
    """Entries."""
    erased: int
    """Of those, without content, as a later entry says."""
    seq: int
    hash: bytes
    """Of the last entry: to be noted elsewhere."""
    problems: tuple[Problem, ...]
    """The first ``SHOWN``."""
    found: int
    """All problems."""

    @property
    def end(self) -> str:
        """For keeping, and for ``read_anchor``."""
        return f"{self.seq}:{self.hash.hex()}"


def read_anchor(told: str) -> tuple[int, bytes]:
    """``SEQ:HASH``, as ``Verified.end`` writes it. Raises ValueError."""
    seq, _, digest = told.partition(":")
    read = int(seq), bytes.fromhex(digest)
    if read[0] < 0 or len(read[1]) != len(chain.GENESIS):
        raise ValueError("not an end of a chain")
    return read


def verify(ledger: Ledger, *, anchor: tuple[int, bytes] | None = None, progress: Progress = SILENT) -> Verified:
    """Read the whole ledger once, as it was at one moment; others may go on writing. Raises Unavailable.

    ``anchor``: seq and hash of an entry, noted elsewhere when it was the last.
    """
    with ledger.look() as connection:
        return verify_view(connection, anchor=anchor, progress=progress)


def verify_view(connection: Connection, *, anchor: tuple[int, bytes] | None = None, progress: Progress = SILENT) -> Verified:
    """The same of what a transaction sees."""
    with _any_text(connection):
        return _Reader(connection, anchor, progress).verified()


class _Reader:
    def __init__(self, connection: Connection, anchor: tuple[int, bytes] | None, progress: Progress) -> None:
        self._connection = connection
        self._anchor = anchor
        self._progress = progress
        self._problems: list[Problem] = []
        self._found = 0
        self._rows = self._erased = self._seq = 0
        self._hash: Any = chain.GENESIS
        self._gone = _Runs(())
        self._unasked: frozenset[int] = frozenset()
        self._histories: list[str] = []
        self._named: dict[tuple[str, str], int] = {}
        """Kind and digest of the versions that decisions were made by, and the first entry that names each."""

    def verified(self) -> Verified:
        head = self._connection.execute(text("SELECT id, seq, hash FROM head")).all()
        self._progress.stage("verifying", head[0].seq if head and isinstance(head[0].seq, int) else 0)
        self._gone = _Runs(self._erasures())
        self._unasked = nobody_asked(self._connection)
        self._anchored()
        for rows in self._pages():
            for row in rows:
                self._check(row)
            self._progress.advance(len(rows))
        self._check_ends([tuple(row) for row in head])
        self._check_beside()
        last = bytes(self._hash) if isinstance(self._hash, bytes) else b""
        return Verified(self._rows, self._erased, self._seq, last, tuple(self._problems), self._found)

    def _tell(self, seq: int | None, what: str) -> None:
        self._found += 1
        if len(self._problems) < SHOWN:
            self._problems.append(Problem(seq, what))

    def _pages(self) -> Iterator[Sequence[Sequence[Any]]]:
        # On PostgreSQL a cursor of the server, or all rows would come at once.
        options = {"stream_results": True, "max_row_buffer": PAGE}
        with self._connection.execute(text(_ENTRIES), execution_options=options) as found:
            yield from found.partitions(PAGE)

    def _erasures(self) -> Iterator[tuple[int, int]]:
        """Runs of entries that a later entry says were erased. Whether that entry is genuine is checked with all others."""
        for seq, body in self._connection.execute(text(_ERASURES)).all():
            try:
                told = from_json(zlib.decompress(body))
                self._histories += [told["history"]] if isinstance(told["history"], str) else []
                for first, last in ((int(first), int(last)) for first, last in told["seqs"]):
                    if last >= seq:
                        self._tell(seq, f"says that entries {first} to {last} were erased, which are not all before it")
                    yield first, min(last, seq - 1)
            except (zlib.error, ValueError, TypeError, KeyError):
                continue  # told when its turn comes

    def _check(self, row: Sequence[Any]) -> None:
        seq, kind, entry_id, at, digest, hashed, salt, body, *columns, content_seq = row
        self._rows += 1
        following = self._follows(seq)
        if following and hashed != _link(self._hash, seq, kind, entry_id, at, digest):
            self._tell(seq, "its hash is not that of what it says after the entry before: edited, moved, or put in")
        if isinstance(seq, int):
            self._seq = seq
        self._hash = hashed
        self._anchored()
        gone = seq in self._gone
        if content_seq is None:
            self._erased += gone
            if not gone:
                self._tell(seq, "its content is missing, and no later entry says that it was erased")
        elif gone:
            self._tell(seq, "its content is there, although a later entry says that it was erased")
        else:
            self._check_content(seq, kind, entry_id, digest, salt, body, columns)

    def _follows(self, seq: Any) -> bool:
        if seq == self._seq + 1:
            return True
        if not isinstance(seq, int):
            self._tell(None, f"an entry's seq is {seq!r}")
        elif seq <= self._seq:
            self._tell(seq, "comes before the first entry")
        else:
            self._tell(self._seq + 1, f"entries {self._seq + 1} to {seq - 1} are missing")
        return False

    def _check_content(self, seq: int, kind: Any, entry_id: Any, digest: Any, salt: Any, body: Any, columns: list[Any]) -> None:
        try:
            plain = _decompressed(body)
            same = hashlib.sha256(salt + plain).digest() == digest
            told = outline(kind, plain) if same else {}
            repeated = columns_of(kind, told, entry_id) if same else None
            if same:
                self._note_versions(seq, kind, told)
        except (zlib.error, ValueError, TypeError, KeyError, AttributeError) as error:
            self._tell(seq, f"its content cannot be read: {error}")
            return
        if repeated is None:
            self._tell(seq, "its content is not the one that was written")
        elif repeated != columns:
            wrong = [name for name, column, told in zip(COLUMNS, columns, repeated, strict=True) if column != told]
            self._tell(seq, f"its column {', '.join(wrong)} of contents does not say what its content says")

    def _note_versions(self, seq: int, kind: Any, told: dict[str, Any]) -> None:
        if kind != "decision":
            for what, digest in _versions_of_rollouts(kind, told):
                self._named.setdefault((what, digest), seq)
            return
        # The service names the thresholds at hand with every decision, and keeps them and the policies before. A decision that names
        # none was not recorded by it (a benchmark, a simulation), and nothing was kept for it.
        thresholds = told.get("thresholds")
        if thresholds is not None:
            self._named.setdefault(("thresholds", thresholds), seq)
            self._named.setdefault(("policies", told["decision"]["policy_hash"]), seq)
            if seq in self._unasked:
                self._tell(seq, "leaves its ad to people, and there is no task about it: nobody will look at it")

    def _anchored(self) -> None:
        if self._anchor and self._anchor[0] == self._seq and self._anchor[1] != self._hash:
            self._tell(self._seq, "its hash is not the one noted elsewhere: the chain was written anew")

    def _check_ends(self, head: list[tuple[Any, ...]]) -> None:
        if [seq for _, seq, _ in head] != [self._seq]:
            said = " and ".join(f"entry {seq}" for _, seq, _ in head) or "nothing"
            self._tell(None, f"the chain ends with entry {self._seq}; the head says with {said}")
        elif head != [(1, self._seq, self._hash)]:
            self._tell(None, "the head does not say the hash of the last entry")
        if self._anchor and self._anchor[0] > self._seq:
            self._tell(None, f"the chain ends with entry {self._seq}; entry {self._anchor[0]} was noted elsewhere")

    def _check_beside(self) -> None:
        """Contents that belong to no entry, and the versions that decisions and history go back to."""
        for (seq,) in self._connection.execute(text(_ORPHANS)):
            self._tell(seq, "there is a content, and no entry")
        kept = self._connection.execute(text(_KEPT)).all()
        for what in (*strange(self._connection), *contradicted(self._connection)):
            self._tell(None, what)
        for what in (*unlike(kept), *missing(kept, self._named, self._named_history())):
            self._tell(None, what)

    def _named_history(self) -> str | None:
        """The one in force: the last an erasure names, else that of the foundation."""
        if self._histories:
            return self._histories[-1]
        query = "SELECT c.body FROM entries e JOIN contents c ON c.seq = e.seq WHERE e.kind = 'foundation' ORDER BY e.seq LIMIT 1"
        try:
            for (body,) in self._connection.execute(text(query)):
                named = from_json(zlib.decompress(body))["history"]
                return None if named is None else str(named)
        except (zlib.error, ValueError, TypeError, KeyError):
            pass  # told already: that entry's content is not the one that was written
        return None


class _Runs:
    """A set of numbers, as runs; asking is fast however many there are."""

    def __init__(self, runs: Iterable[tuple[int, int]]) -> None:
        self._firsts: list[int] = []
        self._lasts: list[int] = []
        for first, last in sorted(runs):
            if self._lasts and first <= self._lasts[-1] + 1:
                self._lasts[-1] = max(self._lasts[-1], last)
            else:
                self._firsts.append(first)
                self._lasts.append(last)

    def __contains__(self, number: Any) -> bool:
        if not self._firsts or not isinstance(number, int):
            return False
        place = bisect_right(self._firsts, number) - 1
        return place >= 0 and number <= self._lasts[place]


@contextmanager
def _any_text(connection: Connection) -> Iterator[None]:
    """SQLite keeps whatever bytes somebody put where text belongs; reading must not stumble over them."""
    driver = connection.connection.dbapi_connection
    if connection.dialect.name != "sqlite" or driver is None:
        yield
        return
    driver.text_factory = lambda stored: stored.decode("utf-8", "surrogateescape")
    try:
        yield
    finally:
        driver.text_factory = str


def _versions_of_rollouts(kind: Any, told: dict[str, Any]) -> list[tuple[str, str]]:
    """Kind and digest of what an entry about coming into force names."""
    if kind == "policies":
        named = [("policies", told["policies"]), ("policy-files", told["files"])]
    elif kind == "proposal":
        candidate = told["candidate"]
        named = [("policies", candidate["policies"]), ("thresholds", candidate["thresholds"])]
        named += [("policy-files", told["files"]), ("rollout-salt", told["salt"])]
    else:
        named = []
    return [(what, digest) for what, digest in named if digest is not None]


def _link(before: Any, seq: int, kind: Any, entry_id: Any, at: Any, digest: Any) -> bytes | None:
    """None for values that no entry can have."""
    try:
        return chain.link(before, seq, kind, entry_id, at, digest) if isinstance(at, int) else None
    except (TypeError, AttributeError, UnicodeError):
        return None


def _decompressed(body: Any) -> bytes:
    stream = zlib.decompressobj()
    plain = stream.decompress(body)
    if not stream.eof or stream.unused_data:
        raise ValueError("cut off" if not stream.eof else "something follows it")
    return plain
