"""What is promised, watched from within the service: one worker at a time has the command line follow the ledger and look.

In a process of its own and politely, as plans are made: setting the level of an alarm takes seconds of arithmetic, and a worker has ads
to score meanwhile.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from adverdict.domain.errors import AdverdictError
from adverdict.ledger.entropy import hexadecimal
from adverdict.ledger.leases import lease
from adverdict.ledger.store import Ledger, now
from adverdict.monitoring.kinds import looked_for
from adverdict.serving.worker.planner import Run

log = logging.getLogger("adverdict.monitor")

WORK = "monitoring"
EVERY = timedelta(minutes=10)
HELD = 3 * EVERY
"""So that who holds the lease keeps it from one look to the next, and who stops is soon replaced."""
LOOK, KINDS = ("run", "--once", "--no-kinds"), ("emerging", "look")
"""Arguments of ``adverdict monitor``: what is done at every look, and once a day."""
LONGEST = 3600.0
"""Seconds that one may take: reading four weeks of ads takes minutes."""


class MonitorWatch:
    """``run`` is ``adverdict monitor``; ``tell`` hears what it says after each look of this worker's."""

    def __init__(
        self, ledger: Ledger, run: Run, tell: Callable[[Mapping[str, Any]], None] = lambda told: None, clock: Callable[[], datetime] = now
    ) -> None:
        self._ledger, self._run_command, self._tell, self._clock = ledger, run, tell, clock
        self._holder = hexadecimal()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="monitor", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Ask the thread to end, and wait a little."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout=2.0)

    def look(self) -> bool:
        """One look, unless another worker does it; whether there was one. Called by the thread. Raises InvalidInput, Unavailable."""
        with self._ledger.change() as connection:
            if not lease(connection, WORK, self._holder, self._clock(), HELD):
                return False
        self._tell(self._run_command(LOOK))
        if not looked_for(self._ledger, self._clock):
            self._run_command(KINDS)
        return True

    def _run(self) -> None:
        while not self._stop.wait(EVERY.total_seconds()):
            try:
                self.look()
            except AdverdictError as error:
                log.warning("nobody looked whether what is promised still holds: %s", error)
            except Exception:
                # The thread's last line of defence: if it died, nothing would ring any more.
                log.exception("the detectors could not be looked at; the next look is in %s s", EVERY.total_seconds())
