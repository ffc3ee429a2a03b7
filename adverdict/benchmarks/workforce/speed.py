"""How long a plan takes: eight weeks of forty lanes, with the backtest behind its bands, the programme of every week and its twin."""

from __future__ import annotations

import resource
import sys
import time
from datetime import time as clock
from typing import Any

from adverdict.benchmarks.workforce.worlds import shapes_of, world
from adverdict.domain.progress import Progress
from adverdict.simulation.demand import Setup
from adverdict.workforce.operations.read import Operations
from adverdict.workforce.operations.roster import Shift
from adverdict.workforce.operations.rules import Shrinkage, Targets
from adverdict.workforce.outlook import Known, outlook

WEEKS = 8


def speed(seed: int, progress: Progress) -> dict[str, Any]:
    demand, history, events = world(Setup(seed=seed, ads_a_day=40_000))
    markets = demand.markets
    roster = [
        Shift(f"team {n}", 3.0, days, clock(begin), clock((begin + 8) % 24), "UTC", 40.0, markets=markets[n : n + 3])
        for n in range(0, len(markets), 2)
        for days, begin in (((0, 1, 2, 3, 4), 6), ((0, 1, 2, 3, 4), 14), ((5, 6), 8))
    ]
    roster.append(Shift("seniors", 4.0, tuple(range(7)), clock(8), clock(20), "UTC", 40.0, senior=True))
    operations = Operations(events, tuple(roster), Shrinkage({"leave": 0.12}), Targets(severe_minutes=240))
    known = Known(history, shapes_of(history), operations=operations)
    began = time.perf_counter()
    made = outlook(known, WEEKS, progress=progress)
    took = time.perf_counter() - began
    lanes = sum(len(known.shapes[queue].lanes) for queue in history.queues)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return {
        "plan_seconds": took,
        "plan_peak_mib": peak / 2**20,
        "plan_lanes": lanes,
        "plan_weeks": len(made.weeks),
        "plan_tasks_a_week": made.weeks[0].tasks,
        "plan_draws": made.weeks[0].odds.draws if made.weeks[0].odds else 0,
    }
