"""The whole service in one process, asked without a socket: as fast as it goes, many at a time."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from adverdict.benchmarks.fuzz.mutator import Made, request

AT_ONCE = 32
SAMPLES = 20
"""Requests kept of those that broke something."""
READY_SECONDS = 120.0
LONGEST_S = 60.0
"""An answer that has not come by then is none."""


@dataclass(frozen=True)
class Plan:
    """``environment``: the settings of the service. ``seconds``: after which no more is asked."""

    requests: int
    seed: int
    ads: Sequence[dict[str, Any]]
    environment: Mapping[str, str]
    seconds: float


@dataclass
class Seen:
    """What came of it."""

    asked: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    changes: Counter[str] = field(default_factory=Counter)
    broken: int = 0
    samples: list[dict[str, Any]] = field(default_factory=list)
    memory_mib: list[tuple[int, float]] = field(default_factory=list)
    """After how many requests, and how much."""
    tracebacks: Counter[str] = field(default_factory=Counter)

    def told(self, seconds: float) -> dict[str, Any]:
        return {
            "asked": self.asked,
            "seconds": round(seconds, 1),
            "statuses": {str(status): number for status, number in sorted(self.statuses.items())},
            "changes": dict(self.changes.most_common()),
            "broken": self.broken,
            "samples": self.samples,
            "memory_mib": self.memory_mib,
            "tracebacks": dict(self.tracebacks),
        }

    def breaks(self, made: Made, why: str) -> None:
        self.broken += 1
        if len(self.samples) < SAMPLES:
            shown = {"method": made.method, "path": made.path[:300], "headers": made.headers, "how": made.how}
            self.samples.append({**shown, "why": why, "body": made.body[:2000].decode("latin-1")})


def hammer(plan: Plan) -> dict[str, Any]:
    """To be run in a process of its own: it takes the environment over."""
    os.environ.update(plan.environment)
    from adverdict.serving.service import Adverdict

    served: Any = Adverdict
    app: Any = served.to_asgi()
    seen = Seen()
    logging.getLogger().addHandler(_Tracebacks(seen))
    logging.getLogger("adverdict").setLevel(logging.ERROR)
    began = time.perf_counter()
    asyncio.run(_ask_all(app, plan, seen))
    return seen.told(time.perf_counter() - began)


class _Tracebacks(logging.Handler):
    """Counts what is logged with a traceback: whoever sends a request must not bring one about."""

    def __init__(self, seen: Seen) -> None:
        super().__init__(logging.ERROR)
        self._seen = seen

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info and record.exc_info[0] is not None:
            self._seen.tracebacks[f"{record.name}: {record.exc_info[0].__name__}: {record.exc_info[1]}"[:300]] += 1


async def _ask_all(app: Any, plan: Plan, seen: Seen) -> None:
    async with app.router.lifespan_context(app):
        await _ready(app)
        until = time.monotonic() + plan.seconds
        numbers = iter(range(plan.requests))
        every = max(1, plan.requests // 100)

        async def one_after_the_other() -> None:
            for number in numbers:
                if time.monotonic() > until:
                    return
                made = request(plan.seed, number, plan.ads)
                await _judged(app, made, seen)
                seen.asked += 1
                if seen.asked % every == 0:
                    seen.memory_mib.append((seen.asked, _memory_mib()))

        await asyncio.gather(*(one_after_the_other() for _ in range(AT_ONCE)))


async def _ready(app: Any) -> None:
    until = time.monotonic() + READY_SECONDS
    while await _ask(app, Made("GET", "/readyz")) != 200:
        if time.monotonic() > until:
            raise TimeoutError("the service did not become ready")
        await asyncio.sleep(0.1)


async def _judged(app: Any, made: Made, seen: Seen) -> None:
    seen.changes.update(made.how or ("nothing",))
    try:
        status = await asyncio.wait_for(_ask(app, made), LONGEST_S)
    except Exception as error:  # whatever comes out of the application would have been the end of a connection
        seen.breaks(made, f"{type(error).__name__}: {error}"[:300])
        return
    seen.statuses[status] += 1
    if status >= 500 or status < 100:
        seen.breaks(made, f"status {status}")


async def _ask(app: Any, made: Made) -> int:
    """The status; 0: no answer was begun, or none was ended."""
    path, _, query = made.path.partition("?")
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": made.method,
        "scheme": "http",
        "path": _unquoted(path),
        "raw_path": path.encode("latin-1", "replace"),
        "query_string": query.encode("latin-1", "replace"),
        "root_path": "",
        "headers": [(name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in made.headers],
        "client": ("127.0.0.1", 50000),
        "server": ("127.0.0.1", 8377),
        "state": {},
    }
    told: list[dict[str, Any]] = [{"type": "http.request", "body": made.body, "more_body": False}]
    status, ended = 0, False

    async def receive() -> dict[str, Any]:
        return told.pop() if told else {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        nonlocal status, ended
        if message["type"] == "http.response.start":
            status = message["status"]
        elif message["type"] == "http.response.body" and not message.get("more_body"):
            ended = True

    await app(scope, receive, send)
    return status if ended else 0


def _unquoted(path: str) -> str:
    from urllib.parse import unquote

    return unquote(path, errors="replace")


def _memory_mib() -> float:
    with open("/proc/self/status", encoding="ascii", errors="replace") as file:
        return next((round(int(line.split()[1]) / 1024, 1) for line in file if line.startswith("VmRSS:")), 0.0)
