"""``adverdict serve``: what is refused before anything starts, and a server that starts, swaps workers' state, and stops cleanly."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from adverdict.domain.errors import InvalidPolicy, InvalidSettings
from adverdict.domain.keys import new_key
from adverdict.domain.settings import Settings, read_settings
from adverdict.serving.listening import listening
from adverdict.serving.run import prepare
from tests.scoring.ads import ad
from tests.serving.conftest import until

ROOT = Path(__file__).resolve().parents[2]
TOUCHED = ("ADVERDICT_", "MLFLOW_", "BENTOML_", "HF_HUB_", "OMP_")


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[pytest.MonkeyPatch]:
    before = dict(os.environ)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("ADVERDICT_HOME", str(tmp_path))
    monkeypatch.setenv("ADVERDICT_PORT", str(free_port()))
    yield monkeypatch
    for key in [key for key in os.environ if key.startswith(TOUCHED)]:
        del os.environ[key]
    os.environ.update({key: value for key, value in before.items() if key.startswith(TOUCHED)})


def prepared(**options: Any) -> Settings:
    settings = read_settings(os.environ, options)
    prepare(settings)
    return settings


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_an_open_address_needs_keys(environment: pytest.MonkeyPatch) -> None:
    with pytest.raises(InvalidSettings, match="open to everybody"):
        prepared(host="0.0.0.0")
    environment.setenv("ADVERDICT_API_KEYS", new_key("platform", ["score"])[1])
    assert prepared(host="0.0.0.0").host == "0.0.0.0"


def test_a_taken_port_is_told_in_one_line(environment: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(InvalidSettings, match="Address already in use"):
            prepared(port=taken.getsockname()[1])


def test_wrong_policies_are_told_before_anything_starts(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "default.yaml").write_text("polices: {}\n")
    with pytest.raises(InvalidPolicy, match="polices"):
        prepared(policies=tmp_path)


def test_a_sink_that_nobody_offers_is_told_before_anything_starts(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("ADVERDICT_SINKS", "warehouse")
    with pytest.raises(InvalidSettings, match="ADVERDICT_SINKS = 'warehouse'"):
        prepared()


def test_options_win_over_the_environment_and_reach_the_workers(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    environment.setenv("ADVERDICT_WORKERS", "3")
    settings = prepared(workers=2, model=None)
    assert (settings.workers, os.environ["ADVERDICT_WORKERS"]) == (2, "2")
    assert listening(os.environ) == {"http": {"host": "127.0.0.1", "port": settings.port}, "workers": 2}


def test_wrong_settings_leave_a_server_that_somebody_else_starts_on_this_machine_alone() -> None:
    assert listening({"ADVERDICT_HOST": "0.0.0.0", "ADVERDICT_PORT": "eighty"})["http"] == {"host": "127.0.0.1", "port": 8377}


def test_files_named_from_here_are_found_from_the_workers_folder(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    environment.chdir(tmp_path)
    (tmp_path / "bundle").mkdir()
    (tmp_path / "keys").write_text("")
    environment.setenv("ADVERDICT_API_KEYS_FILE", "keys")
    prepared(home=Path("state"), model="bundle")
    assert os.environ["ADVERDICT_HOME"] == str(tmp_path / "state")
    assert os.environ["ADVERDICT_MODEL"] == str(tmp_path / "bundle")
    assert os.environ["ADVERDICT_API_KEYS_FILE"] == str(tmp_path / "keys")
    assert os.environ["MLFLOW_TRACKING_URI"] == f"sqlite:///{tmp_path / 'state' / 'mlflow.db'}"


@pytest.mark.slow
def test_two_workers_serve_from_another_folder_and_stop_when_told(tmp_path: Path) -> None:
    """Without any model: alive, not ready, everything to people; metrics of both workers; SIGTERM ends it within seconds."""
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "__init__.py").write_text("raise RuntimeError('the wrong models')\n")
    port = free_port()
    command = [sys.executable, "-m", "adverdict.cli.main", "serve", "--port", str(port), "--workers", "2"]
    environment = {**os.environ, "PYTHONSAFEPATH": "1", "ADVERDICT_HOME": str(tmp_path / "var")}
    with (tmp_path / "log").open("wb") as log:
        server = subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=log, stderr=log)
    try:
        check_server(f"http://127.0.0.1:{port}", server, tmp_path / "log")
    finally:
        server.send_signal(signal.SIGTERM)
        assert server.wait(20) == 0, (tmp_path / "log").read_text()
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0


def check_server(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    def settled() -> bool:
        assert server.poll() is None, log.read_text()
        try:
            return bool(httpx.get(f"{url}/readyz", timeout=2).json()["status"] == "no_model")
        except httpx.TransportError:
            return False

    until(settled, seconds=60)
    until(lambda: httpx.post(f"{url}/v1/score", json=ad()).status_code == 200, seconds=30)  # the other worker, too
    for _ in range(20):
        decision = httpx.post(f"{url}/v1/score", json=ad())
        if decision.status_code == 200:
            assert (decision.json()["verdict"], decision.json()["degraded"][0]) == ("review", "no_model")
    assert httpx.get(f"{url}/nothing").status_code == 404
    assert 'adverdict_decisions_total{market="SE",verdict="review"}' in httpx.get(f"{url}/metrics").text
