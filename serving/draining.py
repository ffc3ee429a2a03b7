"""Leaving without losing anybody: first nobody new is sent here, then the socket stops accepting, then what is under way is answered.

A server's first process says with a file that it is leaving. Its workers look for the file, so all of them say at once that they are not
ready, and close connections after the answer.
"""

from __future__ import annotations

import os
import socket
import stat
import time
from collections.abc import Callable, Mapping
from pathlib import Path

MARK = "_ADVERDICT_DRAINING"
"""Environment variable by which workers know where the file would be. Not a setting: nobody chooses it."""
LOOK_EVERY = 0.1
"""Seconds for which a look at the file is remembered."""
SETTLE = 0.2
"""Seconds in which workers accept what had connected before the socket stopped."""


class Draining:
    """Whether this server is leaving."""

    def __init__(self, mark: str | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._mark = mark
        self._clock = clock
        self._looked = float("-inf")
        self._leaving = False

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Draining:
        return cls(environment.get(MARK))

    def __bool__(self) -> bool:
        now = self._clock()
        if self._mark is not None and not self._leaving and now - self._looked >= LOOK_EVERY:
            self._looked, self._leaving = now, Path(self._mark).exists()
        return self._leaving


STAYING = Draining(None)


def leave(mark: Path, seconds: float, port: int, wait: Callable[[float], object] = time.sleep) -> None:
    """Say so, go on answering for so many ``seconds``, then accept nobody any more. ``wait`` may return early, when told to hurry."""
    mark.touch()
    if seconds > 0:
        wait(seconds)
    stop_listening(port)
    wait(SETTLE)


def stop_listening(port: int) -> int:
    """Have every listening socket of this process on ``port``, and of those who share it, accept nobody any more: who comes now is refused
    at once and can go elsewhere, where a socket that is closed would break off who was waiting. How many there were."""
    found = 0
    for descriptor in _descriptors():
        try:
            if not stat.S_ISSOCK(os.fstat(descriptor).st_mode):
                continue
            with socket.socket(fileno=os.dup(descriptor)) as one:
                listens = one.family in (socket.AF_INET, socket.AF_INET6) and one.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
                if listens and one.getsockname()[1] == port:
                    one.shutdown(socket.SHUT_RD)
                    found += 1
        except OSError:
            continue  # gone meanwhile, or not to be shut down here
    return found


def _descriptors() -> list[int]:
    try:
        return sorted(int(name) for name in os.listdir("/dev/fd"))
    except OSError:
        return list(range(3, 256))
