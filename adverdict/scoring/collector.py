"""Python's garbage collector beside a loaded model."""

from __future__ import annotations

import gc


def quieten_collector() -> None:
    """Take what is loaded out of the collector's sight: walking a bundle's objects stops every request for 200 ms and frees nothing."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)
