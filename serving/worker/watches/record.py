"""Whether the record that is written to is still the one that was read, and whether the clock has not gone back behind it.

An older copy of a database, put in its place, verifies clean, and what was acknowledged since is gone. So a worker remembers where the
chain ended, also on its own disk, and does not go on with a chain that does not hold that entry.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path

from adverdict.domain.degraded import Cause, Degradation
from adverdict.domain.errors import Unavailable
from adverdict.ledger.database import file_of
from adverdict.ledger.store import Ledger, now
from adverdict.storage.whole import write_whole

log = logging.getLogger("adverdict.record")

BACK = timedelta(minutes=5)
"""A clock that is further behind the record than this decides nothing: certificates would not expire, and ages would be wrong."""
NOTED_EVERY = 60.0
"""Seconds between notes on disk."""


@dataclass(frozen=True)
class SeenEnd:
    """Where a chain ended when it was looked at."""

    seq: int
    hash: str


class RecordWatch:
    """``look`` is one thread's, others read. ``cache``: folder of this installation's notes. ``monotonic``: seconds, never set back."""

    def __init__(
        self, ledger: Ledger, cache: Path, clock: Callable[[], datetime] = now, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._ledger, self._clock, self._monotonic = ledger, clock, monotonic
        self._note = cache / note_name(ledger)
        self._seen = read_note(self._note)
        self._file = _identity(ledger)
        self._least = clock(), monotonic()
        """A moment that was, and when by the other clock."""
        self._noted = -NOTED_EVERY
        self.trouble: str | None = None
        """Why nothing more may be recorded; None: nothing is wrong."""

    def look(self) -> None:
        """Compare what is there with what was. While the database does not answer nothing is known, and others say so."""
        try:
            self._look()
        except Unavailable:
            return
        if self.trouble is None and self._monotonic() - self._noted >= NOTED_EVERY:
            self.note()

    def note(self) -> None:
        """On disk, so that a worker that is started on another copy knows."""
        if self._seen is not None and self.trouble is None:
            with suppress(OSError):
                write_whole(self._note, json.dumps(asdict(self._seen)))
                self._noted = self._monotonic()

    def behind(self) -> timedelta | None:
        """How far the clock is behind a moment that was; None: not further than ``BACK``."""
        moment, then = self._least
        back = moment + timedelta(seconds=self._monotonic() - then) - self._clock()
        return back if back > BACK else None

    def standing(self) -> tuple[Degradation, ...]:
        """What is to be said of decisions made now: with a clock that cannot be right they are people's. Raises Unavailable."""
        if self.trouble is not None:
            raise Unavailable(self.trouble)
        back = self.behind()
        return () if back is None else (Degradation(Cause.CLOCK_BEHIND, in_words(back)),)

    def _look(self) -> None:
        why = None if _identity(self._ledger) == self._file else "the file of the database is another than the one that was opened"
        if why is None and self._seen is not None:
            why = _unlike(self._ledger, self._seen)
        if why != self.trouble:
            log.error("nothing more is recorded: %s", why) if why else log.info("the record is the one that was read again")
        self.trouble = why
        if why is None:
            seq, digest, at = self._ledger.last()
            self._seen = SeenEnd(seq, digest.hex())
            if at is not None and at > self._least[0] + timedelta(seconds=self._monotonic() - self._least[1]):
                self._least = at, self._monotonic()


def accept(ledger: Ledger, cache: Path) -> tuple[SeenEnd | None, SeenEnd]:
    """Remember the end as it is from now on; what was remembered before, and the end. Raises Unavailable or OSError."""
    path = cache / note_name(ledger)
    before = read_note(path)
    seq, digest, _ = ledger.last()
    end = SeenEnd(seq, digest.hex())
    write_whole(path, json.dumps(asdict(end)))
    return before, end


def note_name(ledger: Ledger) -> str:
    """Of the file that says where this database's chain ended."""
    url = ledger.engine.url.render_as_string(hide_password=True)
    return f"ledger-end-{hashlib.sha256(url.encode()).hexdigest()[:16]}.json"


def read_note(path: Path) -> SeenEnd | None:
    """None where there is none, or none that can be read."""
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        return SeenEnd(int(told["seq"]), str(told["hash"]))
    except (OSError, ValueError, TypeError, KeyError):
        return None


def in_words(back: timedelta) -> str:
    """About, in the largest unit of which there are two."""
    seconds = back.total_seconds()
    for unit, size in (("d", 86_400), ("h", 3600)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds / 60:.0f} min"


def _unlike(ledger: Ledger, seen: SeenEnd) -> str | None:
    """Why this is not the chain that ended there once; None: it may be."""
    if seen.seq == 0:
        return None
    found = ledger.hash_at(seen.seq)
    if found is None:
        last = ledger.last()[0]
        return (
            f"the ledger ends with entry {last}, and entry {seen.seq} was on record before: an older copy, or another database. "
            "If that is meant: adverdict ledger accept, then start again"
        )
    if found.hex() != seen.hash:
        return (
            f"entry {seen.seq} of the ledger is not the one that was on record before: another database, or one that was written anew. "
            "If that is meant: adverdict ledger accept, then start again"
        )
    return None


def _identity(ledger: Ledger) -> tuple[int, int] | None:
    """Of the database's file; None where it has none, or it is not there (then writing says so)."""
    path = file_of(ledger.engine)
    if path is None:
        return None
    try:
        found = os.stat(path)
    except OSError:
        return (0, 0)
    return found.st_dev, found.st_ino
