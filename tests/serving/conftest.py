from __future__ import annotations

import shutil
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from adverdict.serving.assembly import assemble
from tests.scoring.fakes import FakeModel, FakeRegistry, open_fake

HERE = ("127.0.0.1", 50000)

Serve = Callable[..., AbstractContextManager[TestClient]]


@pytest.fixture(scope="session")
def service() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # BentoML's own dependencies deprecate what it uses
        from adverdict.serving.service import Adverdict

    return Adverdict


@pytest.fixture(scope="session")
def app(service: Any) -> Any:
    """The whole of it, as a worker runs it."""
    return service.to_asgi()


@pytest.fixture
def registry() -> FakeRegistry:
    return FakeRegistry()


@contextmanager
def served(
    service: Any,
    app: Any,
    registry: FakeRegistry,
    environment: dict[str, str],
    *,
    client: tuple[str, int] = HERE,
    wait: bool = True,
    host: str = "127.0.0.1:8377",
    open_model: Callable[[Path], FakeModel] = open_fake,
) -> Iterator[TestClient]:
    """The service in this process with a fake registry and model, and a client of it that seems to call from ``client``."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(service.inner, "assemble", staticmethod(lambda _: assemble(environment, registry, open_model)))
        patch.setenv("MLFLOW_TRACKING_URI", "unused")  # so that what the service sets is undone
        with TestClient(app, base_url=f"http://{host}", client=client, raise_server_exceptions=False) as caller:
            if wait:
                until(lambda: caller.get("/readyz").json()["status"] != "starting")
            yield caller


def another(caller: TestClient, *, client: tuple[str, int] = HERE, host: str = "127.0.0.1:8377") -> TestClient:
    """A client of the same running service, who seems to call from elsewhere."""
    other = TestClient(caller.app, base_url=f"http://{host}", client=client, raise_server_exceptions=False)
    other.portal = caller.portal  # of the loop that the service runs in
    return other


def usual(home: Path, policy_folder: Path) -> dict[str, str]:
    """Nobody minds the collector's pauses here, and tuning it walks through all that the tests of a process have loaded."""
    return {
        "ADVERDICT_HOME": str(home),
        "ADVERDICT_POLICIES": str(policy_folder),
        "ADVERDICT_POLL_SECONDS": "0.02",
        "ADVERDICT_TUNE_COLLECTOR": "false",
    }


@pytest.fixture
def serve(service: Any, app: Any, policy_folder: Path, registry: FakeRegistry, empty_ledger: Path, tmp_path: Path) -> Serve:
    """``with serve(ADVERDICT_API_KEYS=…, client=…) as client``: a service of the test's own."""
    ledger = tmp_path / "ledger.db"

    def start(*, client: tuple[str, int] = HERE, wait: bool = True, host: str = "127.0.0.1:8377", **environment: str) -> Any:
        if "ADVERDICT_DATABASE_URL" not in environment and not ledger.exists():
            shutil.copy(empty_ledger, ledger)
        return served(service, app, registry, {**usual(tmp_path, policy_folder), **environment}, client=client, wait=wait, host=host)

    return start


@pytest.fixture(scope="module")
def client(service: Any, app: Any, policy_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A client of one service for the whole file, for tests that change nothing in it."""
    with served(service, app, FakeRegistry(), usual(tmp_path_factory.mktemp("home"), policy_folder)) as caller:
        yield caller


def until(holds: Callable[[], bool], seconds: float = 10.0) -> None:
    """Wait for something that another thread brings about."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.005)
