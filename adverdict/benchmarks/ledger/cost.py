"""What recording costs on the scoring path: one bundle served with the ledger on SQLite, on PostgreSQL, and without one, taking turns.

A ratio is of neighbours in time: each round asks all of them, so that whatever else the machine does meanwhile weighs on each alike.
"""

from __future__ import annotations

import http.client
import json
import os
import statistics
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import count
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from adverdict.benchmarks.shared.killable import write_policies
from adverdict.benchmarks.shared.network import free_port
from adverdict.domain.errors import Unavailable
from adverdict.domain.progress import Silent
from adverdict.domain.settings import Settings
from adverdict.storage.tables.pack import read_ads

WITHOUT = "none"
CLIENTS = (1, 16)
ADS, QUICK_ADS, SEED = 3000, 1500, 7
START_SECONDS = 120.0

Figures = dict[str, Any]


@dataclass(frozen=True)
class LedgerCostPlan:
    """``seconds`` of asking in each of ``rounds``, for each number of clients and each database."""

    rounds: int = 10
    seconds: float = 8.0
    quick: bool = False
    clients: Sequence[int] = CLIENTS


FULL = LedgerCostPlan()
QUICK = LedgerCostPlan(rounds=2, seconds=1.0, quick=True)


@dataclass(frozen=True)
class LoadRound:
    """One round with one service."""

    answers: int
    seconds: float
    latencies: Sequence[float]
    """Seconds of each answer."""


def cost(
    databases: Mapping[str, str],
    folder: Path,
    bundle: Path,
    rules: Path,
    bodies: Sequence[Mapping[str, Any]],
    plan: LedgerCostPlan,
    advance: Callable[[], None] = lambda: None,
) -> Figures:
    """Figures by database, ``none`` among them; ``databases``: URLs of empty databases by name. ``folder`` takes logs."""
    rounds: dict[tuple[str, int], list[LoadRound]] = {}
    with ExitStack() as stack:
        ports = {
            name: stack.enter_context(served(folder / name, bundle, rules, url)) for name, url in {WITHOUT: "none", **databases}.items()
        }
        asking = stack.enter_context(ProcessPoolExecutor(1, mp_context=get_context("spawn")))  # clients do not share Python with us
        for port in ports.values():
            asking.submit(ask, port, bodies, 4, 1.0, "warm").result()
        for turn in range(plan.rounds):
            for clients in plan.clients:
                for name in _turned(list(ports), turn):
                    name_of_round = f"{name}-{turn}-{clients}"
                    asked = asking.submit(ask, ports[name], bodies, clients, plan.seconds, name_of_round)
                    rounds.setdefault((name, clients), []).append(asked.result())
                    advance()
    return {name: {str(clients): _figures(rounds[name, clients], rounds[WITHOUT, clients]) for clients in plan.clients} for name in ports}


def train(folder: Path, quick: bool) -> tuple[Path, list[dict[str, Any]]]:
    """A real bundle without encoder, trained on a simulated marketplace, and that marketplace's ads as requests."""
    from adverdict.simulation import write_marketplace
    from adverdict.training.fit.gbm import GbmSettings
    from adverdict.training.fit.prepared import FitSettings
    from adverdict.training.fit.vectors import VectorSettings
    from adverdict.training.train import TrainJob
    from adverdict.training.train import train as run

    write_marketplace(folder / "marketplace", QUICK_ADS if quick else ADS, SEED)
    settings = FitSettings(encoder=None, vectors=VectorSettings())
    if quick:
        settings = FitSettings(encoder=None, vectors=VectorSettings(), gbm=GbmSettings(num_boost_round=20, learning_rate=0.1), n_folds=2)
    run(
        TrainJob(data=[folder / "marketplace"], settings=Settings(home=folder), fit=settings, out=folder / "bundle", register=False),
        Silent(),
    )
    ads = read_ads(folder / "marketplace")
    return folder / "bundle", [json.loads(ad.model_dump_json(exclude_none=True)) for ad in ads]


def policies_that_decide(folder: Path, bundle: Path, bodies: Sequence[Mapping[str, Any]]) -> Path:
    """Rules for the policies that the model knows, with thresholds set by hand: one this small certifies nothing, and every ad would be
    left to people."""
    known = json.loads((bundle / "manifest.json").read_text(encoding="utf-8"))["policies"]
    return write_policies(folder, known, sorted({body["market"] for body in bodies}), (0.3, 0.8))


@contextmanager
def served(home: Path, bundle: Path, rules: Path, database: str) -> Iterator[int]:
    """Port of ``adverdict serve`` as an operator would start it."""
    home.mkdir(parents=True)
    port = free_port()
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("ADVERDICT_", "BENTOML_", "MLFLOW_"))}
    environment |= {
        "ADVERDICT_HOME": str(home),
        "ADVERDICT_MODEL": str(bundle),
        "ADVERDICT_POLICIES": str(rules),
        "ADVERDICT_PORT": str(port),
        "ADVERDICT_DATABASE_URL": database,
        "PYTHONSAFEPATH": "1",
    }
    with (home / "service.log").open("wb") as log:
        process = subprocess.Popen([sys.executable, "-m", "adverdict.cli.main", "serve"], env=environment, stdout=log, stderr=log)
    try:
        _wait(port, process, home / "service.log")
        yield port
    finally:
        process.terminate()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def ask(port: int, bodies: Sequence[Mapping[str, Any]], clients: int, seconds: float, told: str) -> LoadRound:
    """``clients`` threads, each with one connection and one ad after another; every ad has an id of its own."""
    latencies: list[float] = []
    number, end = count(), time.monotonic() + seconds
    failed: list[BaseException] = []

    def client() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        try:
            while time.monotonic() < end and not failed:
                place = next(number)
                ad = {**bodies[place % len(bodies)], "ad_id": f"{told}-{place}"}
                begin = time.perf_counter()
                connection.request("POST", "/v1/score", json.dumps(ad), {"content-type": "application/json"})
                answer = connection.getresponse()
                content = answer.read()
                latencies.append(time.perf_counter() - begin)
                if answer.status != 200:
                    raise Unavailable(f"the service answered {answer.status}: {content[:300]!r}")
        except BaseException as error:
            failed.append(error)
        finally:
            connection.close()

    begin = time.monotonic()
    threads = [threading.Thread(target=client) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]
    return LoadRound(len(latencies), time.monotonic() - begin, latencies)


def _figures(rounds: Sequence[LoadRound], without: Sequence[LoadRound]) -> Figures:
    latencies = sorted(latency for one in rounds for latency in one.latencies)
    rates = [one.answers / one.seconds for one in rounds]
    of = [rate / (other.answers / other.seconds) for rate, other in zip(rates, without, strict=True)]
    return {
        "requests_per_s": sum(one.answers for one in rounds) / sum(one.seconds for one in rounds),
        "p50_ms": 1000 * quantile(latencies, 0.5),
        "p99_ms": 1000 * quantile(latencies, 0.99),
        "requests": len(latencies),
        "of_without": statistics.median(of),
        "of_without_range": [min(of), max(of)],
    }


def quantile(ordered: Sequence[float], share: float) -> float:
    """The smallest number that at least this share of them do not exceed."""
    return ordered[max(0, -int(-share * len(ordered) // 1) - 1)]


def _turned(names: list[str], turn: int) -> list[str]:
    """Nobody is always first."""
    start = turn % len(names)
    return names[start:] + names[:start]


def _wait(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2) as answer:
                if answer.status == 200:
                    return
        except OSError:
            pass
        if process.poll() is not None or time.monotonic() > end:
            raise Unavailable(f"the service did not start; its last words: {log.read_text(errors='replace')[-2000:]}")
        time.sleep(0.1)
