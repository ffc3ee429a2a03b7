"""The servers that are measured: ours, ours without its tuning, ``mlflow models serve`` and a bare FastAPI. None outlives its block."""

from __future__ import annotations

import http.client
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adverdict.benchmarks.online.figures import LoadLog
from adverdict.benchmarks.online.load import LoadSpec
from adverdict.benchmarks.shared.network import free_port
from adverdict.benchmarks.shared.processes import RunningCommand, adverdict, environment, pids
from adverdict.domain.errors import Unavailable

START_SECONDS = 180.0
SPARE_SECONDS = 120.0
"""A load generator gets so much more than it was told to take."""
POLLED_EVERY = 0.02
ASKED_A_WORKER = 12
"""Whoever takes the connection answers: of several workers, all are taken to be ready when so many probes in a row say so."""
TOLD_WITHIN = 10.0
"""Seconds."""
UNTUNED = "the garbage collector stays as Python starts it"
"""What a worker says when it leaves the tuning out, as proof."""


@dataclass
class Server:
    """One that answers. ``bodies``: what it is asked."""

    port: int
    path: str
    bodies: Path
    running: RunningCommand
    folder: Path
    started_s: float
    """From the start of its process to the first 200 of its readiness probe."""
    asked: int = 0
    """Requests so far: the next load goes on after them."""

    def load(self, **how: Any) -> LoadLog:
        """What a load generator measured, in a process of its own; ``how`` as in ``LoadSpec``. Raises Unavailable when it fails."""
        load = LoadSpec(**{"port": self.port, "path": self.path, "bodies": str(self.bodies), "first": self.asked, **how})
        plan, out, log = (self.folder / f"load-{self.asked}.{kind}" for kind in ("json", "npz", "log"))
        command = [sys.executable, "-m", "adverdict.benchmarks.online.load", str(load.write(plan)), str(out)]
        with RunningCommand(command, environment(self.folder), log, watch_memory=False) as running:
            try:
                ran = running.wait(load.warm_s + load.seconds + load.timeout_s + SPARE_SECONDS)
            except subprocess.TimeoutExpired as error:
                raise Unavailable(f"the load did not end; the server's last words: {self.last_words()}") from error
        if ran.code != 0:
            raise Unavailable(f"the load generator failed: {ran.said[-500:]}")
        found = LoadLog.read(out)
        self.asked += len(found.number)
        if self.running.ended:
            raise Unavailable(f"the server ended under load; its last words: {self.last_words()}")
        return found

    def pids(self) -> list[int]:
        return pids(self.running.mark)

    def cpu_s(self) -> float:
        """User and system time of its processes so far."""
        ticks = 0
        for pid in self.pids():
            fields = _read(f"/proc/{pid}/stat").rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12]) if len(fields) > 12 else 0
        return ticks / os.sysconf("SC_CLK_TCK")

    def memory_mib(self) -> dict[str, float]:
        """Over its processes: ``pss`` counts a shared page once, ``rss`` for each."""
        rollups = [_read(f"/proc/{pid}/smaps_rollup") for pid in self.pids()]
        return {name.lower(): sum(_kb(text, f"{name}:") for text in rollups) / 1024 for name in ("Pss", "Rss")}

    def log(self) -> str:
        return (self.folder / "server.log").read_text(encoding="utf-8", errors="replace")

    def untuned(self) -> str | None:
        """What its workers said that they leave out; None when they said nothing."""
        said = [line for line in self.log().splitlines() if UNTUNED in line]
        return said[0][said[0].index(UNTUNED) :] if said else None

    def last_words(self) -> str:
        return self.log()[-500:]


@contextmanager
def service(
    bundle: Path,
    rules: Path,
    bodies: Path,
    folder: Path,
    *,
    certificates: Path | None = None,
    workers: int = 1,
    untuned: bool = False,
    patient: bool = False,
) -> Iterator[Server]:
    """``adverdict serve`` of this bundle, deciding by these rules, with a ledger of its own in SQLite. Raises Unavailable.

    ``patient``: it lets requests wait as long as the comparators do, instead of refusing those that would have to wait too long.
    """
    own = {
        "ADVERDICT_MODEL": str(bundle.resolve()),
        "ADVERDICT_POLICIES": str(rules.resolve()),
        "ADVERDICT_WORKERS": str(workers),
        "ADVERDICT_DATABASE_URL": "",
    }
    if patient:
        own["ADVERDICT_MAX_WAIT_MS"] = "10000"
    if certificates:
        own["ADVERDICT_CERTIFICATES"] = str(certificates.resolve())
    if untuned:
        own["ADVERDICT_TUNE_COLLECTOR"] = "false"
    with _server(adverdict("serve"), own, folder, "/v1/score", "/readyz", bodies, workers) as found:
        if untuned and not _said(found):
            raise Unavailable("the service without its tuning cannot be had: its workers do not leave it out")
        yield found


def _said(server: Server) -> bool:
    """Whether its workers have told what they leave out; what they write takes a moment to reach the log."""
    until = time.monotonic() + TOLD_WITHIN
    while not server.untuned() and time.monotonic() < until:
        time.sleep(0.1)
    return server.untuned() is not None


@contextmanager
def mlflow(model: Path, bodies: Path, folder: Path, *, workers: int = 1) -> Iterator[Server]:
    """``mlflow models serve`` of the same bundle, by the script that training logs. Raises Unavailable."""
    options = ["--env-manager", "local", "--workers", str(workers), "-h", "127.0.0.1", "-p", "{port}"]
    command = [sys.executable, "-m", "mlflow", "models", "serve", "-m", str(model), *options]
    own = {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]),  # it looks for uvicorn there
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }
    with _server(command, own, folder, "/invocations", "/ping", bodies, workers) as found:
        yield found


@contextmanager
def constant(bodies: Path, folder: Path, *, workers: int = 1, plain: bool = False) -> Iterator[Server]:
    """A bare FastAPI application that reads nothing and answers the same. Raises Unavailable.

    ``plain``: as uvicorn runs it without httptools and uvloop; else with the parser and the loop that our service has.
    """
    quiet = ["--no-access-log", "--log-level", "warning", *(["--http", "h11", "--loop", "asyncio"] if plain else [])]
    command = [
        sys.executable,
        "-m",
        "uvicorn",
        "adverdict.benchmarks.online.constant:app",
        "--port",
        "{port}",
        "--workers",
        str(workers),
        *quiet,
    ]
    with _server(command, {}, folder, "/v1/score", "/readyz", bodies, workers) as found:
        yield found


@contextmanager
def _server(
    command: Sequence[str], own: Mapping[str, str], folder: Path, path: str, ready: str, bodies: Path, workers: int
) -> Iterator[Server]:
    port = free_port()
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="server-", dir=folder, ignore_cleanup_errors=True) as name:
        home = Path(name)
        around = environment(
            home,
            ADVERDICT_PORT=str(port),
            BENTOML_HOME=str(home / "bentoml"),
            BENTOML_DO_NOT_TRACK="true",
            MLFLOW_TRACKING_URI=f"sqlite:///{home / 'mlflow.db'}",
            **own,
        )
        begin = time.perf_counter()
        given = [word.replace("{port}", str(port)) for word in command]
        with RunningCommand(given, around, home / "server.log", watch_memory=False) as running:
            server = Server(port, path, bodies, running, home, 0.0)
            in_a_row = 0
            while in_a_row < (1 if workers == 1 else ASKED_A_WORKER * workers):
                in_a_row = in_a_row + 1 if answers(port, ready) else 0
                if in_a_row == 1 and not server.started_s:
                    server.started_s = time.perf_counter() - begin
                if running.ended or time.perf_counter() - begin > START_SECONDS:
                    raise Unavailable(f"{' '.join(given[1:5])} does not answer; its last words: {server.last_words()}")
                if not in_a_row:
                    time.sleep(POLLED_EVERY)
            yield server


def answers(port: int, path: str) -> bool:
    """Whether this address says 200."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="ascii", errors="replace")
    except OSError:  # it has just ended
        return ""


def _kb(text: str, name: str) -> int:
    return next((int(line.split()[1]) for line in text.splitlines() if line.startswith(name)), 0)
