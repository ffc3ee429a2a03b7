"""The folder of a machine's history store: built from the chain, refreshed by what came since, replaced whole, opened by every worker.

::

    lock            who builds holds it
    events/         what the chain tells, for the next build: a part a build
    store-…/        the store; the file ``current`` has its name
"""

from __future__ import annotations

import fcntl
import logging
import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, select

from adverdict.domain.errors import AdverdictError, Conflict, NotFound, Unavailable
from adverdict.domain.progress import SILENT, Progress
from adverdict.features.history.counting import EventCounter
from adverdict.features.history.store.building import build
from adverdict.features.history.store.events import EventFolder, EventPart
from adverdict.features.history.store.layout import StandsOn, StoreListing
from adverdict.features.history.store.reading import HistoryStore
from adverdict.ledger.history import HISTORY, PAGE, base, end_of, foundation
from adverdict.ledger.schema import entries
from adverdict.ledger.store import Ledger, recall
from adverdict.ledger.stored.beginning import begin, erasures, stands
from adverdict.ledger.stored.events import add_page, write_snapshot
from adverdict.storage.whole import write_whole

log = logging.getLogger("adverdict.history")

MEMORY = 2**30
"""Bytes for sorting."""
WORTH = 20_000
"""Entries of a chain from which on a store is worth its build: fewer are read in a second."""
SHARE = 10
"""A store is refreshed when a part in so many has come since: reading that at a start takes little beside."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Where the store of a folder stands in the chain."""

    seq: int
    """Its last entry; 0: there is no store of this chain."""
    end: int
    """The chain's."""
    erased: bool
    """Whether the store has something that was erased since."""

    @property
    def due(self) -> bool:
        """Whether it is time to build."""
        return self.erased or self.end - self.seq >= max(WORTH, self.seq // SHARE)


class HistoryFolder:
    """Implements ``ledger.history.Shortcut``. For several threads at once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = threading.Lock()
        self._opened: HistoryStore | None = None

    @property
    def current(self) -> str | None:
        """The name of the store; None: there is none."""
        try:
            return (self.folder / "current").read_text(encoding="utf-8").strip()
        except OSError:
            return None

    def store(self) -> HistoryStore | None:
        """Open it, once each. A store that is damaged is as good as none, and the log says so."""
        with self._lock:
            for _ in range(2):  # it may be replaced while it is opened
                name = self.current
                if name is None:
                    return None
                if self._opened is not None and self._opened.folder.name == name:
                    return self._opened
                try:
                    self._opened = HistoryStore.open(self.folder / name)
                except NotFound:
                    continue
                except AdverdictError as error:
                    log.warning("the history store cannot be used, and the chain is read instead: %s", error)
                    return None
                return self._opened
            return None

    def begin(self, connection: Connection, until: int) -> tuple[EventCounter, int] | None:
        store = self.store()
        if store is None or store.listing.stands_on.seq > until:
            return None
        state = begin(connection, store)
        if state is None:
            log.warning("the history store is of another chain, and the chain is read instead: %s", store.folder)
            return None
        return state, store.listing.stands_on.seq

    def standing(self, ledger: Ledger) -> Standing:
        """Raises Unavailable."""
        store = self.store()
        with ledger.look() as connection:
            end = end_of(connection)
            if store is None or not stands(connection, store):
                return Standing(0, end, False)
            seq = store.listing.stands_on.seq
            return Standing(seq, end, bool(erasures(connection, seq)))

    def refresh(self, ledger: Ledger, *, memory: int = MEMORY, anew: bool = False, progress: Progress = SILENT) -> StoreListing:
        """Bring the store to the chain's end: by what came since, or from the first entry where that cannot be or ``anew`` is asked for.

        Where something was erased since, it begins from the first entry: nothing of it is left in the folder then. Raises Conflict while
        somebody else builds, NotFound for an empty chain, Unavailable, InvalidInput where the memory does not suffice.
        """
        with _disk(self.folder), self.alone():
            stands_on, parts = self._read(ledger, anew, progress)
            store = self.store()
            if store is not None and store.listing.stands_on == stands_on and not anew:
                return store.listing
            made = Path(tempfile.mkdtemp(prefix="making-", dir=self.folder))
            listing = build(parts, made, stands_on, memory=memory, progress=progress)
            name = f"store-{stands_on.seq:020}-{made.name.removeprefix('making-')}"
            made.rename(self.folder / name)
            write_whole(self.folder / "current", name + "\n")
            self._tidy(name)
            return listing

    def check(self, ledger: Ledger, *, memory: int = MEMORY, progress: Progress = SILENT) -> tuple[str, str]:
        """Digests of what the chain tells up to the store's last entry, counted anew beside it, and of the store.

        Raises NotFound where there is no store of this chain, Conflict where something was erased since it was built, and as ``refresh``.
        """
        store = self.store()
        with _disk(self.folder), ledger.look() as connection:
            if store is None or not stands(connection, store):
                raise NotFound(f"there is no history store of this ledger in {self.folder}")
            stands_on = store.listing.stands_on
            if erasures(connection, stands_on.seq):
                raise Conflict("something was erased since the history store was built: it is built anew first, 'adverdict history build'")
            with tempfile.TemporaryDirectory(prefix="making-", dir=self.folder) as scratch:
                parts = EventFolder(Path(scratch) / "events")
                _tell(connection, parts, 0, stands_on.seq, progress)
                return build(parts, Path(scratch) / "store", stands_on, memory=memory, progress=progress).digest, store.listing.digest

    def _read(self, ledger: Ledger, anew: bool, progress: Progress) -> tuple[StandsOn, EventFolder]:
        """The chain's entries as events, to its end, in one consistent view."""
        parts = EventFolder(self.folder / "events")
        with ledger.look() as connection:
            end, named = end_of(connection), base(connection)
            if end == 0:
                raise NotFound("nothing is on record yet, so there is no history to store")
            after = 0 if anew else self._continues(connection, parts, named)
            if after == 0:
                parts.clear()
            if after == 0 or after < end:
                _tell(connection, parts, after, end, progress)
            chain = connection.execute(select(entries.c.hash).where(entries.c.seq == end)).scalar()
            founded = foundation(connection) is not None
        return StandsOn(seq=end, chain=bytes(chain or b"").hex(), founded=founded, base=named), parts

    def _continues(self, connection: Connection, parts: EventFolder, named: str | None) -> int:
        """The entry up to which the events that are there still tell the chain; 0 where they do not."""
        store = self.store()
        if store is None or not stands(connection, store):
            return 0
        stands_on = store.listing.stands_on
        same = stands_on.base == named and parts.until == stands_on.seq
        return stands_on.seq if same and not erasures(connection, stands_on.seq) else 0

    def _tidy(self, name: str) -> None:
        """Who has mapped an older store keeps what it has mapped."""
        for old in self.folder.iterdir():
            if old.name != name and old.name.startswith(("store-", "making-")):
                shutil.rmtree(old, ignore_errors=True)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """One process of this machine builds; a lock ends with whoever holds it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise Conflict(f"the history store in {self.folder} is being built by another process") from error
            yield


def _tell(connection: Connection, parts: EventFolder, after: int, until: int, progress: Progress) -> None:
    """What the entries after one tell, up to another; with what was known before the first."""
    named = base(connection) if after == 0 else None
    with parts.adding(until) as part:
        if named is not None:
            _before(part, recall(connection, HISTORY, named))
        progress.stage("reading the chain", max(1, until - after))
        for start in range(after, until, PAGE):
            add_page(part, connection, start, min(start + PAGE, until))
            progress.advance(min(PAGE, until - start))


def _before(part: EventPart, snapshot: bytes) -> None:
    with tempfile.TemporaryDirectory(prefix="adverdict-snapshot-") as scratch:
        write_snapshot(part, snapshot, Path(scratch))


@contextmanager
def _disk(folder: Path) -> Iterator[None]:
    """A full or a failing disk is somebody's outage."""
    try:
        yield
    except OSError as error:
        raise Unavailable(f"the history store cannot be written to {folder}: {error}") from error
