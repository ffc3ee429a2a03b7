"""The native core, where it is installed: the hottest loops in C++ (``native/`` of the repository), with the same digits.

The Python beside every use of it is the reference, and what runs without it. Property tests hold the two together.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from types import ModuleType

log = logging.getLogger("adverdict")

API = 2
"""Of the core: what it is called with. Another one is as good as none."""

_left_out = 0
"""By how many it is not to be used now."""


def core() -> ModuleType | None:
    """The module ``adverdict_native``; None: it is not installed, or does not fit, and Python does it."""
    return None if _left_out else _installed()


@contextmanager
def pure_python() -> Iterator[None]:
    """Without the core, in this process: to compare with, and to measure."""
    global _left_out
    _left_out += 1
    try:
        yield
    finally:
        _left_out -= 1


def in_words() -> str:
    """What does the work here, for people."""
    return "native core" if core() else "pure Python (the native core is not installed)"


@cache
def _installed() -> ModuleType | None:
    try:
        import adverdict_native
    except ImportError:
        return None
    if adverdict_native.API != API:
        log.warning(
            "adverdict-native has interface %s and %s is needed: install it again; until then Python does it", adverdict_native.API, API
        )
        return None
    found: ModuleType = adverdict_native
    return found
