"""Deployment files are what Kubernetes and Compose take, by their own schemas. The programs that hold them come from the package index."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.package_index import run_with

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
MANIFESTS = sorted((DEPLOY / "kubernetes").glob("*.yaml"))
COMPOSE = DEPLOY / "compose.yaml"
KUBERNETES, COMPOSE_SPEC = "kubernetes-validate==1.37.0", "compose-spec==0.2.1"
VERSIONS = ("1.29", "1.32", "1.37")
"""Of Kubernetes: some that clusters run."""
READ = "import sys; from compose_spec import PyCompose; PyCompose.from_yaml(sys.stdin.read()).validate()"


@pytest.mark.parametrize("version", VERSIONS)
def test_manifests_are_what_kubernetes_takes_and_hold_nothing_it_would_ignore(version: str, package_index: None) -> None:
    done = run_with(KUBERNETES, ["kubernetes-validate", "--strict", "-k", version, *map(str, MANIFESTS)])
    assert done.returncode == 0, done.stdout + done.stderr
    kinds = sum(path.read_text().count("\nkind: ") for path in MANIFESTS)
    assert (done.stdout + done.stderr).count(" passed for resource ") == kinds >= 8


def test_a_manifest_with_a_misspelt_field_would_be_refused(tmp_path: Path, package_index: None) -> None:
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text((DEPLOY / "kubernetes" / "adverdict.yaml").read_text().replace("readinessProbe:", "readynessProbe:"))
    done = run_with(KUBERNETES, ["kubernetes-validate", "--strict", "-k", VERSIONS[-1], str(wrong)])
    assert done.returncode != 0
    assert "readynessProbe" in done.stdout + done.stderr


def test_the_composition_is_what_the_compose_specification_takes_and_a_misspelt_key_is_not(package_index: None) -> None:
    written = COMPOSE.read_text()
    done = run_with(COMPOSE_SPEC, ["python", "-c", READ], written)
    assert done.returncode == 0, done.stderr
    refused = run_with(COMPOSE_SPEC, ["python", "-c", READ], written.replace("healthcheck:", "healtcheck:"))
    assert refused.returncode != 0
    assert "healtcheck" in refused.stderr


def test_compose_itself_reads_the_composition_and_names_a_secret_that_is_missing(tmp_path: Path) -> None:
    docker = shutil.which("docker")
    if docker is None or subprocess.run([docker, "compose", "version"], capture_output=True, check=False).returncode:
        pytest.skip("there is no 'docker compose' here")
    names = {*re.findall(r"\$\{([A-Z_]+)", COMPOSE.read_text()), "ADVERDICT_METRICS_KEY"}
    given = tmp_path / "given"
    given.write_text("".join(f"{name}=x\n" for name in sorted(names)))
    command = [docker, "compose", "-f", str(COMPOSE), "--env-file", str(given), "config", "--quiet"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    given.write_text("".join(f"{name}=x\n" for name in sorted(names - {"POSTGRES_PASSWORD"})))
    missing = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert missing.returncode != 0
    assert "POSTGRES_PASSWORD" in missing.stderr
