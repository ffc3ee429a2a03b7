"""What copies are found by, in C++ where the native core is installed: the same numbers, without numpy's price for each of few ads.

``fold``, ``minhash``, ``pictures`` and ``buckets`` are the reference, and what runs without it.
"""

from __future__ import annotations

from functools import cache
from types import ModuleType
from typing import Any

from adverdict.clusters.fold import MARK, ONLY_INSIDE, letter_table
from adverdict.clusters.minhash import BASE, FACTORS, SHINGLE
from adverdict.features.native import core


def copies() -> Any | None:
    """``adverdict_native.Copies`` with the tables of this package; None: there is no core, or one of before it had this."""
    found = module()
    return None if found is None else _made(found)


def module() -> ModuleType | None:
    """The core with ``bucket_find``, ``bucket_claim`` and ``look_at``; None as above."""
    found = core()
    return found if hasattr(found, "Copies") else None


@cache
def _made(native: ModuleType) -> Any:
    return native.Copies(letter_table(), MARK, ONLY_INSIDE, FACTORS, int(BASE), SHINGLE)
