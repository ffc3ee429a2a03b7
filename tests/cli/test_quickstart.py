"""From nothing to decisions over HTTP, and a champion exchanged under load, with every real part in place."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from adverdict.storage.tables.pack import read_ads

pytestmark = pytest.mark.slow

COMMAND = str(Path(sys.executable).with_name("adverdict"))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def run(*arguments: str, home: Path) -> str:
    environment = {**os.environ, "ADVERDICT_HOME": str(home)}
    done = subprocess.run([COMMAND, *arguments], capture_output=True, text=True, env=environment, timeout=540, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_quickstart_ends_with_three_decisions_and_reuses_its_champion(tmp_path: Path) -> None:
    port = free_port()
    options = {"--ads": "3000", "--encoder": "none", "--port": str(port), "--home": str(tmp_path / "var")}
    arguments = ["quickstart", "--no-serve", *(word for option in options.items() for word in option)]
    said = run(*arguments, home=tmp_path)
    assert sum(said.count(f"(example-{i}, in ") for i in (1, 2, 3)) == 3
    assert " ".join(said.split()).count("LEFT TO A PERSON: ") == 3, "what anybody might type: a model of so few ads decides none of it"
    assert "Traceback" not in said
    assert f"curl -s http://127.0.0.1:{port}/v1/score" in said
    assert "is registered" in run(*arguments, home=tmp_path)


def test_a_preparation_that_fails_ends_the_quickstart_with_its_sentence_and_its_exit_code(tmp_path: Path) -> None:
    environment = {**os.environ, "ADVERDICT_HOME": str(tmp_path)}
    arguments = [COMMAND, "quickstart", "--ads", "3000", "--vectors", "nowhere", "--no-serve", "--port", str(free_port())]
    done = subprocess.run(arguments, capture_output=True, text=True, env=environment, timeout=300, check=False)
    assert done.returncode in (1, 2)
    assert done.stderr.count("error (") == 1
    assert "nowhere" in done.stderr
    assert "Traceback" not in done.stdout + done.stderr


@pytest.fixture
def two_versions(tmp_path: Path, marketplace: Path) -> Path:
    """A home whose champion is version 1; version 2 scores fewer policies."""
    for policies in (["deceptive", "gambling", "phishing"], ["deceptive", "gambling"]):
        run("train", "--data", str(marketplace), "--encoder", "none", *(f"--policy={policy}" for policy in policies), home=tmp_path)
        if len(policies) == 3:
            run("promote", home=tmp_path)
    return tmp_path


@pytest.fixture
def service(two_versions: Path) -> Iterator[str]:
    port = free_port()
    environment = {**os.environ, "ADVERDICT_HOME": str(two_versions), "ADVERDICT_POLL_SECONDS": "0.5"}
    process = subprocess.Popen(
        [COMMAND, "serve", "--port", str(port)], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    url = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 90
        while time.monotonic() < deadline and not _ready(url):
            time.sleep(0.3)
        yield url
    finally:
        process.terminate()
        process.wait(timeout=30)


def _ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/readyz", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _score(url: str, body: bytes) -> dict[str, Any]:
    request = urllib.request.Request(f"{url}/v1/score", data=body, headers={"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=20) as answer:
        return dict(json.loads(answer.read()))


def test_a_new_champion_takes_over_under_load_without_a_failed_request(service: str, two_versions: Path, marketplace: Path) -> None:
    bodies = [ad.model_dump_json(exclude_none=True).encode() for ad in read_ads(marketplace)[-20:]]
    versions: list[str] = []
    failures: list[str] = []
    stop = threading.Event()

    def ask() -> None:
        for i in range(100_000):
            if stop.is_set():
                return
            try:
                versions.append(_score(service, bodies[i % len(bodies)])["bundle_version"])
            except OSError as error:
                failures.append(str(error))

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        time.sleep(2)
        before = versions[-1]
        _move_alias(two_versions)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and versions[-1] == before:
            time.sleep(0.2)
        time.sleep(1)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert failures == []
    assert len(set(versions)) == 2
    assert versions[-1] != before


def _move_alias(home: Path) -> None:
    """As in MLflow's own page: version 2 has fewer policies, which the gates of ``adverdict promote`` would ask about."""
    here = "adverdict.training.tracking"
    names = f"from {here}.server import configure; from {here}.aliases import promote"
    settings = f"read_settings({{'ADVERDICT_HOME': {str(home)!r}}})"
    code = f"from adverdict.domain.settings import read_settings; {names}; configure({settings}); promote('2')"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
