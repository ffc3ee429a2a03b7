"""What a training leaves in MLflow: runs, figures, data digests, the report, and, last of all, a registered version.

The one file of ``training`` that knows MLflow. It is imported inside functions: that takes two seconds, and its settings come first.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from importlib.resources import files
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from adverdict.domain.errors import InvalidSettings, Mistake, NotFound, Unavailable
from adverdict.domain.settings import TRACKING_URI, Settings
from adverdict.models.manifest import DataEntry
from adverdict.models.registry import BUNDLE_ARTIFACT, certificates_path, certificates_tag, use_registry
from adverdict.training.evaluation.figures import flat
from adverdict.training.tracking.store import IMPATIENT, Store, check_file, only_errors, temporarily, without_mlflows_own_warnings

if TYPE_CHECKING:
    from mlflow import MlflowClient

NAME = "adverdict"
"""Of the experiment and of the registered model."""

CHAMPION, CHALLENGER, PREVIOUS = "champion", "challenger", "previous"

DIGEST_CHARACTERS = 36
"""Longest digest MLflow takes for a data set; the whole one goes into a tag."""


@dataclass(frozen=True)
class LoggedBundle:
    """A bundle kept with its run, not yet registered."""

    model_id: str
    uri: str


@dataclass(frozen=True)
class Registered:
    """A version of the registered model. ``uri`` is ``models:/NAME/VERSION``."""

    name: str
    version: str
    uri: str
    run_id: str


def configure(settings: Settings) -> Store:
    """Point MLflow at the store the settings name. Creates nothing; see ``ping``."""
    use_registry(settings)
    import mlflow

    for noisy in ("mlflow.store.db.utils", "alembic"):
        logging.getLogger(noisy).setLevel(logging.WARNING)  # a line for each of some fifty migrations at first use
    store = Store.of(settings)
    mlflow.set_tracking_uri(store.uri)
    return store


def ping(store: Store) -> None:
    """Make sure, before any training, that runs can be kept and versions registered; creates an SQLite store at first use (seconds).

    Raises Unavailable within seconds when a server does not answer, InvalidSettings when the address can never work.
    """
    check_file(store.uri)
    with temporarily(IMPATIENT), answers(store.uri), without_mlflows_own_warnings():
        client = _client()
        client.search_experiments(max_results=1)
        client.search_registered_models(max_results=1)


class TrainingRun:
    """One training: a parent run with a child a model. Leaving it by an exception (Ctrl-C as well) leaves nothing registered.

    Use as a context manager, once. Runs end FINISHED, FAILED after an error or KILLED after an interrupt. ``client`` is for tests.
    Every method raises Unavailable when the store stops answering.
    """

    def __init__(
        self, store: Store, params: Mapping[str, Any], *, tags: Mapping[str, str] | None = None, client: MlflowClient | None = None
    ) -> None:
        self._store = store
        self._params = params
        self._tags = dict(tags or {})
        self._client = client or _client()
        self._children: dict[str, str] = {}
        self._before: str | None = None
        self._made_model = False
        self._experiment = ""
        self.run_id = ""

    def __enter__(self) -> Self:
        import mlflow

        with answers(self._store.uri):
            self._experiment = _experiment(self._client, self._store)
            started = mlflow.start_run(experiment_id=self._experiment, run_name="train", tags=self._tags)
            self.run_id = started.info.run_id
        try:
            self.log_params(self._params)
        except BaseException as error:
            self.__exit__(type(error), error, None)
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        import mlflow

        if kind is None or error is None:
            with answers(self._store.uri):
                mlflow.end_run("FINISHED")
            return
        try:
            with temporarily(IMPATIENT):
                self._withdraw()
        except Exception as second:
            error.add_note(f"MLflow could not be tidied after this: {second}")
        finally:
            _end(_status(kind), error)

    @contextmanager
    def model(self, name: str, params: Mapping[str, Any] | None = None) -> Iterator[None]:
        """The child run of one model; fit it inside."""
        import mlflow

        with answers(self._store.uri):
            # Without its experiment a nested run would land in MLflow's default one, away from its parent.
            child = mlflow.start_run(experiment_id=self._experiment, run_name=name, nested=True, tags={"model": name})
            self._children[name] = child.info.run_id
        try:
            self.log_params(params or {}, model=name)
            yield
        except BaseException as error:
            _end(_status(type(error)), error)
            raise
        with answers(self._store.uri):
            mlflow.end_run("FINISHED")

    def log_trial(self, number: int, params: Mapping[str, Any], figures: Mapping[str, float]) -> None:
        """A trial of a search as a child run of its own."""
        name = f"trial {number}"
        with self.model(name, params), answers(self._store.uri):
            self._log(self._children[name], figures)

    def log_params(self, params: Mapping[str, Any], model: str | None = None) -> None:
        """Settings of the training, or of one model; anything but a string is kept as JSON."""
        from mlflow.entities import Param

        kept = [Param(name, value if isinstance(value, str) else json.dumps(value, default=str)) for name, value in params.items()]
        with answers(self._store.uri):
            self._client.log_batch(self._children[model] if model else self.run_id, params=kept)

    def log_metrics(self, model: str, measured: Mapping[str, Any]) -> None:
        """Figures of ``metrics.measure``: all in the model's own run, all but the markets' in the parent; names as in ``figures.flat``."""
        with answers(self._store.uri):
            self._log(self.run_id, flat(measured, model, markets=False))
            if model in self._children:
                self._log(self._children[model], flat(measured, model, markets=True))

    def log_data(self, entry: DataEntry, context: str) -> None:
        """A data set that was used, as ``training`` or ``test``: name, digest and sizes. No row and no text of it leaves its folder."""
        import mlflow
        from mlflow.data.code_dataset_source import CodeDatasetSource
        from mlflow.data.meta_dataset import MetaDataset

        source = CodeDatasetSource({"name": entry.name})
        # Its base class calls "profile" abstract; at run time a data set without data has none.
        kept = MetaDataset(source, name=entry.name, digest=entry.digest[:DIGEST_CHARACTERS])  # type: ignore[abstract]
        with answers(self._store.uri):
            mlflow.log_input(kept, context=context, tags={"sha256": entry.digest, "ads": str(entry.ads), "labels": str(entry.labels)})

    def log_folder(self, folder: Path, name: str) -> None:
        """Files to keep with the run, under ``name``: the report and its plots."""
        with answers(self._store.uri):
            self._client.log_artifacts(self.run_id, str(folder), name)

    def log_bundle(self, folder: Path, script: Path | None = None) -> LoggedBundle:
        """Keep a sealed bundle with the run, to be loaded by ``script``; registers nothing. See ``log_bundle`` below."""
        with answers(self._store.uri):
            return log_bundle(folder, self.run_id, script)

    def register(self, bundle: LoggedBundle, tags: Mapping[str, str]) -> Registered:
        """Make a logged bundle the newest version and the challenger. The last thing to do: an exception after it takes it back."""
        with answers(self._store.uri):
            self._before = _aliased(self._client, CHALLENGER)
            self._made_model = not self._client.search_registered_models(f"name='{NAME}'")
            if self._made_model:
                self._client.create_registered_model(NAME)
            made = self._client.create_model_version(NAME, bundle.uri, run_id=self.run_id, tags=dict(tags), model_id=bundle.model_id)
            self._client.set_registered_model_alias(NAME, CHALLENGER, made.version)
        return Registered(NAME, str(made.version), f"models:/{NAME}/{made.version}", self.run_id)

    def _log(self, run_id: str, figures: Mapping[str, float]) -> None:
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        metrics = [Metric(name, value, now, 0) for name, value in figures.items()]
        for start in range(0, len(metrics), 1000):  # the most MLflow takes at once
            self._client.log_batch(run_id, metrics=metrics[start : start + 1000])

    def _withdraw(self) -> None:
        """Take back whatever this run registered or logged as a model, also what was half done when the exception came."""
        ours = self._client.search_model_versions(f"run_id='{self.run_id}'")
        for version in ours:
            self._client.delete_model_version(version.name, version.version)
        if self._made_model and not self._client.search_model_versions(f"name='{NAME}'"):
            self._client.delete_registered_model(NAME)
        elif ours and self._before:
            self._client.set_registered_model_alias(NAME, CHALLENGER, self._before)
        for model in self._client.search_logged_models([self._experiment], filter_string=f"source_run_id='{self.run_id}'"):
            self._client.delete_logged_model(model.model_id)


def log_bundle(folder: Path, run_id: str, script: Path | None = None) -> LoggedBundle:
    """Keep a sealed bundle with a run, also an ended one, to be loaded by the code of ``models/pyfunc_model.py``; registers nothing.

    Without a signature on purpose: the code checks a frame against the same data contract as every other door, while MLflow's check
    would drop unknown columns unseen and refuse times with a zone.
    """
    script = script or Path(str(files("adverdict.models") / "pyfunc_model.py"))
    with only_errors("mlflow.pyfunc"), without_mlflows_own_warnings():
        import mlflow.pyfunc
        from mlflow.models import Model

        info = Model.log(
            artifact_path=None,
            flavor=mlflow.pyfunc,
            name="model",
            run_id=run_id,
            python_model=str(script),
            artifacts={BUNDLE_ARTIFACT: str(folder)},
            pip_requirements=[_requirement()],
        )
    return LoggedBundle(info.model_id, info.model_uri)


def aliased(alias: str) -> str | None:
    """The version an alias (CHAMPION, CHALLENGER, PREVIOUS) stands for; ``None`` when there is none. Raises Unavailable."""
    import mlflow

    with answers(mlflow.get_tracking_uri()):
        return _aliased(_client(), alias)


def promote(version: str) -> str | None:
    """Make ``version`` the champion and the champion until now ``previous``; returns the latter, ``None`` at the first promotion.

    The alias moves in one step, so whoever asks gets the old champion or the new one. Raises NotFound or Unavailable.
    """
    import mlflow

    with answers(mlflow.get_tracking_uri()):
        client = _client()
        client.get_model_version(NAME, version)
        before = _aliased(client, CHAMPION)
        if before == version:
            return _aliased(client, PREVIOUS)
        if before is not None:
            client.set_registered_model_alias(NAME, PREVIOUS, before)
        client.set_registered_model_alias(NAME, CHAMPION, version)
        if _aliased(client, CHALLENGER) == version:
            client.delete_registered_model_alias(NAME, CHALLENGER)
    return before


def attach_certificates(model: str, folder: Path, digest: str, policy_hash: str) -> None:
    """Keep a folder of certificates with the run of ``models:/NAME/VERSION`` and make them the version's own for these policies, in that
    order: whoever follows the version finds a whole set, the one before or this one. ``digest``: sha256 of its ``certificates.json``.

    Who decides by other policies is not touched. Raises NotFound or Unavailable.
    """
    import mlflow

    name, _, version = model.removeprefix("models:/").rpartition("/")
    with answers(mlflow.get_tracking_uri()):
        client = _client()
        run_id = str(client.get_model_version(name, version).run_id)
        client.log_artifacts(run_id, str(folder), certificates_path(digest))
        client.set_model_version_tag(name, version, certificates_tag(policy_hash), digest)


def _client() -> MlflowClient:
    from mlflow import MlflowClient

    return MlflowClient()


def _aliased(client: MlflowClient, alias: str) -> str | None:
    from mlflow.exceptions import MlflowException

    try:
        return str(client.get_model_version_by_alias(NAME, alias).version)
    except MlflowException as error:
        # A missing alias is reported as an invalid parameter, a missing model as a missing resource.
        if error.error_code in ("INVALID_PARAMETER_VALUE", "RESOURCE_DOES_NOT_EXIST"):
            return None
        raise


def _experiment(client: MlflowClient, store: Store) -> str:
    found = client.get_experiment_by_name(NAME)
    if found is None:
        return str(client.create_experiment(NAME, artifact_location=store.artifacts))
    if found.lifecycle_stage == "deleted":
        client.restore_experiment(found.experiment_id)
    return str(found.experiment_id)


def _end(status: str, error: BaseException) -> None:
    """End the innermost run while an error is under way, which must stay the one that is seen."""
    import mlflow

    try:
        with temporarily(IMPATIENT):
            mlflow.end_run(status)
    except Exception as second:
        error.add_note(f"MLflow could not be told that the run is {status}: {second}")


def _status(kind: type[BaseException]) -> str:
    return "FAILED" if issubclass(kind, Exception) else "KILLED"


def _requirement() -> str:
    try:
        return f"{NAME}=={metadata.version(NAME)}"
    except metadata.PackageNotFoundError:
        return NAME


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
        if error.__cause__ is not None and not isinstance(error.__cause__, MlflowException | RequestException | SQLAlchemyError | OSError):
            raise
        raise Unavailable(f"MLflow at {uri} does not answer: {error.message}") from error
    except RequestException as error:
        raise Unavailable(f"MLflow at {uri} does not answer: {error}") from error
