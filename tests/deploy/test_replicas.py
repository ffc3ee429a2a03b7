"""The processes of a cluster without its containers: PostgreSQL, an MLflow server, two replicas, a load; one is killed, then both restart.

Nothing is lost, nothing is decided twice, and a client that looks at ``/readyz`` and honours ``Connection: close`` never meets a connection
that breaks off in a restart.
"""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from adverdict.benchmarks.shared.databases import fresh
from adverdict.domain.settings import Settings
from adverdict.ledger.entries import DecisionMade
from adverdict.ledger.store import Ledger
from adverdict.models.manifest import check
from adverdict.training.tracking.aliases import promote
from adverdict.training.tracking.run import TrainingRun
from adverdict.training.tracking.server import configure, ping
from tests.scoring.ads import ad
from tests.serving.conftest import until
from tests.serving.test_run import free_port

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
CLIENTS = 3


@pytest.fixture
def postgres_url(postgres: str, postgres_template: str) -> Iterator[str]:
    with fresh(postgres, template=postgres_template) as url:
        yield url


@contextmanager
def process(command: list[str], folder: Path, name: str, environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    with (folder / f"{name}.log").open("ab") as log:
        started = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log, start_new_session=True)
    try:
        yield started
    finally:
        if started.poll() is None:
            kill(started)


def kill(started: subprocess.Popen[bytes]) -> None:
    """As a container is killed: with all its processes, which are told nothing."""
    whole = psutil.Process(started.pid)
    for one in (whole, *whole.children(recursive=True)):
        one.kill()
    started.wait(30)


class Replica:
    """One ``adverdict serve``, which may be started again."""

    def __init__(self, folder: Path, name: str, environment: dict[str, str]) -> None:
        self.folder, self.name, self.environment, self.port = folder, name, environment, free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.ready = False
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, stack: ExitStack) -> None:
        command = [sys.executable, "-m", "adverdict.cli.main", "serve", "--port", str(self.port)]
        self.process = stack.enter_context(process(command, self.folder, self.name, self.environment))
        until(self.looks_ready, seconds=180)

    def looks_ready(self) -> bool:
        assert self.process is None or self.process.poll() is None, (self.folder / f"{self.name}.log").read_text()
        try:
            return httpx.get(f"{self.url}/readyz", timeout=2).status_code == 200
        except httpx.TransportError:
            return False


class Load:
    """Clients that send one ad after the other to whichever replica is ready, as a load balancer would have it."""

    def __init__(self, replicas: list[Replica]) -> None:
        self.replicas = replicas
        self.numbers = itertools.count()
        self.answered: dict[str, str] = {}
        self.broken: Counter[str] = Counter()
        self.lost: list[str] = []
        self.over = threading.Event()
        self.threads = [threading.Thread(target=self._probe, args=(one,)) for one in replicas]
        self.threads += [threading.Thread(target=self._client) for _ in range(CLIENTS)]

    def __enter__(self) -> Load:
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        for thread in self.threads:
            thread.join()

    def more(self, n: int) -> None:
        """Wait until so many more were answered."""
        enough = len(self.answered) + n
        until(lambda: len(self.answered) >= enough, seconds=120)

    def _probe(self, replica: Replica) -> None:
        while not self.over.is_set():
            try:
                replica.ready = httpx.get(f"{replica.url}/readyz", timeout=2).status_code == 200
            except httpx.TransportError:
                replica.ready = False
            time.sleep(0.2)

    def _client(self) -> None:
        with ExitStack() as stack:
            clients = {one.url: stack.enter_context(httpx.Client(base_url=one.url, timeout=20)) for one in self.replicas}
            while not self.over.is_set():
                number = next(self.numbers)
                self._send(clients, f"ad-{number}", number)

    def _send(self, clients: dict[str, httpx.Client], ad_id: str, turn: int) -> None:
        """Again, by the same key, until it is answered."""
        for attempt in range(200):
            ready = [one for one in self.replicas if one.ready]
            if not ready:
                time.sleep(0.1)
                continue
            url = ready[(turn + attempt) % len(ready)].url
            try:
                answer = clients[url].post("/v1/score", json=ad(ad_id=ad_id), headers={"Idempotency-Key": ad_id})
            except httpx.TransportError as error:
                self.broken[type(error).__name__] += 1
                continue
            if answer.status_code == 200:
                self.answered[ad_id] = answer.json()["decision_id"]
                return
            self.broken[str(answer.status_code)] += 1
            time.sleep(0.1)
        self.lost.append(ad_id)


def served(url: str, folder: Path, model: Path, mlflow: str) -> dict[str, str]:
    """The environment of a replica, after the model was registered."""
    store = configure(Settings(home=folder / "trainer", tracking_uri=mlflow))
    ping(store)
    with TrainingRun(store, {}) as run:
        promote(run.register(run.log_bundle(model, check(model)[0].policies, software=()), {}).version)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ADVERDICT_", "MLFLOW_", "BENTOML_HOME"))}
    ours = {"ADVERDICT_DATABASE_URL": url, "ADVERDICT_DRAIN_SECONDS": "2", "ADVERDICT_MAX_WAIT_MS": "60000", "MLFLOW_TRACKING_URI": mlflow}
    return {**kept, **ours, "ADVERDICT_PORT_80_TCP": "tcp://10.0.0.7:80", "ADVERDICT_SERVICE_HOST": "10.0.0.7", "OMP_NUM_THREADS": "1"}


def test_a_killed_replica_and_a_rolling_restart_lose_nothing_and_decide_nothing_twice(postgres_url: str, old: Path, tmp_path: Path) -> None:
    port = free_port()
    mlflow = f"http://127.0.0.1:{port}"
    store = ["--backend-store-uri", f"sqlite:///{tmp_path / 'mlflow.db'}", "--artifacts-destination", str(tmp_path / "artifacts")]
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1", *store]
    with ExitStack() as stack:
        stack.enter_context(process(command, tmp_path, "mlflow", dict(os.environ)))
        until(lambda: _answers(f"{mlflow}/health"), seconds=180)
        environment = served(postgres_url, tmp_path, old / "bundle", mlflow)
        replicas = [Replica(tmp_path, name, {**environment, "ADVERDICT_HOME": str(tmp_path / name)}) for name in ("one", "two")]
        for replica in replicas:
            replica.start(stack)
        load = stack.enter_context(Load(replicas))
        load.more(20)

        killed = replicas[0].process
        assert killed is not None
        kill(killed)
        load.more(20)
        replicas[0].start(stack)
        while_killed = Counter(load.broken)

        for replica in replicas:
            leaving: Any = replica.process
            before = len(load.answered)
            leaving.send_signal(signal.SIGTERM)
            assert leaving.wait(60) == 0
            assert len(load.answered) > before, "meanwhile the other answers"
            replica.start(stack)
            load.more(10)
        assert load.broken == while_killed, "no connection broke off, was refused, or got a 503 while replicas restarted"
        load.__exit__()
        assert load.lost == []
    ledger = Ledger.open(postgres_url)
    try:
        made = [entry.body for entry in ledger.read(kinds=["decision"]) if isinstance(entry.body, DecisionMade)]
    finally:
        ledger.close()
    counted = Counter(one.ad.ad_id for one in made)
    assert counted.keys() >= load.answered.keys(), "what was answered is on record"
    assert {ad_id: n for ad_id, n in counted.items() if n != 1} == {}, "and nothing twice"
    assert {one.ad.ad_id: one.decision.decision_id for one in made if one.ad.ad_id in load.answered} == load.answered
    told = {"answered": len(load.answered), "twice": 0, "lost": 0, "broken_off_by_the_kill": dict(while_killed)}
    (tmp_path / "told.json").write_text(json.dumps(told))


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2).status_code == 200
    except httpx.TransportError:
        return False
