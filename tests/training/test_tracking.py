"""What a training leaves in MLflow, and that it leaves nothing registered when it does not come to its end."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import polars as pl
import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from adverdict.domain.errors import InvalidInput, InvalidSettings, NotFound, Unavailable
from adverdict.domain.settings import Settings, read_settings
from adverdict.domain.values import TRACKING_URI
from adverdict.models.manifest import DataEntry
from adverdict.models.registry import certificates_of, fetch_certificates
from adverdict.training.evaluation.headline import headline, table
from adverdict.training.evaluation.metrics import measure
from adverdict.training.tracking.aliases import CHALLENGER, CHAMPION, NAME, PREVIOUS, aliased, attach_certificates, promote
from adverdict.training.tracking.rollback import ROLLED_BACK, RolledBack, rollback
from adverdict.training.tracking.run import Registered, TrainingRun
from adverdict.training.tracking.server import configure, ping
from adverdict.training.tracking.store import Store
from tests.training.scores import scored

SCRIPT = """
from pathlib import Path
import mlflow
import pandas as pd
from mlflow.pyfunc import PythonModel


class Echo(PythonModel):
    def load_context(self, context):
        self.said = Path(context.artifacts["bundle"], "manifest.json").read_text()

    def predict(self, context, model_input: pd.DataFrame, params=None) -> pd.DataFrame:
        return model_input.assign(said=self.said)


mlflow.models.set_model(Echo())
"""
WHEN = datetime(2026, 11, 28, 20, tzinfo=UTC)
POLICIES = ("deceptive", "gambling")
PACK = DataEntry(name="kids_video", digest="0123456789abcdef" * 4, ads=6401, labels=27020)


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    folder = tmp_path / "bundle"
    folder.mkdir()
    (folder / "manifest.json").write_text("hello")
    (tmp_path / "script.py").write_text(SCRIPT)
    return folder


Step = Callable[[str], None]


def train(
    store: Store, bundle: Path, at: Step = lambda step: None, client: MlflowClient | None = None, policies: Sequence[str] = POLICIES[:1]
) -> Registered:
    """A training in small, of few figures, for MLflow takes its time with each; ``at`` is called between any two of its steps."""
    with TrainingRun(store, {"data": ["kids_video"], "trials": 0}, name="market, 2026-11-30 05:12", client=client) as run:
        at("started")
        run.log_data(PACK, "training", str(bundle))
        with run.model("ngram", {"c": 1.0}):
            at("in a model")
        run.tell("stage_done", 0.5, 1)
        run.log_trial(4, {"penalty": 0.2}, {"log_loss": 0.5}, seconds=3.0)
        at("between models")
        with run.model("blend"):
            pass
        for model in ("ngram", "blend"):
            run.log_metrics(model, measure(scored(n=100, policies=policies, models=("ngram", "blend")), model, bootstrap=20))
        at("measured")
        run.log_folder(bundle, "report")
        run.log_table(table({"blend": measure(scored(n=100, policies=policies), "blend", bootstrap=20)}))
        run.log_card("# A card")
        logged = run.log_bundle(bundle, script=bundle.parent / "script.py", software=())
        run.log_headline({"ap": 0.5, "deceptive.ap": 0.5}, logged)
        at("bundle logged")
        registered = run.register(logged, {"bundle": "abc"}, "# A card")
        at("registered")
    return registered


def test_a_training_leaves_a_parent_with_a_child_a_model_figures_digests_report_and_the_challenger(store: Store, bundle: Path) -> None:
    registered = train(store, bundle, policies=POLICIES)
    client = MlflowClient()
    parent = client.get_run(registered.run_id)
    assert parent.info.status == "FINISHED"
    assert parent.data.params == {"data": '["kids_video"]', "trials": "0"}
    assert parent.data.metrics == {"ap": 0.5, "deceptive.ap": 0.5, "stage_done": 0.5}, "a few figures; the rest is a table"
    assert (parent.info.run_name, parent.data.tags["mlflow.note.content"]) == ("market, 2026-11-30 05:12", "# A card")
    children = client.search_runs([parent.info.experiment_id], f"tags.`mlflow.parentRunId` = '{registered.run_id}'")
    names = ("ngram", "trial 4", "blend")
    assert {child.info.run_name: child.info.status for child in children} == dict.fromkeys(names, "FINISHED")
    (trial,) = [child for child in children if "trial" in child.data.tags]
    assert (trial.data.params, trial.data.metrics) == ({"penalty": "0.2"}, {"log_loss": 0.5})
    assert trial.info.end_time - trial.info.start_time == 3000
    children.remove(trial)
    assert {name for child in children for name in child.data.metrics} == {
        f"{policy}.{figure}" for policy in POLICIES for figure in ("ap", "auroc", "brier", "slope", "intercept", "in_the_large")
    }, "by names that all models share"
    assert parent.inputs is not None
    (used,) = parent.inputs.dataset_inputs
    assert (used.dataset.name, used.dataset.digest) == ("kids_video", PACK.digest[:36])
    assert used.dataset.source_type == "local"
    assert str(bundle) in used.dataset.source
    assert {tag.key: tag.value for tag in used.tags} == {
        "mlflow.data.context": "training",
        "sha256": PACK.digest,
        "ads": "6401",
        "labels": "27020",
    }
    assert [file.path for file in client.list_artifacts(registered.run_id, "report")] == ["report/manifest.json"]
    version = client.get_model_version_by_alias(NAME, CHALLENGER)
    assert (str(version.version), version.tags, version.run_id) == (registered.version, {"bundle": "abc"}, registered.run_id)
    assert version.description == "# A card"
    kept = {file.path for file in client.list_artifacts(registered.run_id)}
    assert {"figures.json", "model_card.md"} <= kept
    experiment = client.get_experiment(parent.info.experiment_id)
    assert experiment.tags["mlflow.experimentKind"] == "custom_model_development", "models' pages, not those of prompts"


def test_the_registered_model_loads_the_usual_way_from_code_and_holds_no_pickle(store: Store, bundle: Path, tmp_path: Path) -> None:
    promote(train(store, bundle).version)
    kept = {path.suffix for path in (tmp_path / "artifacts").rglob("*") if path.is_file()}  # before loading leaves bytecode beside the code
    loaded = mlflow.pyfunc.load_model(f"models:/{NAME}@{CHAMPION}")
    assert loaded.predict(pd.DataFrame({"ad_id": ["a"]})).to_dict("list") == {"ad_id": ["a"], "said": ["hello"]}
    assert kept <= {"", ".json", ".md", ".py", ".txt", ".yaml", ".yml"}


def test_everything_stays_under_the_home_folder(store: Store, bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    train(store, bundle)
    assert list(elsewhere.iterdir()) == []
    assert store.artifacts == (tmp_path / "artifacts").as_uri()


@pytest.mark.parametrize(
    ("step", "raised", "status"),
    [
        ("registered", KeyboardInterrupt, "KILLED"),
        ("in a model", ValueError, "FAILED"),
        *(
            pytest.param(step, raised, status, marks=pytest.mark.slow)
            for step, raised, status in (
                *((step, KeyboardInterrupt, "KILLED") for step in ("started", "in a model", "between models", "measured", "bundle logged")),
                ("registered", ValueError, "FAILED"),
                ("bundle logged", SystemExit, "KILLED"),
            )
        ),
    ],
)
def test_a_training_that_is_cut_off_registers_nothing(
    store: Store, bundle: Path, step: str, raised: type[BaseException], status: str
) -> None:
    with pytest.raises(raised):
        train(store, bundle, at=cut_off(step, raised))
    client = MlflowClient()
    assert client.search_registered_models() == []
    assert client.search_model_versions() == []
    (experiment,) = (found for found in client.search_experiments() if found.name == NAME)
    assert client.search_logged_models([experiment.experiment_id]) == []
    runs = client.search_runs([experiment.experiment_id])
    assert {run.info.status for run in runs} <= {status, "FINISHED"}
    parent = next(run for run in runs if not {"model", "trial"} & run.data.tags.keys())
    assert (parent.info.status, parent.data.tags["ended_by"]) == (status, raised.__name__), "it is kept, and says how it ended"
    if step == "in a model":
        assert {run.info.status for run in runs} == {status}
    assert mlflow.active_run() is None


class CutOff(MlflowClient):
    """A client whose user presses Ctrl-C before, or right after, one call has had its effect."""

    def __init__(self, call: str, *, after: bool) -> None:
        super().__init__()
        self.call, self.after = call, after

    def __getattribute__(self, name: str) -> Any:
        own = super().__getattribute__
        if name != own("__dict__").get("call"):
            return own(name)

        def cut(*args: Any, **kwargs: Any) -> None:
            if self.after:
                own(name)(*args, **kwargs)
            self.call = ""
            raise KeyboardInterrupt

        return cut


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(
    ("call", "earlier"),
    [
        pytest.param("create_registered_model", False, marks=pytest.mark.slow),
        pytest.param("create_model_version", False, marks=pytest.mark.slow),
        pytest.param("set_registered_model_alias", False, marks=pytest.mark.slow),
        pytest.param("create_model_version", True, marks=pytest.mark.slow),
        ("set_registered_model_alias", True),
    ],
)
def test_a_registration_that_is_cut_off_is_taken_back(store: Store, bundle: Path, call: str, after: bool, earlier: bool) -> None:
    before = [train(store, bundle).version] if earlier else []
    with pytest.raises(KeyboardInterrupt):
        train(store, bundle, client=CutOff(call, after=after))
    client = MlflowClient()
    assert [str(version.version) for version in client.search_model_versions()] == before
    assert [model.name for model in client.search_registered_models()] == [NAME] * earlier
    assert aliased(CHALLENGER) == (before[0] if before else None)


def test_code_that_cannot_be_imported_is_no_outage(store: Store, bundle: Path) -> None:
    (bundle.parent / "script.py").write_text("from adverdict.features import nothing_of_this_name")
    with pytest.raises(MlflowException, match="nothing_of_this_name"):
        train(store, bundle)
    assert MlflowClient().search_registered_models() == []


def test_certificates_hang_on_a_version_one_set_for_each_policy_folder(store: Store, bundle: Path, tmp_path: Path) -> None:
    version = train(store, bundle).uri
    sets = {}
    for policies, text in (("a" * 64, "of a"), ("b" * 64, "of b"), ("a" * 64, "of a, renewed")):
        folder = tmp_path / text
        folder.mkdir()
        (folder / "certificates.json").write_text(text)
        sets[policies] = hashlib.sha256(text.encode()).hexdigest()
        others = {name: certificates_of(version, name * 64) for name in "abc" if name * 64 != policies}
        attach_certificates(version, folder, sets[policies], policies)
        assert {name: certificates_of(version, name * 64) for name in others} == others, "nobody else is touched"
        assert fetch_certificates(version, sets[policies], tmp_path / "cache") == text
    assert {policies: certificates_of(version, policies) for policies in sets} == sets
    assert certificates_of(version, "c" * 64) is None


def test_certificates_attached_before_there_was_a_set_a_policy_folder_are_found_as_before(store: Store, bundle: Path) -> None:
    version = train(store, bundle)
    MlflowClient().set_model_version_tag(NAME, version.version, "certificates", "f" * 64)
    assert certificates_of(version.uri, "a" * 64) == "f" * 64


def test_promotion_moves_the_alias_and_remembers_the_champion_before(store: Store, bundle: Path) -> None:
    assert aliased(CHAMPION) is None
    first, second = train(store, bundle).version, train(store, bundle).version
    assert promote(first) is None
    assert (aliased(CHAMPION), aliased(PREVIOUS), aliased(CHALLENGER)) == (first, None, second)
    assert promote(second) == first
    assert (aliased(CHAMPION), aliased(PREVIOUS), aliased(CHALLENGER)) == (second, first, None)
    assert promote(second) == first
    with pytest.raises(NotFound, match="99"):
        promote("99")


def test_a_rollback_makes_the_champion_before_champion_again_and_says_who_did_it_when_and_why(store: Store, bundle: Path) -> None:
    first, second = train(store, bundle).version, train(store, bundle).version
    promote(first)
    promote(second)
    assert rollback(store, "wrongful rejections", "olga", WHEN) == RolledBack(before=second, now=first)
    assert (aliased(CHAMPION), aliased(PREVIOUS)) == (first, None)
    tags = MlflowClient().get_model_version(NAME, second).tags
    assert {name: value for name, value in tags.items() if name.startswith(ROLLED_BACK)} == {
        "rolled_back_to": first,
        "rolled_back_at": "2026-11-28T20:00:00+00:00",
        "rolled_back_by": "olga",
        "rolled_back_why": "wrongful rejections",
    }


@pytest.mark.slow
def test_a_rollback_is_refused_in_words_where_there_is_nothing_to_go_back_to(store: Store, bundle: Path) -> None:
    with pytest.raises(NotFound, match="there is no champion of adverdict to roll back: 'adverdict promote' makes one"):
        rollback(store, "x", "olga", WHEN)
    first, second = train(store, bundle).version, train(store, bundle).version
    promote(first)
    with pytest.raises(NotFound, match=f"there is nothing to go back to from version {first}"):
        rollback(store, "x", "olga", WHEN)
    promote(second)
    with pytest.raises(InvalidInput, match="--why"):
        rollback(store, " ", "olga", WHEN)
    assert aliased(CHAMPION) == second
    rollback(store, "x", "olga", WHEN)
    with pytest.raises(NotFound, match=f"there is nothing to go back to from version {first}"):
        rollback(store, "x", "olga", WHEN)  # twice does not lead back to what was left


@pytest.mark.slow
def test_a_version_that_was_deleted_is_not_gone_back_to(store: Store, bundle: Path) -> None:
    first, second = train(store, bundle).version, train(store, bundle).version
    promote(first)
    promote(second)
    MlflowClient().delete_model_version(NAME, first)
    with pytest.raises(NotFound):
        rollback(store, "x", "olga", WHEN)
    assert aliased(CHAMPION) == second


@pytest.mark.parametrize("uri", ["http://127.0.0.1:9", "http://10.255.255.1:5000"], ids=["refused", "silent"])
def test_a_registry_that_is_down_is_said_in_seconds_before_any_training(store: Store, tmp_path: Path, uri: str) -> None:
    down = configure(Settings(home=tmp_path, tracking_uri=uri))
    assert down == Store(uri, None)
    started = time.monotonic()
    with pytest.raises(Unavailable, match=f"MLflow at {uri} does not answer"):
        ping(down)
    assert time.monotonic() - started < 12


@pytest.mark.parametrize(
    ("uri", "said"),
    [
        pytest.param("file:///tmp/mlruns", "maintenance mode", id="a folder of files"),
        pytest.param("ftp://somewhere", "ftp://somewhere", id="no such kind of store"),
        pytest.param("sqlite:////proc/nowhere/mlflow.db", "a file that can be written", id="cannot be written"),
        pytest.param("sqlite:///{here}/text.db", "an SQLite database", id="another file"),
    ],
)
def test_an_address_that_can_never_work_is_refused_at_once(store: Store, tmp_path: Path, uri: str, said: str) -> None:
    (tmp_path / "text.db").write_text("hello, this is not a database")
    with pytest.raises(InvalidSettings, match=said):
        ping(configure(Settings(home=tmp_path, tracking_uri=uri.format(here=tmp_path))))


def test_a_store_that_fails_while_a_training_fails_does_not_hide_why(store: Store, tmp_path: Path) -> None:
    def fail() -> None:
        with TrainingRun(store, {}):
            database = sqlite3.connect(tmp_path / "mlflow.db")
            database.execute("drop table runs")
            database.close()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError) as failure:
        fail()
    assert "MLflow could not be told that the run is FAILED" in "\n".join(failure.value.__notes__)


def test_configuring_creates_nothing_and_the_address_chosen_before_is_not_the_users(store: Store, tmp_path: Path) -> None:
    other = tmp_path / "other"
    assert os.environ[TRACKING_URI] == store.uri
    assert configure(read_settings({**os.environ, "ADVERDICT_HOME": str(other)})).uri == f"sqlite:///{other / 'mlflow.db'}"
    assert not other.exists()


def test_the_logged_bundle_predicts_what_the_bundle_scores_from_whatever_holds_ads(store: Store, tiny_bundle: Path, tmp_path: Path) -> None:
    from adverdict.domain.ad import Ad
    from adverdict.models.bundle import load_bundle

    with TrainingRun(store, {}) as run:
        registered = run.register(run.log_bundle(tiny_bundle, load_bundle(tiny_bundle).policies), {})
    promote(registered.version)
    frame = pd.DataFrame(
        {
            "ad_id": ["a", "b"],
            "advertiser_id": ["x", "y"],
            "market": ["SE", "BR"],
            "submitted_at": ["2026-03-01T09:30:00Z", "2026-03-01T09:30:00Z"],
            "title": ["Double your savings in 7 days", None],
            "body": ["Guaranteed returns, no risk", "Fresh bread every morning"],
        }
    )
    model = mlflow.pyfunc.load_model(f"models:/{NAME}@{CHAMPION}")
    predicted = model.predict(frame)
    bundle = load_bundle(tiny_bundle)
    rows: list[dict[str, Any]] = [
        {str(name): value for name, value in row.items() if isinstance(value, str)} for row in frame.to_dict("records")
    ]
    risk = bundle.score([Ad(**row) for row in rows]).risk
    assert predicted["ad_id"].tolist() == ["a", "b"]
    for i, policy in enumerate(bundle.policies):
        for j, column in enumerate((f"p_{policy}", f"p_low_{policy}", f"p_high_{policy}")):
            np.testing.assert_allclose(predicted[column], risk[:, i, j], rtol=0, atol=1e-9)
    others = (rows, pl.DataFrame(rows), {name: [row.get(name) for row in rows] for name in frame.columns})
    for same in others:
        pd.testing.assert_frame_equal(model.predict(same), predicted)
    for one in (rows[0], pd.Series(rows[0])):
        pd.testing.assert_frame_equal(model.predict(one), predicted.iloc[:1])
    assert model.metadata.signature.inputs.required_input_names() == ["ad_id", "advertiser_id", "market", "submitted_at"]
    assert model.metadata.signature.outputs.input_names() == list(predicted.columns)
    assert len(model.predict(model.input_example)) == 1
    (kept,) = tmp_path.rglob("requirements.txt")
    lines = kept.read_text().splitlines()
    (wheel,) = (line for line in lines if line.endswith(".whl"))
    assert (kept.parent / wheel).is_file(), "the software travels with the model"
    assert all("==" in line for line in lines if line != wheel), "what it needs is named in the versions it was made with"
    assert not [line for line in lines if line.startswith("adverdict==")], "nobody's package of our name is asked for"


def test_a_dozen_figures_say_how_good_a_training_is() -> None:
    policies = tuple(f"policy_{number}" for number in range(12))
    found = headline(measure(scored(n=100, policies=policies), "blend", bootstrap=20))
    assert {"ap", "auroc", "brier", "worst_level"} < found.keys()
    assert len(found) == 12
    assert headline({"policies": {}}) == {}


def cut_off(where: str, raised: type[BaseException]) -> Step:
    def at(step: str) -> None:
        if step == where:
            raise raised

    return at


def test_a_runs_page_is_told_where_a_server_shows_it_without_a_password() -> None:
    assert Store("https://ann:secret@mlflow.example/", None).page("3", "abc") == "https://ann:***@mlflow.example/#/experiments/3/runs/abc"
    assert Store("sqlite:///mlflow.db", "file:///artifacts").page("3", "abc") is None
