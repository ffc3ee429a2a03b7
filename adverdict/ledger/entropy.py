"""Random bytes from the operating system, fetched some hundred at a time.

A call for 16 bytes costs little, but lets go of the interpreter, and a busy thread beside it may take 5 ms to give it back: with an id
and a salt for every ad, that was most of what an answer waited for.
"""

from __future__ import annotations

import os
from threading import Lock

BYTES = 16
"""In one draw: as many as a UUID holds, and as few as keep two draws apart for ever."""
DRAWS = 256


class Entropy:
    """Draws of 16 bytes, each given out once, to any thread."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._drawn: list[bytes] = []

    def draw(self) -> bytes:
        with self._lock:
            if not self._drawn:
                fetched = os.urandom(BYTES * DRAWS)
                self._drawn = [fetched[start : start + BYTES] for start in range(0, len(fetched), BYTES)]
            return self._drawn.pop()

    def forget(self) -> None:
        """In a forked process: its parent will give out the same ones. The parent's lock may be held by a thread that is not here."""
        self._lock = Lock()
        self._drawn = []


_entropy = Entropy()
os.register_at_fork(after_in_child=_entropy.forget)


def draw() -> bytes:
    """16 bytes nobody can guess."""
    return _entropy.draw()


def hexadecimal() -> str:
    """The same as 32 hexadecimal digits: for ids."""
    return _entropy.draw().hex()
