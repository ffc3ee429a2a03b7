"""What was known at the moment of a run: frozen once, kept in the run's folder, and the same when the run is resumed."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from adverdict.domain.errors import Conflict
from adverdict.features.history.frozen import FrozenHistory
from adverdict.features.history.layout import LISTED
from adverdict.rescoring import memory
from adverdict.rescoring.deciding.job import fetch_history, kept_history
from adverdict.rescoring.deciding.progress import Progress
from adverdict.rescoring.folder.identity import HistoryUsed, Run
from adverdict.rescoring.memory import Budget
from adverdict.storage.places import Place
from adverdict.storage.whole import replacing

if TYPE_CHECKING:
    from adverdict.rescoring.deciding.history import HistorySource

SHARE = 4
"""Without a limit, one part in so many of the machine's memory is for counting what is known."""


@dataclass
class RunHistory:
    """The history of one run."""

    place: Place
    scratch: Path
    """An empty folder here."""
    source: HistorySource
    policies: Sequence[str]
    """Those of the model: labels are counted under them."""
    budget: Budget | None
    progress: Progress

    def used(self, moment: datetime, stored: Run | None, told: bool) -> HistoryUsed:
        """What is used: that of the run that is resumed, unless somebody ``told`` of another one; else the source, frozen now."""
        if stored is not None and (not told or stored.history.source == self.source.shown):
            return stored.history
        frozen = self._freeze(self.source, moment, None)
        return HistoryUsed(kind=self.source.kind, digest=frozen.digest, seq=frozen.seq, source=self.source.shown)

    def kept(self, run: Run) -> Path:
        """A folder of this machine with the frozen history of a run that has begun, which is also in the run's folder from now on.

        Raises Conflict when the run was killed before it kept its history, and the same cannot be frozen again.
        """
        kept = kept_history(self.place)
        there = kept.local()
        if kept.exists(LISTED):
            return there or fetch_history(self.place, self._empty("fetched"))
        frozen = self._frozen
        if not (frozen / LISTED).is_file():
            self._freeze(self.source, run.as_of, run.history.seq)
        digest = FrozenHistory.open(frozen).digest
        if digest != run.history.digest:
            raise Conflict(f"what was known of {self.source.shown} at {run.as_of} is no longer what {run.run_id} began with; begin it anew")
        for path in sorted(frozen.iterdir(), key=lambda path: path.name == LISTED):
            _keep(path, kept)
        return there or frozen

    @property
    def _frozen(self) -> Path:
        return self.scratch / "history"

    def _freeze(self, source: HistorySource, moment: datetime, until: int | None) -> FrozenHistory:
        from adverdict.rescoring.deciding.history import freeze

        size = memory.machine() // SHARE if self.budget is None else self.budget.freezing
        return freeze(source, moment, self._frozen, self.policies, memory_bytes=size, progress=self.progress, until=until)

    def _empty(self, name: str) -> Path:
        folder = self.scratch / name
        folder.mkdir()
        return folder


def _keep(path: Path, kept: Place) -> None:
    """Into a run's folder, whole or not at all; on this machine without holding it in memory."""
    there = kept.local(path.name)
    if there is None:
        kept.write(path.name, path.read_bytes())
        return
    with replacing(there) as aside:
        shutil.copyfile(path, aside)
