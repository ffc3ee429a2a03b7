"""Fits that do not need each other, one a core."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from threadpoolctl import threadpool_limits

T = TypeVar("T")


def side_by_side(fit: Callable[[int], T], n: int) -> list[T]:
    """``fit`` of 0 to ``n`` - 1, in order. Threads, not processes: the libraries fitted here work outside Python's lock. Products of
    matrices keep to their own core, or threads of one would wait for those of another."""
    with threadpool_limits(1, "blas"), ThreadPoolExecutor(max_workers=min(n, os.cpu_count() or 1)) as pool:
        return list(pool.map(fit, range(n)))
