"""One policy a core."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def each_policy(fit: Callable[[int], T], n_policies: int) -> list[T]:
    """``fit`` of every policy, in order. Threads, not processes: the libraries fitted here work outside Python's lock."""
    with ThreadPoolExecutor(max_workers=min(n_policies, os.cpu_count() or 1)) as pool:
        return list(pool.map(fit, range(n_policies)))
