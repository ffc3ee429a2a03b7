"""Fixtures for all tests: golden files, a small simulated marketplace, and a real bundle trained on it."""

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
ADS = 3000

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


@pytest.fixture(scope="session")
def marketplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pack of 3,000 simulated ads."""
    from adverdict.simulation import write_marketplace

    folder = tmp_path_factory.mktemp("marketplace") / "pack"
    write_marketplace(folder, ADS, seed=11)
    return folder


@pytest.fixture(scope="session")
def encoder_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny Hugging Face encoder."""
    from tests.tiny import tiny_encoder

    return tiny_encoder(tmp_path_factory.mktemp("encoder"))


@pytest.fixture(scope="session")
def tiny_bundle(tmp_path_factory: pytest.TempPathFactory, marketplace: Path, encoder_folder: Path) -> Path:
    """A bundle with all four models, trained for real on the small marketplace. Read only: copy it before changing anything."""
    from adverdict.domain.progress import Silent
    from adverdict.training.encoder.tune import EncoderSettings
    from adverdict.training.fit.everything import FitSettings
    from adverdict.training.fit.gbm import GbmSettings
    from adverdict.training.train import TrainJob, train

    home = tmp_path_factory.mktemp("home")
    encoder = EncoderSettings(str(encoder_folder), epochs=1, layers=1, max_tokens=32)
    settings = FitSettings(encoder=encoder, gbm=GbmSettings(num_boost_round=20, learning_rate=0.1), n_folds=2)
    train(TrainJob(data=[marketplace], home=home, settings=settings, out=home / "bundle", register=False), Silent())
    return home / "bundle"


@pytest.fixture(scope="session")
def old(tmp_path_factory: pytest.TempPathFactory) -> Path:
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
