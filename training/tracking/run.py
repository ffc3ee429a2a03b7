"""What a training leaves in MLflow: runs, figures, data digests, the report, and, last of all, a registered version.

MLflow is imported inside functions: that takes two seconds, and its settings come first.
"""

from __future__ import annotations

import json
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from adverdict.models.manifest import DataEntry
from adverdict.training.evaluation.headline import by_policy
from adverdict.training.tracking.aliases import CHALLENGER, NAME, aliased_by
from adverdict.training.tracking.commit import commit_tags
from adverdict.training.tracking.pyfunc import LoggedBundle, log_bundle
from adverdict.training.tracking.server import answers, client_now
from adverdict.training.tracking.store import IMPATIENT, QUIET, Store, temporarily

if TYPE_CHECKING:
    from mlflow import MlflowClient

FIGURES, CARD = "figures.json", "model_card.md"
"""Files of a run: every figure as a table, and what the model is, in words."""

EXPERIMENT_KIND = {"mlflow.experimentKind": "custom_model_development"}
"""Which view MLflow's pages open: that of models, not that of prompts and traces."""

DIGEST_CHARACTERS = 36
"""Longest digest MLflow takes for a data set; the whole one goes into a tag."""


@dataclass(frozen=True)
class Registered:
    """A version of the registered model. ``uri`` is ``models:/NAME/VERSION``."""

    name: str
    version: str
    uri: str
    run_id: str
    page: str | None = None
    """Where its run is looked at; None without a server."""


class TrainingRun:
    """One training: a parent run, open for as long as it lasts, with a child a model and a trial. Leaving it by an exception (Ctrl-C as
    well) leaves nothing registered, and the run, which says how it ended.

    Use as a context manager, once. Runs end FINISHED, FAILED after an error or KILLED after an interrupt. ``client`` is for tests.
    Every method raises Unavailable when the store stops answering.
    """

    def __init__(
        self,
        store: Store,
        params: Mapping[str, Any],
        *,
        name: str = "train",
        tags: Mapping[str, str] | None = None,
        client: MlflowClient | None = None,
    ) -> None:
        self._store = store
        self._params = params
        self._name = name
        self._tags = dict(tags or {})
        self._client = client or client_now()
        self._children: dict[str, str] = {}
        self._before: str | None = None
        self._made_model = False
        self._experiment = ""
        self.run_id = ""

    def __enter__(self) -> Self:
        import mlflow

        with answers(self._store.uri):
            self._experiment = _experiment(self._client, self._store)
            started = mlflow.start_run(experiment_id=self._experiment, run_name=self._name, tags={**commit_tags(), **self._tags})
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
            with answers(self._store.uri), temporarily(QUIET):
                mlflow.end_run("FINISHED")
            return
        try:
            with temporarily(IMPATIENT):
                self._client.set_tag(self.run_id, "ended_by", kind.__name__)
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
        with answers(self._store.uri), temporarily(QUIET):
            mlflow.end_run("FINISHED")

    def log_trial(self, number: int, params: Mapping[str, Any], figures: Mapping[str, float], seconds: float = 0.0) -> None:
        """A trial of a search, which has just ended after so many ``seconds``, as a child run of its own."""
        from mlflow.entities import RunTag

        with answers(self._store.uri):
            now = int(time.time() * 1000)
            ours = self._client.get_run(self.run_id).data.tags
            tags = {name: value for name, value in ours.items() if name.startswith(("mlflow.user", "mlflow.source"))}
            tags |= {"mlflow.parentRunId": self.run_id, "trial": str(number)}
            made = self._client.create_run(self._experiment, now - round(1000 * seconds), tags, f"trial {number}")
            self._client.log_batch(made.info.run_id, params=_params(params), tags=[RunTag("stage", "searching settings")])
            self._log(made.info.run_id, figures)
            self._client.set_terminated(made.info.run_id, "FINISHED", now)

    def log_params(self, params: Mapping[str, Any], model: str | None = None) -> None:
        """Settings of the training, or of one model; anything but a string is kept as JSON."""
        with answers(self._store.uri):
            self._client.log_batch(self._children[model] if model else self.run_id, params=_params(params))

    def tell(self, name: str, value: float, step: int) -> None:
        """A point of a curve of the training, at once."""
        from mlflow.entities import Metric

        with answers(self._store.uri):
            self._client.log_batch(self.run_id, metrics=[Metric(name, value, int(time.time() * 1000), step)])

    def tag(self, name: str, value: str) -> None:
        with answers(self._store.uri):
            self._client.set_tag(self.run_id, name, value)

    def log_metrics(self, model: str, measured: Mapping[str, Any]) -> None:
        """Figures of ``metrics.measure`` in the model's own run, by names that every model has: ``headline.by_policy``."""
        with answers(self._store.uri):
            self._log(self._children[model], by_policy(measured))

    def log_headline(self, figures: Mapping[str, float], bundle: LoggedBundle) -> None:
        """The few figures by which trainings are compared, of the training and of the model it made."""
        with answers(self._store.uri):
            self._log(self.run_id, figures, bundle.model_id)

    def log_table(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Every figure, as a table that MLflow's pages show (``figures.json``)."""
        columns = list(rows[0]) if rows else []
        text = json.dumps({"columns": columns, "data": [[row[name] for name in columns] for row in rows]})
        with answers(self._store.uri):
            # As ``log_table`` writes one, which makes a frame of it first and warns of its own way of doing so.
            self._client.log_text(self.run_id, text, FIGURES)
            self._client.set_tag(self.run_id, "mlflow.loggedArtifacts", json.dumps([{"path": FIGURES, "type": "table"}]))

    def log_card(self, card: str) -> None:
        """What the model is, in words: the run's description, and a file."""
        with answers(self._store.uri):
            self._client.log_text(self.run_id, card, CARD)
            self._client.set_tag(self.run_id, "mlflow.note.content", card)

    def log_data(self, entry: DataEntry, context: str, source: str | None = None) -> None:
        """A data set that was used, as ``training`` or ``test``: name, digest, sizes, and where it lies. No row and no text of it leaves
        its folder. ``source``: its path or address; None where it has none, as the answer to a query."""
        import mlflow
        from mlflow.data.meta_dataset import MetaDataset

        # Its base class calls "profile" abstract; at run time a data set without data has none.
        kept = MetaDataset(_source(entry, source), name=entry.name, digest=entry.digest[:DIGEST_CHARACTERS])  # type: ignore[abstract]
        with answers(self._store.uri):
            mlflow.log_input(kept, context=context, tags={"sha256": entry.digest, "ads": str(entry.ads), "labels": str(entry.labels)})

    def log_folder(self, folder: Path, name: str) -> None:
        """Files to keep with the run, under ``name``: the report and its plots."""
        with answers(self._store.uri):
            self._client.log_artifacts(self.run_id, str(folder), name)

    def log_bundle(self, folder: Path, policies: Sequence[str] = (), **options: Any) -> LoggedBundle:
        """Keep a sealed bundle with the run; registers nothing. ``options``: as of ``pyfunc.log_bundle``."""
        with answers(self._store.uri):
            return log_bundle(folder, self.run_id, policies, **options)

    def register(self, bundle: LoggedBundle, tags: Mapping[str, str], description: str | None = None) -> Registered:
        """Make a logged bundle the newest version and the challenger. The last thing to do: an exception after it takes it back."""
        with answers(self._store.uri):
            self._before = aliased_by(self._client, CHALLENGER)
            self._made_model = not self._client.search_registered_models(f"name='{NAME}'")
            if self._made_model:
                self._client.create_registered_model(NAME)
            made = self._client.create_model_version(
                NAME, bundle.uri, run_id=self.run_id, tags=dict(tags), description=description, model_id=bundle.model_id
            )
            self._client.set_registered_model_alias(NAME, CHALLENGER, made.version)
        return Registered(
            NAME, str(made.version), f"models:/{NAME}/{made.version}", self.run_id, self._store.page(self._experiment, self.run_id)
        )

    def _log(self, run_id: str, figures: Mapping[str, float], model_id: str | None = None) -> None:
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        metrics = [Metric(name, value, now, 0, model_id=model_id) for name, value in figures.items()]
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


def _experiment(client: MlflowClient, store: Store) -> str:
    found = client.get_experiment_by_name(NAME)
    if found is None:
        return str(client.create_experiment(NAME, artifact_location=store.artifacts, tags=EXPERIMENT_KIND))
    for tag, kind in EXPERIMENT_KIND.items():
        if tag not in found.tags:
            client.set_experiment_tag(found.experiment_id, tag, kind)
    if found.lifecycle_stage == "deleted":
        client.restore_experiment(found.experiment_id)
    return str(found.experiment_id)


def _end(status: str, error: BaseException) -> None:
    """End the innermost run while an error is under way, which must stay the one that is seen."""
    import mlflow

    try:
        with temporarily({**IMPATIENT, **QUIET}):
            mlflow.end_run(status)
    except Exception as second:
        error.add_note(f"MLflow could not be told that the run is {status}: {second}")


def _status(kind: type[BaseException]) -> str:
    return "FAILED" if issubclass(kind, Exception) else "KILLED"


def _params(params: Mapping[str, Any]) -> list[Any]:
    from mlflow.entities import Param

    return [Param(name, value if isinstance(value, str) else json.dumps(value, default=str)) for name, value in params.items()]


def _source(entry: DataEntry, place: str | None) -> Any:
    from mlflow.data.code_dataset_source import CodeDatasetSource
    from mlflow.data.dataset_source_registry import resolve_dataset_source

    if place is None:
        return CodeDatasetSource({"name": entry.name})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # every kind of source that it is not says so
        return resolve_dataset_source(place)
