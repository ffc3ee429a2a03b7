"""``adverdict model upgrade``: what version 0.1 registered, registered again under the present name."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path

import mlflow
import pytest
from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException
from typer.testing import CliRunner

from adverdict.cli.main import app
from adverdict.domain.errors import NotFound, UntrustedBundle
from adverdict.domain.settings import read_settings
from adverdict.models.former_version import SaysWhatHelps
from adverdict.models.opening import find_model
from adverdict.models.registry import resolve
from adverdict.scoring.scorer import Scorer
from adverdict.storage.tables.pack import read_ads
from adverdict.training.tracking.aliases import CHALLENGER, CHAMPION
from adverdict.training.tracking.upgrade import UPGRADED_FROM
from tests.old import home_of

BEFORE = "models:/adjudicate/1"


@pytest.fixture
def client(old: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MlflowClient:
    """Of a registry as version 0.1 left it, which the environment names."""
    return use(home_of(old, tmp_path / "home", ledger=False), monkeypatch)


@pytest.fixture(scope="module")
def upgraded_home(old: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same registry upgraded; to copy."""
    home = home_of(old, tmp_path_factory.mktemp("upgraded") / "home", ledger=False)
    with pytest.MonkeyPatch.context() as patch:
        use(home, patch)
        assert upgrade("adjudicate") == (0, "models:/adjudicate/1 is registered again as models:/adverdict/1 (champion)")
    return home


@pytest.fixture
def upgraded(upgraded_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MlflowClient:
    """Of an upgraded registry, which the environment names."""
    return use(Path(shutil.copytree(upgraded_home, tmp_path / "upgraded")), monkeypatch)


def use(home: Path, patch: pytest.MonkeyPatch) -> MlflowClient:
    patch.setenv("ADVERDICT_HOME", str(home))
    patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{home / 'mlflow.db'}")
    mlflow.set_tracking_uri(f"sqlite:///{home / 'mlflow.db'}")
    return MlflowClient()


def upgrade(name: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["model", "upgrade", name])
    return result.exit_code, " ".join(result.output.split())


def versions(client: MlflowClient) -> list[ModelVersion]:
    return list(client.search_model_versions("name='adverdict'"))


def aliases(client: MlflowClient, name: str) -> dict[str, str]:
    return {alias: str(version) for alias, version in client.get_registered_model(name).aliases.items()}


@pytest.mark.parametrize("name", [BEFORE, "models:/adjudicate@champion"])
def test_an_old_version_is_registered_again_with_its_run_tags_and_aliases(client: MlflowClient, name: str) -> None:
    before = client.get_model_version("adjudicate", "1")
    assert upgrade(name) == (0, "models:/adjudicate/1 is registered again as models:/adverdict/1 (champion)")
    now = client.get_model_version_by_alias("adverdict", CHAMPION)
    assert (now.tags, now.run_id) == ({**before.tags, UPGRADED_FROM: BEFORE}, before.run_id)


def test_the_old_version_stays_as_it_is(client: MlflowClient, upgraded_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = dict(client.get_model_version("adjudicate", "1"))
    upgraded = use(upgraded_home, monkeypatch)
    assert dict(upgraded.get_model_version("adjudicate", "1")) == before
    assert aliases(upgraded, "adjudicate") == {CHAMPION: "1"}


def test_upgrading_twice_does_nothing_the_second_time_and_says_so(upgraded: MlflowClient) -> None:
    upgraded.delete_registered_model_alias("adverdict", CHAMPION)
    assert upgrade("adjudicate") == (0, "models:/adjudicate/1 was upgraded before, to models:/adverdict/1: nothing was done")
    assert (len(versions(upgraded)), aliases(upgraded, "adverdict")) == (1, {})


def test_an_alias_that_a_version_of_the_present_name_has_stays_with_it(client: MlflowClient) -> None:
    client.create_registered_model("adverdict")
    client.create_model_version("adverdict", client.get_model_version("adjudicate", "1").source)
    client.set_registered_model_alias("adverdict", CHAMPION, "1")
    client.set_registered_model_alias("adjudicate", CHALLENGER, "1")
    said = "models:/adjudicate/1 is registered again as models:/adverdict/2 (challenger) champion stays with version 1"
    assert upgrade("adjudicate") == (0, said)
    assert aliases(client, "adverdict") == {CHAMPION: "1", CHALLENGER: "2"}


def test_the_upgraded_version_is_the_same_model_with_the_same_certificates(upgraded: MlflowClient, old: Path) -> None:
    """Which are of before there were limits on every ad, and refused under either name."""
    for name in ("models:/adverdict@champion", BEFORE):
        with pytest.raises(UntrustedBundle, match="certify again with adverdict policy solve"):
            Scorer.load(name)
    now, before = (find_model(name, read_settings(os.environ, {})).load() for name in ("models:/adverdict@champion", BEFORE))
    ads = read_ads(old / "ads")[:20]
    assert now.version == before.version
    assert (now.score(ads, now.fresh_history()).risk == before.score(ads, before.fresh_history()).risk).all()


@pytest.mark.slow
def test_the_upgraded_version_is_loaded_by_mlflow_in_a_folder_with_models_of_its_own(upgraded: MlflowClient, tmp_path: Path) -> None:
    for name in ("models", "features"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").touch()
    code = "import mlflow; print(type(mlflow.pyfunc.load_model('models:/adverdict@champion').unwrap_python_model()).__name__)"
    environment = {**os.environ, "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false"}
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.stdout == "BundleModel\n", done.stderr


def test_what_is_missing_under_the_present_name_is_said_to_be_there_under_the_former(client: MlflowClient) -> None:
    with pytest.raises(NotFound, match="from before the product was renamed: run `adverdict model upgrade adjudicate` once"):
        resolve("models:/adverdict@champion")


def test_what_is_missing_and_was_never_registered_is_only_missing(client: MlflowClient) -> None:
    client.delete_registered_model("adjudicate")
    with pytest.raises(NotFound) as missing:
        resolve("models:/adverdict@champion")
    assert "upgrade" not in str(missing.value)


@pytest.mark.parametrize("name", ["adverdict", "models:/adverdict@champion", "models:/adjudicate", "a/b", "models:/adjudicate/x", ""])
def test_what_names_no_model_of_another_name_is_refused(client: MlflowClient, name: str) -> None:
    code, said = upgrade(name)
    assert (code != 0, "a registered model of another name" in said) == (True, True)
    assert versions(client) == []


@pytest.mark.parametrize("name", ["somebody", "models:/adjudicate/7", "models:/adjudicate@nobody"])
def test_a_model_that_is_not_there_is_told(client: MlflowClient, name: str) -> None:
    code, said = upgrade(name)
    assert (code != 0, versions(client)) == (True, [])
    assert name.removeprefix("models:/").partition("/")[0].partition("@")[0] in said


def test_an_old_version_that_mlflow_loads_without_upgrading_says_what_to_do(client: MlflowClient) -> None:
    with pytest.raises(MlflowException, match="run 'adverdict model upgrade adjudicate' once"):
        mlflow.pyfunc.load_model("models:/adjudicate@champion")


def test_the_sentence_is_for_old_scripts_alone() -> None:
    [plugin] = entry_points(group="mlflow.run_context_provider", name="adverdict")
    assert plugin.load() is SaysWhatHelps
    assert (SaysWhatHelps().in_context(), find_spec("features"), find_spec("models")) == (False, None, None)
