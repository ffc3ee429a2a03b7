"""Memory between the stages of a training."""

from __future__ import annotations

import ctypes
import sys


def give_back() -> None:
    """Hand back to the machine what a stage has freed: glibc keeps it for the next array, which seldom fits. Elsewhere nothing is done."""
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # other C libraries have none
        if trim is not None:
            trim(0)
