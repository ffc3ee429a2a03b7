"""How long until the service can be asked, and until the command line says what it can do."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from adverdict.benchmarks.online.figures import Figures, median
from adverdict.benchmarks.online.online_setup import Advance, OnlineSetup, Write, told
from adverdict.benchmarks.online.servers import Server
from adverdict.benchmarks.shared.processes import adverdict, environment
from adverdict.domain.errors import Unavailable


@dataclass(frozen=True)
class StartupPlan:
    starts: int = 5
    helps: int = 9


QUICK = StartupPlan(starts=1, helps=3)


def steps(plan: StartupPlan) -> int:
    return plan.starts + 1


def startup(setup: OnlineSetup, plan: StartupPlan, write: Write, advance: Advance) -> Figures:
    """Seconds from the start of the process to the first 200 of its readiness probe, in turns with the others; and of the help."""
    bundle = setup.main()
    started: dict[str, Callable[[], AbstractContextManager[Server]]] = {
        "service": lambda: setup.service(bundle),
        "fastapi": setup.constant,
        "mlflow_serve": lambda: setup.mlflow(bundle),
    }
    seconds: dict[str, list[float]] = {name: [] for name in started}
    found: Figures = {"bundle": told(bundle), "left_out": {}}
    for _ in range(plan.starts):
        for name, start in started.items():
            try:
                with start() as server:
                    seconds[name].append(server.started_s)
            except Unavailable as error:
                if name == "service":
                    raise
                found["left_out"][name] = str(error)
        advance()
    found["ready"] = {name: {"seconds": median(all_), "rounds": all_} for name, all_ in seconds.items()}
    found["ready_s"] = found["ready"]["service"]["seconds"]
    write(found)
    found["commands"] = helped(plan.helps, setup.home())
    found["help_s"] = found["commands"]["adverdict --help"]["wall_s"]
    advance()
    return found


def helped(rounds: int, home: Path) -> Figures:
    """Wall and CPU seconds of ``adverdict --help`` and of a Python that does nothing, in turns; the best of the rounds."""
    commands = {"adverdict --help": adverdict("--help"), "python -c pass": [sys.executable, "-c", "pass"]}
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            taken[name].append(_timed(command, home))
    return {
        name: {"wall_s": min(wall for wall, _ in all_), "cpu_s": min(cpu for _, cpu in all_), "wall_median_s": median([w for w, _ in all_])}
        for name, all_ in taken.items()
    }


def _timed(command: Sequence[str], home: Path) -> tuple[float, float]:
    begin = time.perf_counter()
    process = subprocess.Popen(list(command), env=environment(home), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    wall = time.perf_counter() - begin
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise Unavailable(f"{' '.join(command)} ended with exit code {process.returncode}")
    return wall, used.ru_utime + used.ru_stime
