"""The history store, built when it is time: by one worker of a machine, which has the command line do it in a process of its own."""

from __future__ import annotations

from adverdict.domain.errors import Conflict
from adverdict.ledger.store import Ledger
from adverdict.ledger.stored.folder import HistoryFolder
from adverdict.serving.worker.periodic import PeriodicWatch
from adverdict.serving.worker.planner import Run

LONGEST = 6 * 3600.0
"""Seconds that a build may take: one from the first entry reads the whole chain."""
BUILD = ("build", "--if-due")


class HistoryWatch(PeriodicWatch):
    """Looks every minute. ``run`` is ``adverdict history``: a worker that builds itself would hold what it sorts in memory."""

    def __init__(self, ledger: Ledger, stored: HistoryFolder, run: Run) -> None:
        super().__init__("history", "the history store could not be built")
        self._ledger, self._stored, self._run_command = ledger, stored, run

    def look(self) -> bool:
        """Whether this worker built. Raises InvalidInput, Unavailable."""
        if not self._stored.standing(self._ledger).due:
            return False
        try:
            with self._stored.alone():  # the others of this machine see that somebody is at it, and look again in a minute
                pass
        except Conflict:
            return False
        self._run_command(BUILD)
        return True
