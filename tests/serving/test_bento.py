"""The bento: what it asks to be installed, and that it can be built and served."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tomllib
from pathlib import Path

import httpx
import pytest
import yaml

from tests.scoring.ads import ad
from tests.serving.conftest import until
from tests.serving.test_run import ROOT, free_port


def test_it_asks_for_what_the_package_asks_for() -> None:
    asked = yaml.safe_load((ROOT / "bentofile.yaml").read_text())["python"]["packages"]
    needed = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    assert sorted(asked) == sorted(needed)


def test_it_carries_every_package_that_serving_imports() -> None:
    included = {pattern.split("/")[0] for pattern in yaml.safe_load((ROOT / "bentofile.yaml").read_text())["include"]}
    assert {"domain", "features", "decisions", "models", "policies", "serving"} <= included


@pytest.mark.slow
def test_it_builds_and_the_built_one_serves_a_bundle(tiny_bundle: Path, tmp_path: Path) -> None:
    if shutil.which("uv", path=Path(sys.executable).parent) is None:
        pytest.skip("bentoml build installs uv when it is missing; this test does not install anything")
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith(("ADVERDICT_", "MLFLOW_"))},
        "BENTOML_HOME": str(tmp_path / "bentoml"),
        "BENTOML_DO_NOT_TRACK": "true",
        "ADVERDICT_HOME": str(tmp_path / "var"),
        "ADVERDICT_MODEL": str(tiny_bundle),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    bentoml = [sys.executable, "-m", "bentoml"]
    built = subprocess.run([*bentoml, "build", str(ROOT), "-o", "tag"], env=environment, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    tag = built.stdout.split("__tag__:")[-1].strip()
    bento = tmp_path / "bentoml" / "bentos" / tag.replace(":", "/")
    assert "/v1/score" in yaml.safe_load((bento / "apis" / "openapi.yaml").read_text())["paths"]
    assert not list(bento.rglob("*.parquet")) + list(bento.rglob("test_*.py"))

    port = free_port()
    with (tmp_path / "log").open("wb") as log:
        command = [*bentoml, "serve", tag, "--host", "127.0.0.1", "--port", str(port)]
        server = subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=log, stderr=log)

    def ready() -> bool:
        assert server.poll() is None, (tmp_path / "log").read_text()
        try:
            return httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=2).status_code == 200
        except httpx.TransportError:
            return False

    try:
        until(ready, seconds=60)
        answer = httpx.post(f"http://127.0.0.1:{port}/v1/score", json=ad(), timeout=10)
        assert (answer.status_code, answer.json()["ad_id"]) == (200, "ad-1001")
        assert answer.json()["bundle_version"]
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(30)
