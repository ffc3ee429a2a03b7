"""The same service without its tuning: what the tuning is worth is measured, not believed.

Run as ``python -m adverdict.benchmarks.online.untuned``.

The workers import their service from here, and find the collector's quietening gone.
"""

from __future__ import annotations

import sys
from typing import Any

from adverdict.benchmarks.online.servers import UNTUNED
from adverdict.serving.service import Adverdict
from adverdict.serving.worker import running

LEFT_OUT = "the garbage collector stays as Python starts it: nothing is frozen, thresholds are the default"

__all__ = ["Adverdict"]


def _nothing() -> None:
    sys.stderr.write(f"{UNTUNED}{LEFT_OUT}\n")


if not hasattr(running, "quieten_collector"):
    raise ImportError("adverdict.serving.worker.running has no quieten_collector to leave out")
running.quieten_collector = _nothing

if __name__ == "__main__":
    from adverdict.serving.run import run

    service: Any = Adverdict
    service._import_str = "adverdict.benchmarks.online.untuned:Adverdict"
    run()
