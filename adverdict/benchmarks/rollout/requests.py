"""Requests over HTTP while what decides changes: policies put in force and taken back, certificates solved for other policies, the champion
moved and moved back. None may fail, and no ad may go to people because of it."""

from __future__ import annotations

import http.client
import json
import os
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from adverdict.benchmarks.rollout.field import Field, OtherModel, an_ad
from adverdict.benchmarks.shared.killable import CountingModel, KillableService, service_app
from adverdict.benchmarks.shared.network import free_port
from adverdict.certification.certificate import Issued
from adverdict.certification.statistics.intervals import clopper_pearson
from adverdict.decisions.files.read import read_texts
from adverdict.domain.progress import Progress
from adverdict.ledger.in_force.policy_sets import keep_set, put, roll_back
from adverdict.ledger.store import now
from adverdict.scoring.model import Model

CLIENTS = 4
POLL = 0.5
"""Seconds between the service's looks at its registry: as often as it gets."""
PATIENCE = 60.0
CHAMPION, SOLVED = "champion", "solved"
"""In a service's home: which version is the champion, and the certificates by hash of the policies they were solved for."""


class FileRegistry:
    """Implements ``models.opening.Registry``: two models, and in files what may change while a service runs."""

    def __init__(self, home: Path) -> None:
        self._home = home

    def resolve(self, model: str) -> str:
        return model if model[-1:].isdigit() else f"models:/counting/{(self._home / CHAMPION).read_text(encoding='utf-8')}"

    def fetch(self, model: str, cache: Path) -> Path:
        return cache / model.rsplit("/", 1)[-1]

    def certificates(self, source: str, policy_hash: str) -> str | None:
        path = self._home / SOLVED / policy_hash
        return path.name if path.is_file() else None

    def fetch_certificates(self, source: str, digest: str, cache: Path) -> str:
        return (self._home / SOLVED / digest).read_text(encoding="utf-8")


def app() -> Any:
    """Of the process that is forked."""
    return service_app(FileRegistry(Path(os.environ["ADVERDICT_HOME"])), _opened)


def _opened(folder: Path) -> Model:
    return OtherModel() if folder.name == "2" else CountingModel()


def requests_meanwhile(url: str, folder: Path, changes: int, progress: Progress) -> dict[str, Any]:
    """Four clients ask as fast as they are answered; meanwhile so many changes of each kind, one after the other."""
    home = folder / "home"
    (home / SOLVED).mkdir(parents=True)
    (home / CHAMPION).write_text("1", encoding="utf-8")
    field = Field(url, folder / "field")
    kinds: dict[str, Callable[[int], None]] = {
        "swap": lambda number: _swap(field),
        "rollback": lambda number: _roll_back(field),
        "solve": lambda number: _solve(home, field, number),
        "model": lambda number: _write(home / CHAMPION, str(2 - number % 2)),
    }
    try:
        with _served(url, field, home) as port:
            rows = {name: _during(port, do, changes, name, progress) for name, do in kinds.items()}
    finally:
        field.close()
    asked, failed = sum(row["requests"] for row in rows.values()), sum(row["failed"] for row in rows.values())
    return {
        "requests": asked,
        "failed_requests": failed,
        "failed_interval": list(clopper_pearson(failed, asked)) if asked else None,
        "to_people_for_it": sum(row["degraded"] for row in rows.values()),
        "during": rows,
    }


def _during(port: int, do: Callable[[int], None], changes: int, name: str, progress: Progress) -> dict[str, Any]:
    stop, counts = threading.Event(), [Counter[str]() for _ in range(CLIENTS)]
    clients = [threading.Thread(target=_ask, args=(port, f"{name}-{number}", counts[number], stop)) for number in range(CLIENTS)]
    for client in clients:
        client.start()
    for number in range(changes):
        do(number)
        time.sleep(2 * POLL if name in ("solve", "model") else 0.1)
        progress.advance()
    stop.set()
    for client in clients:
        client.join(PATIENCE)
    told = sum(counts, Counter[str]())
    return {"changes": changes, "requests": told["asked"], "failed": told["failed"], "degraded": told["degraded"]}


def _ask(port: int, who: str, counts: Counter[str], stop: threading.Event) -> None:
    connection, rng, number = http.client.HTTPConnection("127.0.0.1", port, timeout=30), random.Random(who), 0
    while not stop.is_set():
        number += 1
        body = an_ad(rng, f"{who}-{number}").model_dump_json()
        counts["asked"] += 1
        try:
            connection.request("POST", "/v1/score", body, {"content-type": "application/json"})
            answer = connection.getresponse()
            told = json.loads(answer.read())
        except (OSError, http.client.HTTPException, ValueError):
            counts["failed"] += 1
            connection.close()
            continue
        counts["failed"] += answer.status != 200
        counts["degraded"] += answer.status == 200 and bool(told["degraded"])
    connection.close()


@contextmanager
def _served(url: str, field: Field, home: Path) -> Iterator[int]:
    port = free_port()
    environment = {
        "ADVERDICT_HOME": str(home),
        "ADVERDICT_MODEL": "models:/counting@champion",
        "ADVERDICT_POLICIES": str(field.base_folder),
        "ADVERDICT_DATABASE_URL": url,
        "ADVERDICT_POLL_SECONDS": str(POLL),
        "ADVERDICT_MAX_WAIT_MS": "10000",
        "BENTOML_HOME": str(home / "bentoml"),
        "BENTOML_DO_NOT_TRACK": "true",
    }
    with KillableService(environment, port, app) as service:
        service.start()
        try:
            _wait_for(port)
            yield port
        finally:
            service.kill()


def _wait_for(port: int) -> None:
    end = time.monotonic() + PATIENCE
    while True:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", "/readyz")
            if json.loads(connection.getresponse().read())["status"] == "ready":
                return
        except (OSError, http.client.HTTPException, ValueError, KeyError):
            pass
        finally:
            connection.close()
        if time.monotonic() > end:
            raise RuntimeError("the service of the benchmark did not begin")
        time.sleep(0.2)


def _swap(field: Field) -> None:
    with field.ledger.write() as writing:
        files = keep_set(writing.connection, field.candidate, read_texts(field.candidate_folder), now())
        put(writing, field.candidate.hash, files, "a benchmark", "benchmark", now())


def _roll_back(field: Field) -> None:
    with field.ledger.write() as writing:
        roll_back(writing, "a benchmark", "benchmark", now())


def _solve(home: Path, field: Field, number: int) -> None:
    """Certificates attached for policies that are not in force: the next ones, and others after them."""
    policies = field.candidate.hash if number == 0 else f"{number:064x}"
    _write(home / SOLVED / policies, Issued(()).to_json())


def _write(path: Path, text: str) -> None:
    aside = path.with_suffix(".new")
    aside.write_text(text, encoding="utf-8")
    aside.replace(path)
