"""The bento: what it installs, and that it is built and served without the repository."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.scoring.ads import ad
from tests.serving.conftest import until
from tests.serving.test_run import ROOT, free_port


def bentofile() -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((ROOT / "bentofile.yaml").read_text())
    return content


def test_it_installs_the_wheel_of_this_version() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert bentofile()["python"]["wheels"] == [f"dist/adverdict-{version}-py3-none-any.whl"]


def test_what_it_installs_is_locked_with_the_drivers_of_a_ledger_and_of_buckets() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    locked = {}
    for line in (ROOT / bentofile()["python"]["requirements_txt"]).read_text().splitlines():
        name, _, version = line.partition(" ;")[0].partition("==")
        locked[canonicalize_name(name.partition("[")[0])] = version.strip()
    for text in (*project["dependencies"], *extras["postgres"], *extras["s3"], *extras["otel"]):
        needed = Requirement(text)
        assert needed.specifier.contains(locked[canonicalize_name(needed.name)]), f"{text} is not in deploy/requirements.txt: make lock"
    assert "psycopg-binary" in locked
    assert "torch" not in locked, "nobody trains in it"


def test_it_asks_for_nothing_besides_and_carries_no_source() -> None:
    assert set(bentofile()["python"]) == {"lock_packages", "requirements_txt", "wheels"}
    assert bentofile()["include"] == ["LICENSE"]


@pytest.mark.slow
def test_the_built_one_serves_a_bundle_from_its_wheel_without_the_repository(old: Path, wheel: Path, tmp_path: Path) -> None:
    source = tmp_path / "source"
    (source / "dist").mkdir(parents=True)
    (source / "deploy").mkdir()
    shutil.copy(ROOT / "deploy" / "requirements.txt", source / "deploy")
    for file in (ROOT / "bentofile.yaml", ROOT / "LICENSE"):
        shutil.copy(file, source)
    shutil.copy(wheel, source / "dist")
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith(("ADVERDICT_", "MLFLOW_"))},
        "BENTOML_HOME": str(tmp_path / "bentoml"),
        "BENTOML_DO_NOT_TRACK": "true",
        "ADVERDICT_HOME": str(tmp_path / "var"),
        "ADVERDICT_MODEL": str(old / "bundle"),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    bento = built(source, environment)
    assert "/v1/score" in yaml.safe_load((bento / "apis" / "openapi.yaml").read_text())["paths"]
    assert [file.name for file in (bento / "src").rglob("*.py")] == []

    # What the bento installs, before the checkout that this environment has installed.
    [packed] = (bento / "env" / "python" / "wheels").glob("*.whl")
    with zipfile.ZipFile(packed) as archive:
        archive.extractall(tmp_path / "installed")
    environment["PYTHONPATH"] = str(tmp_path / "installed")
    where = [sys.executable, "-c", "import adverdict.serving.service as service; print(service.__file__)"]
    imported = subprocess.run(where, cwd=bento / "src", env=environment, capture_output=True, text=True, check=True).stdout
    assert imported.strip() == str(tmp_path / "installed" / "adverdict" / "serving" / "service.py")

    port = free_port()
    with (tmp_path / "log").open("wb") as log:
        command = [sys.executable, "-m", "bentoml", "serve", str(bento), "--host", "127.0.0.1", "--port", str(port)]
        server = subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=log, stderr=log)

    def ready() -> bool:
        assert server.poll() is None, (tmp_path / "log").read_text()
        try:
            return httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=2).status_code == 200
        except httpx.TransportError:
            return False

    try:
        until(ready, seconds=120)
        answer = httpx.post(f"http://127.0.0.1:{port}/v1/score", json=ad(), timeout=10)
        assert (answer.status_code, answer.json()["ad_id"]) == (200, "ad-1001")
        assert answer.json()["bundle_version"] == "de6e5c5fdbbaa902"
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(30)


def built(source: Path, environment: dict[str, str]) -> Path:
    """The folder of the bento that ``bentoml build`` makes of a folder."""
    if shutil.which("uv", path=environment["PATH"]) is None:
        pytest.skip("bentoml build installs uv when it is missing; this test does not install anything")
    command = [sys.executable, "-m", "bentoml", "build", str(source), "-o", "tag"]
    done = subprocess.run(command, cwd=source, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    tag = done.stdout.split("__tag__:")[-1].strip()
    return Path(environment["BENTOML_HOME"], "bentos", tag.replace(":", "/"))
