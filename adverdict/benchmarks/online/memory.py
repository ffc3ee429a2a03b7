"""What the service's processes hold after so many requests: it is to be the same after a million as after ten thousand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from adverdict.benchmarks.online.figures import Figures, slope
from adverdict.benchmarks.online.online_setup import Advance, OnlineSetup, Write, told
from adverdict.benchmarks.online.servers import Server
from adverdict.domain.errors import Unavailable

MOST_SECONDS = 3600.0
CLIENTS = 16
"""Few enough that nobody is refused, many enough that the service is busy."""


@dataclass(frozen=True)
class MemoryPlan:
    first: int = 10_000
    requests: int = 100_000
    looks: int = 8
    """Between the first and the last."""
    again: int = 20_000
    """Requests for ads that are known, after those."""


QUICK = MemoryPlan(first=1_000, requests=10_000, looks=4, again=2_000)
AGAIN_LOOKS = 4


def marks(plan: MemoryPlan) -> list[int]:
    """Numbers of requests after which to look."""
    first = min(plan.first, plan.requests)
    return sorted({round(float(one)) for one in np.linspace(first, plan.requests, plan.looks + 1)})


def memory(setup: OnlineSetup, plan: MemoryPlan, write: Write, advance: Advance) -> Figures:
    """PSS and RSS of all processes of the service.

    Every request is an ad that was not seen before, submitted after those before: the history that the service keeps of advertisers grows
    with them. Then the first of them are asked for again (``again``): whatever grows with those is no history.
    """
    bundle = setup.quickest()
    found: Figures = {"bundle": told(bundle), "looks": []}
    with setup.service(bundle, patient=True) as server:
        found["looks"].append({"requests": 0, **server.memory_mib()})
        answered = 0
        for mark in marks(plan):
            while answered < mark:
                answered += _ask(server, mark - answered)
            found["looks"].append({"requests": answered, **server.memory_mib(), "ledger_mib": _ledger(server)})
            write(found)
            advance()
        found["again"] = _again(server, plan)
        advance()
    return found | reckoned(found["looks"][1:], found["again"])


def _again(server: Server, plan: MemoryPlan) -> list[Figures]:
    looks, answered = [{"requests": 0, **server.memory_mib()}], 0
    each = max(1, min(plan.again, plan.requests) // AGAIN_LOOKS)
    for look in range(AGAIN_LOOKS):
        answered += _ask(server, each, first=look * each)
        looks.append({"requests": answered, **server.memory_mib()})
    return looks


def reckoned(looks: list[Figures], again: list[Figures]) -> Figures:
    """From the first look on: before it, caches fill and code is loaded."""
    requests = [look["requests"] for look in looks]
    return {
        "memory_first_mib": looks[0]["pss"],
        "memory_last_mib": looks[-1]["pss"],
        "memory_mib_per_1e5_requests": slope(requests, [look["pss"] for look in looks]),
        "memory_mib_per_1e5_known_ads": slope([look["requests"] for look in again], [look["pss"] for look in again]),
        "rss_mib_per_1e5_requests": slope(requests, [look["rss"] for look in looks]),
    }


def _ask(server: Server, count: int, **how: int) -> int:
    """So many requests; how many were answered. Raises Unavailable when most are not."""
    asked = server.load(kind="closed", clients=CLIENTS, requests=count, seconds=MOST_SECONDS, read_every=1000, **how)
    if not asked.good.mean() > 0.5:
        raise Unavailable(f"the service did not answer: {asked.outcome()}")
    return int(asked.good.sum())


def _ledger(server: Server) -> float:
    return sum(path.stat().st_size for path in server.folder.glob("ledger.db*")) / 2**20
