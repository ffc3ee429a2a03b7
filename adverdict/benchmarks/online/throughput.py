"""Requests a second at 32 clients: the service with its ledger, ``mlflow models serve`` of the same bundle, and a bare FastAPI.

All three stand ready at the same time, and are loaded in turn, several times over: what the machine does meanwhile hits all alike.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from adverdict.benchmarks.online.figures import Figures, LoadLog, median, over, quantile
from adverdict.benchmarks.online.online_setup import Advance, OnlineSetup, Write, told
from adverdict.benchmarks.online.servers import Server
from adverdict.domain.errors import Unavailable

CLIENTS = 32
SERVERS = ("service", "fastapi", "fastapi_h11", "mlflow_serve")


@dataclass(frozen=True)
class ThroughputPlan:
    rounds: int = 5
    seconds: float = 5.0
    slow_seconds: float = 8.0
    """For ``mlflow models serve``, which answers little in the time."""
    warm_s: float = 3.0
    """Before the first round."""
    workers: tuple[int, ...] = (1, 2)
    rounds_with_more: int = 2
    """With more than one worker, and with the other bundle."""


QUICK = ThroughputPlan(rounds=2, seconds=2.0, slow_seconds=4.0, warm_s=1.5, workers=(1,), rounds_with_more=1)


@dataclass
class ServerRounds:
    """What one server did in each."""

    rates: list[float] = field(default_factory=list)
    cpu_us: list[float] = field(default_factory=list)
    """Of all its processes, by request."""
    p50_ms: list[float | None] = field(default_factory=list)
    outcome: Counter[str] = field(default_factory=Counter)
    exits: Counter[str] = field(default_factory=Counter)
    """Of the answers that were read, where their ads left the models."""
    answered: Figures = field(default_factory=dict)

    def add(self, found: LoadLog, warm_s: float, seconds: float, cpu_s: float) -> None:
        self.rates.append(found.rate(warm_s, seconds))
        self.cpu_us.append(1e6 * cpu_s / max(1, len(found.number)))
        self.p50_ms.append(quantile(found.ms[found.good], 0.5))
        self.outcome.update({name: value for name, value in found.outcome().items() if isinstance(value, int)})
        self.answered = found.answered()
        self.exits.update(self.answered["exits"])

    def figures(self, server: Server) -> Figures:
        return {
            "requests_per_s": median(self.rates),
            "rounds": self.rates,
            "cpu_us_per_request": median(self.cpu_us),
            "p50_ms": median(self.p50_ms),
            "started_s": server.started_s,
            **server.memory_mib(),
            **self.outcome,
            **self.answered,
            "exits": dict(self.exits),
            "exit_share": exit_share(self.exits),
        }


def exit_share(exits: Mapping[str, int]) -> float | None:
    """Of the ads that could leave the models early, the share that did; None: none could."""
    could = exits.get("early", 0) + exits.get("full", 0)
    return exits.get("early", 0) / could if could else None


def groups(setup: OnlineSetup, plan: ThroughputPlan, cores: int) -> list[tuple[str, bool, int, int]]:
    """Name, encoder, workers and rounds of each: the bundle that counts with one worker, with more, and the other bundle."""
    more = [workers for workers in plan.workers if 1 < workers <= cores]
    kind, other = ("encoder", "plain") if setup.encoder else ("plain", "encoder")
    found = [(kind, setup.encoder, 1, plan.rounds)]
    found += [(f"{kind}_{workers}_workers", setup.encoder, workers, plan.rounds_with_more) for workers in more]
    # With a bundle of one's own there is no other to compare: one trained here would be of another kind altogether.
    return found if setup.testbed.model else [*found, (other, not setup.encoder, 1, plan.rounds_with_more)]


def steps(setup: OnlineSetup, plan: ThroughputPlan, cores: int) -> int:
    return sum(rounds for *_, rounds in groups(setup, plan, cores))


def throughput(setup: OnlineSetup, plan: ThroughputPlan, cores: int, write: Write, advance: Advance) -> Figures:
    """Figures by group; ``vs_mlflow_serve`` and ``vs_fastapi`` are those of the bundle that counts with one worker, ``cpu_vs_fastapi``
    and ``vs_mlflow_serve_no_encoder`` those of the one without an encoder, ``_h11`` beside FastAPI without httptools and uvloop."""
    figures: Figures = {"clients": CLIENTS, "left_out": {}}
    for name, encoder, workers, rounds in groups(setup, plan, cores):
        group, left_out = _group(setup, plan, setup.testbed.bundle(encoder), workers, rounds, advance)
        figures[name] = group
        figures["left_out"] |= {f"{name}: {server}": why for server, why in left_out.items()}
        if "vs_fastapi" not in figures:
            figures |= {ratio: group[ratio] for ratio in ("vs_mlflow_serve", "vs_fastapi")}
            figures["exit_share"] = group["service"]["exit_share"]
        if not encoder and workers == 1:
            figures |= {ratio: group[ratio] for ratio in ("cpu_vs_fastapi", "cpu_vs_fastapi_h11")}
            figures["vs_mlflow_serve_no_encoder"] = group["vs_mlflow_serve"]
        write(figures)
    return figures


def _group(
    setup: OnlineSetup, plan: ThroughputPlan, bundle: Path, workers: int, rounds: int, advance: Advance
) -> tuple[Figures, dict[str, str]]:
    left_out: dict[str, str] = {}
    with ExitStack() as stack:
        servers = _servers(setup, bundle, workers, stack, left_out)
        measured = {name: ServerRounds() for name in servers}
        for server in servers.values():
            server.load(kind="closed", clients=CLIENTS, seconds=plan.warm_s)
        for _ in range(rounds):
            for name, server in servers.items():
                seconds, before = plan.slow_seconds if name == "mlflow_serve" else plan.seconds, server.cpu_s()
                one = server.load(kind="closed", clients=CLIENTS, seconds=seconds, warm_s=0.5, timeout_s=60.0)
                measured[name].add(one, 0.5, seconds, server.cpu_s() - before)
            advance()
        found: Figures = {name: measured[name].figures(server) for name, server in servers.items()}
    for name in ("mlflow_serve", "fastapi", "fastapi_h11"):
        found[f"vs_{name}"] = versus(measured["service"].rates, measured[name].rates) if name in measured else None
        if name in measured and not any(measured[name].rates):
            left_out[name] = f"it answered nothing with 200: {dict(measured[name].outcome)}"
    for name in ("fastapi", "fastapi_h11"):
        found[f"cpu_vs_{name}"] = versus(measured["service"].cpu_us, measured[name].cpu_us) if name in measured else None
    return {"bundle": told(bundle), "workers": workers, "exit": setup.exit(bundle), **found}, left_out


def _servers(setup: OnlineSetup, bundle: Path, workers: int, stack: ExitStack, left_out: dict[str, str]) -> dict[str, Server]:
    made: dict[str, Any] = {
        "service": lambda: setup.service(bundle, workers=workers, patient=True),
        "fastapi": lambda: setup.constant(workers=workers),
        "fastapi_h11": lambda: setup.constant(workers=workers, plain=True),
        "mlflow_serve": lambda: setup.mlflow(bundle, workers=workers),
    }
    found = {}
    for name in SERVERS:
        try:
            found[name] = stack.enter_context(made[name]())
        except Unavailable as error:
            if name == "service":
                raise
            left_out[name] = str(error)
    return found


def versus(ours: list[float], theirs: list[float]) -> float | None:
    """The median over rounds of how many times as much, each round beside its own."""
    return median([over(one, other) for one, other in zip(ours, theirs, strict=True)])
