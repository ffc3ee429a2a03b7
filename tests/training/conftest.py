from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from adverdict.domain.settings import Settings
from adverdict.domain.values import TRACKING_URI
from adverdict.models.registry import MLFLOW_DEFAULTS
from adverdict.training.tracking.store import Store

KEPT = (*MLFLOW_DEFAULTS, TRACKING_URI)


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory, mlflow_schema: None) -> Iterator[Path]:
    """An SQLite store with its tables: making them takes seconds, copying them nothing."""
    from adverdict.training.tracking.server import configure, ping

    home = tmp_path_factory.mktemp("mlflow")
    with environment():
        ping(configure(Settings(home=home)))
        yield home / "mlflow.db"


@pytest.fixture
def store(migrated: Path, tmp_path: Path) -> Iterator[Store]:
    """A store of the test's own; MLflow points elsewhere again afterwards."""
    import mlflow

    from adverdict.training.tracking.server import configure

    shutil.copy(migrated, tmp_path / "mlflow.db")
    with environment():
        yield configure(Settings(home=tmp_path))
        while mlflow.active_run():
            mlflow.end_run("FAILED")


class environment:
    """The variables MLflow reads as they were, afterwards, and unset meanwhile."""

    def __enter__(self) -> None:
        self.before = {name: os.environ.pop(name) for name in KEPT if name in os.environ}

    def __exit__(self, *_: object) -> None:
        import mlflow

        mlflow.set_tracking_uri(None)  # type: ignore[arg-type]  # None, documented nowhere but in its code, forgets the address
        for name in KEPT:
            os.environ.pop(name, None)
        os.environ.update(self.before)
