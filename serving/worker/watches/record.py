"""Whether the record that is written to is still the one that was read, and whether the clock has not gone back behind it.

An older copy of a database, put in its place, verifies clean, and what was acknowledged since is gone. So a worker remembers where the
chain ended, also on its own disk and, for other machines, in the registry, and does not go on with a chain that does not hold that
entry.
"""

from __future__ import annotations

import logging
import math
import os
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

from adverdict.domain.degraded import Cause, Degradation
from adverdict.domain.errors import Unavailable
from adverdict.ledger.database import file_of
from adverdict.ledger.store import Ledger, now
from adverdict.serving.worker.watches.ends import NotesInRegistry, NotesOnDisk, SeenEnd, latest

log = logging.getLogger("adverdict.record")

BACK = timedelta(minutes=5)
"""A clock that is further behind the record than this decides nothing: certificates would not expire, and ages would be wrong."""
NOTED_EVERY, TOLD_EVERY = 60.0, 600.0
"""Seconds between notes on disk, and in the registry."""


class RecordWatch:
    """``look`` is one thread's, others read. ``cache``: folder of this installation's notes; ``model``: on which others find them.
    ``monotonic``: seconds, never set back."""

    def __init__(
        self,
        ledger: Ledger,
        cache: Path,
        clock: Callable[[], datetime] = now,
        monotonic: Callable[[], float] = time.monotonic,
        *,
        model: str = "",
    ) -> None:
        self._ledger, self._clock, self._monotonic = ledger, clock, monotonic
        self._here, self._elsewhere = NotesOnDisk(cache), NotesInRegistry(model)
        self._seen = self._here.read(ledger)
        self._asked, self._ask_at = False, -math.inf
        """Whether the registry has said what it knows, and from when on it is asked again."""
        self._file = _identity(ledger)
        self._least = clock(), monotonic()
        """A moment that was, and when by the other clock."""
        self._noted, self._told = -NOTED_EVERY, -TOLD_EVERY
        self.trouble: str | None = None
        """Why nothing more may be recorded; None: nothing is wrong."""

    def look(self) -> None:
        """Compare what is there with what was. While the database does not answer nothing is known, and others say so."""
        try:
            self._look()
        except Unavailable:
            return
        if self.trouble is not None or self._seen is None:
            return
        if self._monotonic() - self._noted >= NOTED_EVERY:
            self.note()
        if self._monotonic() - self._told >= TOLD_EVERY:
            self._tell(self._seen)

    def note(self) -> None:
        """On disk, so that a worker that is started here on another copy knows."""
        if self._seen is not None and self.trouble is None:
            with suppress(OSError):
                self._here.write(self._ledger, self._seen)
                self._noted = self._monotonic()

    def _tell(self, seen: SeenEnd) -> None:
        """In the registry, for workers elsewhere; where it is away it is asked again when the next is due."""
        self._told = self._monotonic()
        with suppress(OSError):
            self._elsewhere.write(self._ledger, seen)

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

    def _ask(self) -> None:
        try:
            self._seen, self._asked = latest(self._seen, self._elsewhere.read(self._ledger)), True
        except OSError as error:
            self._ask_at = self._monotonic() + TOLD_EVERY
            log.warning("whether the ledger is the one of before is not known from the registry: %s", error)

    def _look(self) -> None:
        if not self._asked and self._monotonic() >= self._ask_at:
            self._ask()
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


def accept(ledger: Ledger, cache: Path, model: str = "") -> tuple[SeenEnd | None, SeenEnd]:
    """Remember the end as it is from now on; what was remembered before, and the end. Raises Unavailable or OSError, which the registry
    alone may be the cause of: here it is remembered then."""
    here, elsewhere = NotesOnDisk(cache), NotesInRegistry(model)
    before, (seq, digest, _) = here.read(ledger), ledger.last()
    end = SeenEnd(seq, digest.hex())
    here.write(ledger, end)
    before = latest(before, elsewhere.read(ledger))
    elsewhere.write(ledger, end)
    return before, end


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
