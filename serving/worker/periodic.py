"""A thread that looks at something every so often, and outlives whatever a look comes to."""

from __future__ import annotations

import logging
import threading
from abc import ABC, abstractmethod
from datetime import timedelta
from typing import Protocol

from adverdict.domain.errors import AdverdictError
from adverdict.domain.traces import trace

EVERY = timedelta(minutes=1)
PAUSE = 0.002
"""Seconds; the interpreter's lock is free meanwhile."""


class Watch(Protocol):
    """What a worker starts beside deciding, and stops when it ends."""

    def start(self) -> None: ...

    def stop(self) -> None: ...


class PeriodicWatch(ABC):
    """``name`` is the thread's; ``cannot`` says in the log what was not done where a look fails in a way nobody foresaw."""

    def __init__(self, name: str, cannot: str, every: timedelta = EVERY) -> None:
        self._log = logging.getLogger(f"adverdict.{name}")
        self._cannot, self._every = cannot, every
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Ask the thread to end, and wait a little."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout=2.0)

    def pause(self) -> None:
        """In a long look: whoever answers ads in this process goes first."""
        self._stop.wait(PAUSE)

    @abstractmethod
    def look(self) -> object:
        """One look. Called by the thread."""

    def _run(self) -> None:
        while not self._stop.wait(self._every.total_seconds()):
            try:
                self.look()
            except AdverdictError as error:
                self._log.warning("%s", error)
            except Exception as error:
                # The thread's last line of defence: if it died, nobody would look any more.
                self._log.error("%s; the next look is in %s s: %s", self._cannot, self._every.total_seconds(), trace(error))
