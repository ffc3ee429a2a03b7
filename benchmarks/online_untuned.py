"""The same service without its tuning: what the tuning is worth is measured, not believed. Run as ``python -m benchmarks.online_untuned``.

The workers import their service from here, and find the collector's quietening gone.
"""

from __future__ import annotations

import sys
from typing import Any

from benchmarks.online_servers import UNTUNED
from serving import running
from serving.service import Adjudicate

LEFT_OUT = "the garbage collector stays as Python starts it: nothing is frozen, thresholds are the default"

__all__ = ["Adjudicate"]


def _nothing() -> None:
    sys.stderr.write(f"{UNTUNED}{LEFT_OUT}\n")


if not hasattr(running, "quieten_collector"):
    raise ImportError("serving.running has no quieten_collector to leave out")
running.quieten_collector = _nothing

if __name__ == "__main__":
    from serving.run import run

    service: Any = Adjudicate
    service._import_str = "benchmarks.online_untuned:Adjudicate"
    run()
