"""MLflow as this process reaches it: where, whether it answers, and what it answers when it does not."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from adverdict.domain.errors import InvalidSettings, Mistake, NotFound, Unavailable
from adverdict.domain.settings import Settings
from adverdict.domain.values import TRACKING_URI
from adverdict.models.registry import use_registry
from adverdict.training.tracking.store import IMPATIENT, Store, check_file, temporarily, without_mlflows_own_warnings

if TYPE_CHECKING:
    from mlflow import MlflowClient


def configure(settings: Settings) -> Store:
    """Point MLflow at the store the settings name. Creates nothing; see ``ping``."""
    use_registry(settings)
    import mlflow

    # A line for each of some fifty migrations at first use, and one about waiting for a version that is there at once.
    for noisy in ("mlflow.store.db.utils", "alembic", "mlflow.store.model_registry.abstract_store"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    store = Store.of(settings)
    mlflow.set_tracking_uri(store.uri)
    return store


def ping(store: Store) -> None:
    """Make sure, before any training, that runs can be kept and versions registered; creates an SQLite store at first use (seconds).

    Raises Unavailable within seconds when a server does not answer, InvalidSettings when the address can never work.
    """
    check_file(store.uri)
    with temporarily(IMPATIENT), answers(store.uri), without_mlflows_own_warnings():
        client = client_now()
        client.search_experiments(max_results=1)
        client.search_registered_models(max_results=1)


def client_now() -> MlflowClient:
    """Of the store that was configured."""
    from mlflow import MlflowClient

    return MlflowClient()


@contextmanager
def answers(uri: str) -> Iterator[None]:
    """MLflow's errors as ours, but for those it makes of a mistake in our own code, which no retry mends."""
    from mlflow.exceptions import MlflowException
    from requests.exceptions import RequestException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except MlflowException as error:
        if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "NOT_FOUND"):
            raise NotFound(f"MLflow at {uri} has no such thing: {error.message}") from error
        if error.error_code == "INVALID_PARAMETER_VALUE":
            raise InvalidSettings(
                f"MLflow refuses: {error.message}", [Mistake(TRACKING_URI, uri, "a store and a value MLflow takes")]
            ) from error
        if "database schema" in str(error.message):
            told = re.search(r"found version (\w+), but expected (\w+)", str(error.message))
            versions = f" ({told[1]}; this MLflow makes {told[2]})" if told else ""
            raise Unavailable(
                f"the tables of MLflow at {uri} are of another version{versions}: install the MLflow that made them if they are newer; "
                "if they are older, back them up and run 'mlflow db upgrade'"
            ) from error
        if error.__cause__ is not None and not isinstance(error.__cause__, MlflowException | RequestException | SQLAlchemyError | OSError):
            raise
        raise Unavailable(f"MLflow at {uri} does not answer: {error.message}") from error
    except RequestException as error:
        raise Unavailable(f"MLflow at {uri} does not answer: {error}") from error
