"""Deployment files say what the service understands. There is no cluster and no container engine here: what is checked is their form, that
every variable, address, file and secret they name exists, and that their times fit together."""

from __future__ import annotations

import configparser
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy.pool import QueuePool

from adverdict.domain.keys import parse_keys
from adverdict.domain.settings import Settings, known_keys, read_settings
from adverdict.ledger.database import engine
from adverdict.serving.http.app import ENDPOINTS

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
MANIFESTS: list[dict[str, Any]] = list(yaml.safe_load_all((DEPLOY / "kubernetes" / "adverdict.yaml").read_text()))
PROMETHEUS: list[dict[str, Any]] = list(yaml.safe_load_all((DEPLOY / "kubernetes" / "prometheus.yaml").read_text()))
SCRAPING: dict[str, Any] = yaml.safe_load((DEPLOY / "monitoring" / "prometheus-kubernetes.yaml").read_text())
OURS = re.compile(r"\b(ADVERDICT_[A-Z_]+)\b")
BESIDES = {"ADVERDICT_METRICS_KEY"}
"""A key that Prometheus presents; the service knows its digest only."""


def manifest(kind: str, among: list[dict[str, Any]] = MANIFESTS) -> dict[str, Any]:
    return next(one for one in among if one["kind"] == kind)


def container() -> dict[str, Any]:
    found: dict[str, Any] = manifest("Deployment")["spec"]["template"]["spec"]["containers"][0]
    return found


@pytest.mark.parametrize(
    "file", ["Dockerfile", "deploy/compose.yaml", "deploy/kubernetes/adverdict.yaml", "deploy/systemd/adverdict.service", "deploy/secrets"]
)
def test_every_variable_of_ours_is_a_setting(file: str) -> None:
    named = set(OURS.findall("\n".join(line for line in (ROOT / file).read_text().splitlines() if not line.lstrip().startswith("#"))))
    assert named - BESIDES <= set(known_keys())
    assert named, "a file that sets nothing need not be tested"


def test_a_pod_starts_beside_a_service_of_our_name_even_where_its_variables_are_injected() -> None:
    injected = {
        "ADVERDICT_SERVICE_HOST": "10.0.0.7",
        "ADVERDICT_SERVICE_PORT": "80",
        "ADVERDICT_SERVICE_PORT_HTTP": "80",
        "ADVERDICT_PORT": "tcp://10.0.0.7:80",
        "ADVERDICT_PORT_80_TCP": "tcp://10.0.0.7:80",
        "ADVERDICT_PORT_80_TCP_PROTO": "tcp",
        "ADVERDICT_PORT_80_TCP_PORT": "80",
        "ADVERDICT_PORT_80_TCP_ADDR": "10.0.0.7",
        "ADVERDICT_MLFLOW_SERVICE_HOST": "10.0.0.8",
        "ADVERDICT_MLFLOW_PORT": "tcp://10.0.0.8:5000",
        "ADVERDICT_MLFLOW_PORT_5000_TCP": "tcp://10.0.0.8:5000",
    }
    assert read_settings(injected).port == Settings().port
    assert manifest("Deployment")["spec"]["template"]["spec"]["enableServiceLinks"] is False


def test_probes_ask_addresses_that_exist_and_need_no_key() -> None:
    open_to_all = {endpoint.path for endpoint in ENDPOINTS if endpoint.access == "probe"}
    asked = {container()[f"{kind}Probe"]["httpGet"]["path"] for kind in ("startup", "readiness", "liveness")}
    assert asked == {"/readyz", "/livez"}
    assert asked <= open_to_all


def test_a_pod_drains_longer_than_its_probe_takes_to_notice_and_is_given_the_time() -> None:
    environment = {one["name"]: one["value"] for one in container()["env"]}
    drain = read_settings({name: value for name, value in environment.items() if name.startswith("ADVERDICT_DRAIN")}).drain_seconds
    probe = container()["readinessProbe"]
    noticed = probe["failureThreshold"] * probe["periodSeconds"] + probe["timeoutSeconds"]
    assert noticed * 2 <= drain
    assert drain + 30 <= manifest("Deployment")["spec"]["template"]["spec"]["terminationGracePeriodSeconds"]
    assert manifest("Deployment")["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0


def test_the_manifests_name_each_other() -> None:
    labels = manifest("Deployment")["spec"]["template"]["metadata"]["labels"]
    assert manifest("Deployment")["spec"]["selector"]["matchLabels"] == labels
    assert manifest("Service")["spec"]["selector"] == labels
    assert manifest("PodDisruptionBudget")["spec"]["selector"]["matchLabels"] == labels
    assert manifest("Service")["spec"]["ports"][0]["targetPort"] == container()["ports"][0]["name"]
    assert container()["ports"][0]["containerPort"] == Settings().port
    volumes = {one["name"] for one in manifest("Deployment")["spec"]["template"]["spec"]["volumes"]}
    assert {one["name"] for one in container()["volumeMounts"]} == volumes
    assert {one["apiVersion"] for one in MANIFESTS} == {"apps/v1", "v1", "policy/v1"}


def test_pods_are_scraped_by_their_annotation_with_a_key_that_is_mounted_from_a_secret() -> None:
    template = manifest("Deployment")["spec"]["template"]["metadata"]
    [job] = SCRAPING["scrape_configs"]
    [kept, path, _] = job["relabel_configs"]
    pod = {f"__meta_kubernetes_pod_label_{name}": value for name, value in template["labels"].items()}
    pod |= {f"__meta_kubernetes_pod_annotation_{name}": value for name, value in template["annotations"].items()}
    pod |= {"__meta_kubernetes_pod_container_port_name": container()["ports"][0]["name"]}
    told = {re.sub(r"\W", "_", name): value for name, value in pod.items()}  # as Prometheus names labels
    assert re.fullmatch(kept["regex"], ";".join(told[name] for name in kept["source_labels"]))
    asked = told[path["source_labels"][0]]
    assert {endpoint.access for endpoint in ENDPOINTS if endpoint.path == asked} == {"metrics"}

    pod_of_prometheus = manifest("Deployment", PROMETHEUS)["spec"]["template"]["spec"]
    mounted = {one["name"]: one["mountPath"] for one in pod_of_prometheus["containers"][0]["volumeMounts"]}
    volumes = {one["name"]: one for one in pod_of_prometheus["volumes"]}
    assert mounted.keys() == volumes.keys()
    assert Path(job["authorization"]["credentials_file"]).parent == Path(mounted["key"])
    assert [Path(one).parent for one in SCRAPING["rule_files"]] == [Path(mounted["config"])]
    assert f"--config.file={mounted['config']}/prometheus.yaml" in pod_of_prometheus["containers"][0]["args"]
    says = (ROOT / "docs" / "operations.md").read_text()
    assert f"secret generic {volumes['key']['secret']['secretName']} --from-file=key=" in says
    assert f"configmap {volumes['config']['configMap']['name']}" in says
    assert pod_of_prometheus["serviceAccountName"] == manifest("RoleBinding", PROMETHEUS)["subjects"][0]["name"]


def test_pods_in_a_rolling_restart_hold_fewer_connections_than_a_database_gives_by_default() -> None:
    pool = engine("postgresql://nobody@database/adverdict").pool
    assert isinstance(pool, QueuePool)
    a_worker = pool.size() + pool._max_overflow
    assert f"at most {a_worker} a worker" in (ROOT / "docs" / "operations.md").read_text()
    workers = int(next(one["value"] for one in container()["env"] if one["name"] == "ADVERDICT_WORKERS"))
    deployment = manifest("Deployment")["spec"]
    pods = deployment["replicas"] + deployment["strategy"]["rollingUpdate"]["maxSurge"]
    assert pods * workers * a_worker < 100


def test_a_pod_runs_as_nobody_in_particular() -> None:
    pod, inside = manifest("Deployment")["spec"]["template"]["spec"]["securityContext"], container()["securityContext"]
    assert pod["runAsNonRoot"]
    assert inside["readOnlyRootFilesystem"]
    assert not inside["allowPrivilegeEscalation"]
    assert f"USER {pod['runAsUser']}" in (ROOT / "Dockerfile").read_text()


def test_no_service_of_the_composition_is_open_beyond_this_machine() -> None:
    ports = [port for service in COMPOSE["services"].values() for port in service.get("ports", [])]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_what_the_composition_mounts_and_waits_for_is_there() -> None:
    services = COMPOSE["services"]
    for name, service in services.items():
        for mount in service.get("volumes", []):
            source = mount.split(":")[0]
            assert (DEPLOY / source).is_file() if source.startswith(".") else source in COMPOSE["volumes"], f"{name}: {mount}"
        assert set(service.get("depends_on", {})) <= set(services)
        assert set(service.get("secrets", [])) <= set(COMPOSE.get("secrets", {}))


def test_the_script_makes_every_secret_the_composition_needs_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    script = shutil.copy(DEPLOY / "secrets", tmp_path / "secrets")
    command = tmp_path / "bin" / "adverdict"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m adverdict.cli.main "$@"\n')
    command.chmod(0o755)
    environment = {**os.environ, "PATH": f"{command.parent}:{os.environ['PATH']}"}
    first = subprocess.run([script], env=environment, capture_output=True, text=True, check=False)
    assert first.returncode == 0, first.stderr
    made = dict(line.split("=", 1) for line in (tmp_path / ".env").read_text().splitlines())
    asked = set(re.findall(r"\$\{([A-Z_]+)", (DEPLOY / "compose.yaml").read_text()))
    asked |= {one["environment"] for one in COMPOSE["secrets"].values()}
    assert asked == made.keys()
    assert (tmp_path / ".env").stat().st_mode & 0o077 == 0
    wrong: list[Any] = []
    keys = parse_keys(made["ADVERDICT_API_KEYS"].split(","), "ADVERDICT_API_KEYS", wrong)
    assert (wrong, {key.name: set(key.scopes) for key in keys}) == (
        [],
        {"platform": {"score"}, "reviewer": {"review"}, "prometheus": {"metrics"}},
    )
    assert len({*made.values()}) == len(made)
    again = subprocess.run([script], env=environment, capture_output=True, text=True, check=False)
    assert again.returncode == 1
    assert dict(line.split("=", 1) for line in (tmp_path / ".env").read_text().splitlines()) == made


def test_the_unit_is_one_and_gives_the_time_to_leave() -> None:
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(DEPLOY / "systemd" / "adverdict.service")
    assert set(unit.sections()) == {"Unit", "Service", "Install"}
    assert unit["Service"]["ExecStart"].endswith("/adverdict serve")
    drain = int(re.findall(r"ADVERDICT_DRAIN_SECONDS=(\d+)", unit["Service"]["Environment"])[0])
    assert int(unit["Service"]["TimeoutStopSec"]) >= drain + 30
    assert unit["Service"]["KillMode"] == "mixed", "the first process stops its workers itself"


def test_what_the_image_copies_is_there_and_not_left_out() -> None:
    ignored = (ROOT / ".dockerignore").read_text().split()
    copied = [
        line.split()[1] for line in (ROOT / "Dockerfile").read_text().splitlines() if line.startswith("COPY ") and "--from" not in line
    ]
    assert copied == [".", "deploy/requirements.txt"]
    assert all((ROOT / name).exists() for name in copied)
    assert not {"adverdict", "features", "models", "training", "serving", "policies", "pyproject.toml", "deploy"} & set(ignored)
