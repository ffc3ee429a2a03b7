"""What is known of advertisers when everything is looked at again: from a folder, a ledger or the model's own snapshot, frozen once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal, Self

from adverdict.domain.progress import Progress
from adverdict.features.history.freezing import Freezing, disk, freeze_folder
from adverdict.features.history.frozen import FrozenHistory
from adverdict.ledger.database import address
from adverdict.ledger.events import LedgerEvents, telling
from adverdict.ledger.history import PAGE
from adverdict.ledger.store import Ledger


@dataclass(frozen=True, slots=True)
class HistorySource:
    """Where what is known comes from."""

    kind: Literal["folder", "ledger", "bundle"]
    where: str
    """The folder, the ledger's URL, or the name of the bundle."""
    snapshot: bytes | Path | None = field(default=None, repr=False)
    """The model's own history, as ``features.history.snapshot`` writes it; None when it has none."""

    @classmethod
    def folder(cls, path: Path | str) -> Self:
        """Its tables ``ads`` and ``labels`` alone are what is known."""
        return cls("folder", str(path))

    @classmethod
    def ledger(cls, url: str, snapshot: bytes | Path | None = None) -> Self:
        """The ledger's entries, and what it says was known before the first of them.

        ``snapshot``: what was known before them where the ledger does not say so yet, as the service would put it on record.
        """
        return cls("ledger", url, snapshot)

    @classmethod
    def bundle(cls, name: str, snapshot: bytes | Path | None) -> Self:
        """What was known when the model was made; nothing where it has no snapshot."""
        return cls("bundle", name, snapshot)

    @property
    def shown(self) -> str:
        """``where`` without a password."""
        return address(self.where).render_as_string(hide_password=True) if self.kind == "ledger" else self.where


def freeze(
    source: HistorySource,
    moment: datetime,
    folder: Path,
    policies: Sequence[str],
    *,
    memory_bytes: int,
    progress: Progress,
    until: int | None = None,
) -> FrozenHistory:
    """What the source knew strictly before ``moment``, in files in ``folder``; ``seq`` of the result is the last entry of the ledger.

    ``memory_bytes`` are for counting; see ``features.history.freezing.Freezing``. ``until``: the last entry to read of a ledger, its end
    when None. Raises NotFound where the source is not there, InvalidTable, UntrustedBundle, InvalidInput when the memory does not
    suffice, and Unavailable when the ledger or the disk does not answer.
    """
    if source.kind == "folder":
        return freeze_folder(Path(source.where), moment, folder, policies, memory=memory_bytes, progress=progress)
    with Freezing(folder, moment, policies, memory=memory_bytes) as freezing:
        if source.kind == "bundle":
            return freezing.finish(progress, snapshot=_own(source.snapshot, freezing.scratch))
        snapshot, seq = _read_ledger(source, until, freezing, progress)
        return freezing.finish(progress, snapshot=snapshot, seq=seq)


def _read_ledger(source: HistorySource, until: int | None, freezing: Freezing, progress: Progress) -> tuple[Path | None, int]:
    """The snapshot that the ledger's entries follow on, and the last of them."""
    ledger = Ledger.open(source.where, create=False)
    try:
        with telling(ledger, until) as told:
            snapshot = _founded(told, freezing.scratch) if told.founded else _own(source.snapshot, freezing.scratch)
            progress.stage("reading the ledger", told.seq)
            for page in told.events():
                freezing.submissions(page.submissions)
                freezing.told(page.told)
                progress.advance(PAGE)
            return snapshot, told.seq
    finally:
        ledger.close()


def _founded(told: LedgerEvents, scratch: Path) -> Path | None:
    path = scratch / "founded.snapshot"
    with disk(path):
        return path if told.write_snapshot(path) else None


def _own(snapshot: bytes | Path | None, scratch: Path) -> Path | None:
    """The model's snapshot as a file."""
    if not isinstance(snapshot, bytes):
        return snapshot
    path = scratch / "own.snapshot"
    with disk(path):
        path.write_bytes(snapshot)
    return path
