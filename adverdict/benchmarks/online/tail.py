"""The tail at 70 % of saturation beside the untuned service, and what twice saturation does. Arrivals are open: nobody waits for a turn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from adverdict.benchmarks.online.figures import Figures, LoadLog, median, spread
from adverdict.benchmarks.online.online_setup import Advance, OnlineSetup, Write, told
from adverdict.benchmarks.online.servers import Server
from adverdict.benchmarks.online.throughput import CLIENTS
from adverdict.domain.errors import Unavailable

SHARE, TIMES = 0.7, 2.0
"""Of saturation: of the tail, and of the overload."""
LONGEST_SATURATION_S = 60.0


@dataclass(frozen=True)
class TailPlan:
    saturation_s: float = 5.0
    warm_s: float = 2.0
    seconds: float = 60.0
    """Of the tail, for each service."""
    overload_s: float = 30.0
    beside_s: float = 15.0
    """At 70 %, just before the overload."""
    untuned: bool = True
    """Whether to measure the tail of the service without its tuning as well."""


QUICK = TailPlan(saturation_s=2.0, warm_s=1.5, seconds=10.0, overload_s=10.0, beside_s=8.0, untuned=False)


def steps(plan: TailPlan) -> int:
    return 2 if plan.untuned else 1


def tail(setup: OnlineSetup, plan: TailPlan, seed: int, write: Write, advance: Advance) -> Figures:
    """Both services at the same rate, 70 % of what the tuned one can do."""
    bundle = setup.main()
    found: Figures = {"bundle": told(bundle), "share_of_saturation": SHARE, "left_out": {}}
    server = setup.kept(bundle)
    limit = found["saturation_per_s"] = saturation(server, plan)
    found["service"] = _tail(server, SHARE * limit, plan.seconds, seed)
    found["p99_over_p50"] = found["service"]["p99_over_p50"]
    write(found)
    advance()
    if plan.untuned:
        setup.stop()
        _untuned(setup, plan, seed, found)
        advance()
    return found


def _untuned(setup: OnlineSetup, plan: TailPlan, seed: int, found: Figures) -> None:
    """The same without the tuning, beside what was found with it."""
    try:
        with setup.service(setup.main(), untuned=True) as server:
            saturation(server, plan)  # to be as warm as the other was
            found["untuned"] = _tail(server, SHARE * found["saturation_per_s"], plan.seconds, seed)
            found["untuned"]["without"] = server.untuned()
        found["p99_over_p50_untuned"] = found["untuned"]["p99_over_p50"]
    except Unavailable as error:
        found["left_out"]["untuned"] = str(error)


def overload(setup: OnlineSetup, plan: TailPlan, seed: int, write: Write, advance: Advance) -> Figures:
    """The same service at 70 % of its saturation and at twice as much: those it accepts should not notice."""
    bundle = setup.main()
    found: Figures = {"bundle": told(bundle), "times_saturation": TIMES}
    server = setup.kept(bundle)
    limit = found["saturation_per_s"] = saturation(server, plan)
    found["beside"] = _tail(server, SHARE * limit, plan.beside_s, seed)
    write(found)
    advance()
    found["overloaded"] = _tail(server, TIMES * limit, plan.overload_s, seed + 1)
    found["after"] = spread(_good(server.load(kind="closed", clients=1, requests=100, seconds=30.0)))
    advance()
    return found | judged(found["overloaded"], found["beside"])


def judged(overloaded: Figures, beside: Figures) -> Figures:
    """What is asked of an overload: who gets in, how those who do not are told, and what it costs those who do."""
    requests, refused = max(1, overloaded["requests"]), overloaded["refused"]
    before, during = beside["p99_ms"], overloaded["p99_ms"]
    return {
        "overload_accepted_share": overloaded["accepted"] / requests,
        "overload_refused_share": refused / requests,
        "overload_refused_without_retry_after": refused - overloaded["refused_with_retry_after"],
        "overload_5xx": overloaded["server_errors"],
        "overload_connection_errors": overloaded["connection_errors"] + overloaded["timeouts"],
        "overload_p99_over_before": during / before if during and before else None,
    }


def saturation(server: Server, plan: TailPlan) -> float:
    """Requests a second that 32 clients get answered when each asks again at once.

    Measured over a longer time where none is answered within the plan's. Raises Unavailable when none is then.
    """
    seconds = plan.saturation_s
    while True:
        log = server.load(kind="closed", clients=CLIENTS, warm_s=plan.warm_s, seconds=seconds, timeout_s=60.0)
        rate = log.rate(plan.warm_s, seconds)
        if rate:
            return rate
        if seconds >= LONGEST_SATURATION_S:
            raise Unavailable(f"the service answered nothing in {seconds:.0f} s: {log.outcome()}")
        seconds *= 4


def _tail(server: Server, rate: float, seconds: float, seed: int) -> Figures:
    before = server.cpu_s()
    log = server.load(kind="open", rate=rate, seconds=seconds, seed=seed)
    late = 1000.0 * (log.sent - log.intended)
    counted = {**log.outcome(), **log.answered()}
    return {
        **spread(_good(log)),
        **counted,
        "arrivals_per_s": rate,
        "seconds": seconds,
        "sent_late_p50_ms": median(late.tolist()),
        "sent_late_max_ms": float(late.max()) if len(late) else None,
        "cpu_us_per_request": 1e6 * (server.cpu_s() - before) / max(1, len(late)),
    }


def _good(found: LoadLog) -> NDArray[np.float64]:
    return found.ms[found.good]
