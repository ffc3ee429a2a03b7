"""The load generator: ``python -m adverdict.benchmarks.online.load PLAN.json OUT.npz``.

A process of its own: it must not share a lock with a server.

Closed: so many clients, each asking again as soon as it is answered; that finds what a server can do, and hides waiting. Open: requests
arrive as a Poisson process whether or not those before are answered, and each one's latency counts from the moment it was meant to be
sent, so a server that stands still is charged for everybody who would have come meanwhile (Tene, "How NOT to measure latency", 2013).
"""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import threading
import time
from array import array
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from adverdict.benchmarks.online.bodies import read_bodies
from adverdict.benchmarks.online.wire import Answer, Wire
from adverdict.domain.degraded import degradations

FAILED, TIMED_OUT = 0, 1
"""In place of a status: the connection was refused or broke; nothing came within ``timeout_s``."""
STALE_S = 3.0
"""A connection that was idle for longer may be closed by the server just as it is used again; a new one is opened instead."""
EXITS = ("early", "full")


@dataclass(frozen=True)
class LoadSpec:
    """What to ask of whom. ``first``: number of the first request, so that bodies go on where an earlier load ended."""

    port: int
    path: str
    bodies: str
    kind: Literal["closed", "open"]
    seconds: float = 5.0
    """Measured; where ``requests`` is given, the most it may take."""
    warm_s: float = 0.0
    """Before that, not measured. Closed only."""
    clients: int = 32
    rate: float = 0.0
    """Arrivals a second on average. Open only."""
    requests: int | None = None
    first: int = 0
    seed: int = 0
    connections: int = 1000
    """At most; whoever finds none free waits for one, which counts."""
    timeout_s: float = 10.0
    backoff_s: float = 0.1
    """Before a client whose request was not accepted asks again. Closed only: else refusals would be all that a server is busy with."""
    read_every: int = 20
    """One answer in so many is read: its verdict, exit and what was degraded."""

    def write(self, path: Path) -> Path:
        path.write_text(json.dumps(asdict(self)), encoding="utf-8")
        return path


@dataclass
class LoadResults:
    """What came of every request, in the order of its end. Times in seconds since the load began."""

    number: array[int] = field(default_factory=lambda: array("q"))
    intended: array[float] = field(default_factory=lambda: array("d"))
    sent: array[float] = field(default_factory=lambda: array("d"))
    done: array[float] = field(default_factory=lambda: array("d"))
    status: array[int] = field(default_factory=lambda: array("h"))
    retry_after: array[int] = field(default_factory=lambda: array("b"))
    read: list[tuple[int, bytes]] = field(default_factory=list)
    """Answers with 200, by the place of their request in the arrays."""
    errors: Counter[str] = field(default_factory=Counter)


class LoadGenerator:
    """One load on its way."""

    def __init__(self, load: LoadSpec, requests: Iterator[bytes]) -> None:
        self.load = load
        self.seen = LoadResults()
        self.asked = 0
        self._requests = requests
        self._free: list[Wire] = []
        self._places = asyncio.Semaphore(load.connections)
        self._begin = time.perf_counter()

    def now(self) -> float:
        return time.perf_counter() - self._begin

    async def one(self, intended: float | None = None) -> int:
        """Asks for the next ad and notes what came of it; the status, FAILED or TIMED_OUT."""
        number, request = self.load.first + self.asked, next(self._requests)
        self.asked += 1
        async with self._places:
            sent = self.now()
            try:
                async with asyncio.timeout(self.load.timeout_s):
                    answer = await self._answered(request)
            except TimeoutError:
                answer = Answer(TIMED_OUT, b"")
            except (OSError, ValueError) as error:
                self.seen.errors[f"{type(error).__name__}: {error}"[:200]] += 1
                answer = Answer(FAILED, b"")
        self._note(number, sent if intended is None else intended, sent, answer)
        return answer.status

    async def _answered(self, request: bytes) -> Answer:
        wire = await self._wire()
        try:
            answer = await wire.ask(request)
        except BaseException:
            wire.close()
            raise
        if answer.last:
            wire.close()
        else:
            self._free.append(wire)
        return answer

    async def _wire(self) -> Wire:
        loop = asyncio.get_running_loop()
        while self._free:
            wire = self._free.pop()
            if wire.open and loop.time() - wire.used_at < STALE_S:
                return wire
            wire.close()
        _, made = await loop.create_connection(Wire, "127.0.0.1", self.load.port)
        return made

    def _note(self, number: int, intended: float, sent: float, answer: Answer) -> None:
        seen, done = self.seen, self.now()
        for column, value in ((seen.intended, intended), (seen.sent, sent), (seen.done, done)):
            column.append(value)
        seen.number.append(number)
        seen.status.append(answer.status)
        seen.retry_after.append(answer.retry_after)
        if answer.status != 200:
            if answer.status > TIMED_OUT and answer.status != 429:
                seen.errors[f"{answer.status}: {answer.body[:200]!r}"] += 1
        elif number % self.load.read_every == 0:
            seen.read.append((len(seen.status) - 1, answer.body))

    def close(self) -> None:
        for wire in self._free:
            wire.close()


async def closed(asking: LoadGenerator) -> None:
    load = asking.load
    end = load.warm_s + load.seconds

    async def client() -> None:
        while asking.now() < end and (load.requests is None or asking.asked < load.requests):
            if await asking.one() != 200:
                await asyncio.sleep(load.backoff_s)

    await asyncio.gather(*(client() for _ in range(load.clients)))


async def opened(asking: LoadGenerator) -> None:
    """Arrivals are announced by a thread that sleeps: timers of an event loop are late by up to a millisecond."""
    loop, load = asyncio.get_running_loop(), asking.load
    moments = arrivals(load.rate, load.seconds, load.seed)
    tasks: set[asyncio.Task[int]] = set()
    announced = asyncio.Event()

    def arrive(intended: float) -> None:
        task = loop.create_task(asking.one(intended))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    def announce() -> None:
        for moment in moments.tolist():
            wait = moment - asking.now()
            if wait > 0:
                time.sleep(wait)
            loop.call_soon_threadsafe(arrive, moment)
        loop.call_soon_threadsafe(announced.set)

    threading.Thread(target=announce, daemon=True).start()
    await announced.wait()
    while tasks:
        await asyncio.wait(list(tasks))


def arrivals(rate: float, seconds: float, seed: int) -> NDArray[np.float64]:
    """Moments of a Poisson process of this rate within ``seconds``, ascending."""
    random, found = np.random.default_rng(seed), np.empty(0)
    while not len(found) or found[-1] < seconds:
        gaps = random.exponential(1.0 / rate, size=int(rate * seconds * 1.1) + 100)
        found = np.concatenate([found, np.cumsum(gaps) + (found[-1] if len(found) else 0.0)])
    return found[found < seconds]


def told(bodies: list[bytes]) -> tuple[list[str], dict[str, Any]]:
    """The exit of each decision ("" where it states none), and how often there was what."""
    exits: list[str] = []
    verdicts: Counter[str] = Counter()
    degraded: Counter[str] = Counter()
    for body in bodies:
        try:
            decision = json.loads(body)
        except ValueError:
            decision = {}
        decision = decision if isinstance(decision, dict) else {}
        exits.append(str(decision.get("exit") or ""))
        verdicts[str(decision.get("verdict"))] += 1
        degraded.update(one.cause.value for one in degradations(decision.get("degraded") or ()))
    return exits, {"verdicts": dict(verdicts), "degraded": dict(degraded), "exits": dict(Counter(exits))}


async def _run(load: LoadSpec) -> tuple[LoadGenerator, float]:
    asking = LoadGenerator(load, read_bodies(Path(load.bodies)).requests(load.path, load.first))
    gc.collect()
    gc.disable()  # the client's own pauses are not the server's
    before = time.process_time()
    await (closed(asking) if load.kind == "closed" else opened(asking))
    asking.close()
    return asking, time.process_time() - before


def main(plan: Path, out: Path) -> None:
    load = LoadSpec(**json.loads(plan.read_text(encoding="utf-8")))
    sys.setswitchinterval(0.0005)  # whoever announces arrivals is not to wait 5 ms for the lock
    asking, cpu = asyncio.run(_run(load))
    seen, wall = asking.seen, asking.now()
    exits, summary = told([body for _, body in seen.read])
    exit_of = np.full(len(seen.status), -1, dtype=np.int8)  # -1: not read, 0: states none, then as in EXITS
    for (place, _), text in zip(seen.read, exits, strict=True):
        exit_of[place] = EXITS.index(text) + 1 if text in EXITS else 0
    columns: dict[str, NDArray[Any]] = {
        name: np.array(getattr(seen, name)) for name in ("number", "intended", "sent", "done", "status", "retry_after")
    }
    about = {"wall_s": wall, "client_cpu_s": cpu, "errors": dict(seen.errors.most_common(5)), **summary}
    columns |= {"exit": exit_of, "about": np.array(json.dumps(about))}
    np.savez(out, allow_pickle=False, **columns)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
