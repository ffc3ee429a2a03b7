"""Where runs are kept and how patiently; nothing here imports MLflow, whose settings must come before it."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from adverdict.domain.errors import InvalidSettings, Mistake
from adverdict.domain.settings import Settings, without_password
from adverdict.domain.values import TRACKING_URI

IMPATIENT = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0", "MLFLOW_HTTP_REQUEST_TIMEOUT": "5"}

QUIET = {"MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true"}
"""Else it prints two addresses whenever a run ends, amid the progress; the command tells the one that counts, at the end."""


@dataclass(frozen=True)
class Store:
    """Where runs are kept. ``artifacts`` is where a store without a server of its own keeps files; ``None``: the server decides."""

    uri: str
    artifacts: str | None

    @classmethod
    def of(cls, settings: Settings) -> Store:
        """The store the settings name, or an SQLite file under their home."""
        uri = settings.registry_uri
        return cls(uri, None if _is_server(uri) else (settings.home / "artifacts").as_uri())

    def page(self, experiment: str, run: str) -> str | None:
        """Where a run is looked at; None where no server shows it."""
        return f"{without_password(self.uri.rstrip('/'))}/#/experiments/{experiment}/runs/{run}" if _is_server(self.uri) else None


def _is_server(uri: str) -> bool:
    return urlsplit(uri).scheme in ("http", "https")


def check_file(uri: str) -> None:
    """An SQLite file that cannot be opened: MLflow would try ten times over a minute, then speak of the database."""
    path = Path(uri.removeprefix("sqlite:///")) if uri.startswith("sqlite:///") else None
    if path is None:
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab"):
            pass
        with path.open("rb") as file:
            start = file.read(16)
    except OSError as error:
        raise InvalidSettings(
            "runs cannot be kept", [Mistake(TRACKING_URI, uri, f"a file that can be written ({error.strerror})")]
        ) from error
    if start not in (b"", b"SQLite format 3\0"):
        raise InvalidSettings("runs cannot be kept", [Mistake(TRACKING_URI, uri, "an SQLite database")])


@contextmanager
def temporarily(values: Mapping[str, str]) -> Iterator[None]:
    """Environment variables for a while."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


@contextmanager
def only_errors(logger: str) -> Iterator[None]:
    """Warnings of one logger kept quiet for a while."""
    level = logging.getLogger(logger).level
    logging.getLogger(logger).setLevel(logging.ERROR)
    try:
        yield
    finally:
        logging.getLogger(logger).setLevel(level)


@contextmanager
def without_mlflows_own_warnings() -> Iterator[None]:
    """MLflow's warnings about itself kept quiet for a while; each is named, so that others are still heard."""
    with warnings.catch_warnings():
        # Its tables use a loader that SQLAlchemy 2.1 deprecates: said once, when they are first looked at.
        warnings.filterwarnings("ignore", message="The ``noload`` loader strategy", category=DeprecationWarning)
        # It looks at type hints of its own agent classes: said once, when mlflow.pyfunc is imported.
        warnings.filterwarnings("ignore", message=".*Any type hint is inferred as AnyType", category=UserWarning)
        yield
