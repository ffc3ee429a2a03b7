"""What holds for all tests: the environment, golden files, and that nothing of ours is loaded under a bare name."""

from __future__ import annotations

import gc
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer.main
import typer.testing
from hypothesis import is_hypothesis_test

from tests.golden import Golden

os.environ |= {"MLFLOW_DISABLE_TELEMETRY": "true", "BENTOML_DO_NOT_TRACK": "true", "HF_HUB_OFFLINE": "1"}
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # on a busy machine, threads that wait leave the cores to others
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # a worker has one core

MEMORY, ENOUGH = Path("/dev/shm"), 4 << 30
if "TMPDIR" not in os.environ and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ENOUGH:
    os.environ["TMPDIR"] = tempfile.tempdir = str(MEMORY)  # ledgers wait for a disk at each commit, and none is needed here

# Else each call of a command builds all sixty anew, for a tenth of a second.
typer.testing._get_command = cache(typer.main.get_command)  # type: ignore[attr-defined]

ROOT = Path(__file__).parent.parent
OURS = ("features", "models", "policies", "serving", "training")
"""Folders at the top of the repository: imported as ``adverdict.features``, never by this name."""
REGISTRY = os.environ.get("MLFLOW_TRACKING_URI")
"""That the tests were started with."""
SERVERS = {
    "postgres": ("tests/ledger/", "tests/review/test_races.py", "tests/review/test_claims", "tests/scoring/test_steering.py"),
    "s3": ("tests/storage/",),
}
"""Where a server runs the tests by default: where its locks, types, plans and answers decide, not only what was given it to keep."""
BARE = pytest.StashKey[set[str]]()
"""Names that were, here or in a worker of pytest-xdist."""

pytest_plugins = [
    "tests.effort",
    "tests.bundles",
    "tests.databases",
    "tests.example_plugins",
    "tests.package_index",
    "tests.scoring.policies",
    "tests.storage.places",
]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="rewrite the golden files instead of comparing with them")


def pytest_configure(config: pytest.Config) -> None:
    """Processes that tests start must find ``tests`` without finding the repository's other folders beside it; and nobody's own ledger,
    which ``make run`` leaves in ``var``, is read."""
    gc.disable()  # while everything is imported
    config.stash[BARE] = set()
    folder = Path(tempfile.mkdtemp(prefix="adverdict-tests-"))
    (folder / "tests").symlink_to(ROOT / "tests")
    sys.path.append(str(folder))
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (os.environ.get("PYTHONPATH"), str(folder))))
    os.environ["ADVERDICT_HOME"] = str(folder / "home")
    config.add_cleanup(lambda: shutil.rmtree(folder))


@pytest.hookimpl(tryfirst=True)  # before -m chooses
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """By default properties draw a part of their examples, and servers keep to tests of their own; ``make test-slow`` runs the rest."""
    for item in items:
        drawn = [one for one in item.callspec.params.values() if isinstance(one, str)] if hasattr(item, "callspec") else []
        if any(server in drawn and not item.nodeid.startswith(where) for server, where in SERVERS.items()):
            item.add_marker(pytest.mark.slow)
        if is_hypothesis_test(getattr(item, "obj", None)) or hasattr(getattr(item, "cls", None), "settings"):
            item.add_marker(pytest.mark.sampled)


def pytest_collection_finish() -> None:
    """What was imported stays to the end: the collector would walk through a million of its objects again and again."""
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)
    gc.enable()


def bare_names() -> set[str]:
    """Rooms of ours that were imported by a bare name, which in a user's project is a folder of the user's."""
    return {name for name in OURS if Path(getattr(sys.modules.get(name), "__file__", None) or "") == ROOT / name / "__init__.py"}


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    node.config.stash[BARE].update(getattr(node, "workeroutput", {}).get("bare", ()))


def pytest_sessionfinish(session: pytest.Session) -> None:
    bare = session.config.stash[BARE] = session.config.stash[BARE] | bare_names()
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["bare"] = sorted(bare)
    elif bare:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if bare := config.stash[BARE]:
        terminalreporter.write_line(f"FAILED: imported by a bare name, not as adverdict.…: {', '.join(sorted(bare))}", red=True)


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    return Golden(Path(request.path).parent / "golden", update=bool(request.config.getoption("--update-golden")))


@pytest.fixture(autouse=True)
def mlflow_as_it_was() -> Iterator[None]:
    """MLflow keeps an address it is given, and writes it into the environment, where the next test would take it for the user's."""
    before = os.environ.get("MLFLOW_TRACKING_URI")
    yield
    _point_mlflow_to(before)


@pytest.fixture(autouse=True, scope="module")
def mlflow_as_it_began() -> Iterator[None]:
    """The same of what a module's and a session's fixtures train, which the tests that follow would hand to their processes."""
    _point_mlflow_to(REGISTRY)
    yield
    _point_mlflow_to(REGISTRY)


def _point_mlflow_to(address: str | None) -> None:
    if "mlflow.tracking" in sys.modules:
        import mlflow

        mlflow.set_tracking_uri(None)  # type: ignore[arg-type]
    os.environ.pop("MLFLOW_TRACKING_URI", None) if address is None else os.environ.update(MLFLOW_TRACKING_URI=address)


@pytest.fixture(scope="session")
def mlflow_schema() -> None:
    """MLflow executes its fifty migrations' files for every store that is opened, to learn the last one's name; once is enough here."""
    from mlflow.store.db import utils

    utils._get_latest_schema_revision = cache(utils._get_latest_schema_revision)


@pytest.fixture(scope="session")
def old(tmp_path_factory: pytest.TempPathFactory, mlflow_schema: None) -> Path:
    """What version 0.1 wrote, unpacked; read only."""
    from tests.old import unpack

    return unpack(tmp_path_factory.mktemp("old"))


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the source distribution, and the wheel that is built from it."""
    from tests.distributions import build

    return build(tmp_path_factory.mktemp("distributions"))


@pytest.fixture(scope="session")
def wheel(built: Path) -> Path:
    return next(built.glob("*.whl"))
