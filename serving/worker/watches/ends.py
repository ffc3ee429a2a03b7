"""Where a ledger's chain ended when somebody last looked: noted on this machine's disk, and on the registered model for other machines.

A note names an entry and its hash. A chain that does not hold that entry is an older copy, or another chain.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from adverdict.domain.errors import NotFound, Unavailable
from adverdict.ledger.store import Ledger
from adverdict.models.registry import note_of, take_note
from adverdict.storage.whole import write_whole

TAG = "adverdict.ledger_end"
SEEN_IN_HASH = 16
"""Characters of a hash that name a database."""


@dataclass(frozen=True)
class SeenEnd:
    """Where a chain ended when it was looked at."""

    seq: int
    hash: str


@dataclass(frozen=True)
class NotesOnDisk:
    """``cache``: folder of this installation's notes."""

    cache: Path

    def read(self, ledger: Ledger) -> SeenEnd | None:
        """None where there is none, or none that can be read."""
        try:
            return _told(self._path(ledger).read_text(encoding="utf-8"))
        except OSError:
            return None

    def write(self, ledger: Ledger, end: SeenEnd) -> None:
        """Raises OSError."""
        write_whole(self._path(ledger), _said(end))

    def _path(self, ledger: Ledger) -> Path:
        return self.cache / f"ledger-end-{_address(ledger)}.json"


@dataclass(frozen=True)
class NotesInRegistry:
    """Tags of the registered model that is served, one a database and chain: a copy elsewhere, of which a test is made, has its own."""

    model: str

    def read(self, ledger: Ledger) -> SeenEnd | None:
        """None where there is none, or none that can be read. Raises OSError where the registry does not answer."""
        tag = _tag(ledger)
        try:
            told = note_of(self.model, tag) if tag else None
        except NotFound:
            return None
        except Unavailable as error:
            raise OSError(str(error)) from error
        return _told(told) if told else None

    def write(self, ledger: Ledger, end: SeenEnd) -> None:
        """Nothing where no such model is registered yet. Raises OSError where the registry does not answer."""
        tag = _tag(ledger)
        try:
            if tag:
                take_note(self.model, tag, _said(end))
        except NotFound:
            return
        except Unavailable as error:
            raise OSError(str(error)) from error


def latest(*found: SeenEnd | None) -> SeenEnd | None:
    return max((one for one in found if one is not None), key=lambda one: one.seq, default=None)


def _told(text: str) -> SeenEnd | None:
    try:
        told = json.loads(text)
        return SeenEnd(int(told["seq"]), str(told["hash"]))
    except (ValueError, TypeError, KeyError):
        return None


def _said(end: SeenEnd) -> str:
    return json.dumps(asdict(end))


def _address(ledger: Ledger) -> str:
    url = ledger.engine.url.render_as_string(hide_password=True)
    return hashlib.sha256(url.encode()).hexdigest()[:SEEN_IN_HASH]


def _tag(ledger: Ledger) -> str | None:
    """By the address and by the chain's first entry; None while there is none."""
    first = ledger.hash_at(1)
    return None if first is None else f"{TAG}.{_address(ledger)}.{first.hex()[:SEEN_IN_HASH]}"
