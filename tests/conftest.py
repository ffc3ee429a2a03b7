"""What holds for all tests: the environment, golden files, and that nothing of ours is loaded under a bare name."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.golden import Golden

os.environ |= {"MLFLOW_DISABLE_TELEMETRY": "true", "BENTOML_DO_NOT_TRACK": "true", "HF_HUB_OFFLINE": "1"}

ROOT = Path(__file__).parent.parent
OURS = ("features", "models", "policies", "serving", "training")
"""Folders at the top of the repository: imported as ``adverdict.features``, never by this name."""

pytest_plugins = ["tests.bundles", "tests.databases", "tests.scoring.policies", "tests.storage.places"]

settings.register_profile("default", deadline=None)  # how long an example takes is the machine's affair
settings.load_profile("default")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="rewrite the golden files instead of comparing with them")


def pytest_configure(config: pytest.Config) -> None:
    """Processes that tests start must find ``tests`` without finding the repository's other folders beside it."""
    folder = Path(tempfile.mkdtemp(prefix="adverdict-tests-"))
    (folder / "tests").symlink_to(ROOT / "tests")
    sys.path.append(str(folder))
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (os.environ.get("PYTHONPATH"), str(folder))))
    config.add_cleanup(lambda: shutil.rmtree(folder))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Nothing of ours was imported by a bare name, which in a user's project is a folder of the user's."""
    bare = [name for name in OURS if ROOT / name / "__init__.py" == Path(getattr(sys.modules.get(name), "__file__", None) or "")]
    if bare:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
        raise pytest.UsageError(f"imported by a bare name, not as adverdict.…: {', '.join(bare)}")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    return Golden(Path(request.path).parent / "golden", update=bool(request.config.getoption("--update-golden")))


@pytest.fixture(autouse=True)
def mlflow_as_it_was() -> Iterator[None]:
    """MLflow keeps an address it is given, and writes it into the environment, where the next test would take it for the user's."""
    before = os.environ.get("MLFLOW_TRACKING_URI")
    yield
    if "mlflow.tracking" in sys.modules:
        import mlflow

        mlflow.set_tracking_uri(None)  # type: ignore[arg-type]
    os.environ.pop("MLFLOW_TRACKING_URI", None) if before is None else os.environ.update(MLFLOW_TRACKING_URI=before)
