"""The wheel and the source distribution: complete, nothing besides, and usable beside a user's own ``models/`` and ``features/``."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.distributions import ROOMS, checkout, packaged
from tests.old import decisions


def test_a_checkout_without_links_is_refused_in_one_line_that_says_what_to_do(tmp_path: Path) -> None:
    source = checkout(tmp_path)
    for room in ("features", "serving"):
        link = source / "adverdict" / room
        link.unlink()
        link.write_text(f"../{room}")  # as Git writes a link with core.symlinks=false
    done = subprocess.run([sys.executable, "setup.py", "--version"], cwd=source, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "adverdict/ lacks features, serving: check the repository out with symbolic links (git config core.symlinks true), then build again"
    ]


@pytest.mark.slow
def test_a_wheel_holds_the_package_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    inside = {name for name in names if not name.partition("/")[0].endswith(".dist-info")}
    assert inside == packaged()


@pytest.mark.slow
def test_a_source_distribution_holds_the_package_and_what_it_is_built_by(built: Path) -> None:
    with tarfile.open(next(built.glob("*.tar.gz"))) as archive:
        names = {member.name.partition("/")[2] for member in archive.getmembers() if member.isfile()}
    of_the_build = {"LICENSE", "MANIFEST.in", "PKG-INFO", "README.md", "pyproject.toml", "setup.cfg", "setup.py"}
    assert {name for name in names if not name.startswith("adverdict.egg-info/")} == packaged() | of_the_build


@pytest.fixture
def environment(wheel: Path, tmp_path: Path) -> dict[str, str]:
    """One in which the wheel is found before the checkout that is installed here."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "installed")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("ADVERDICT_", "MLFLOW_"))}
    return {**kept, "PYTHONPATH": str(tmp_path / "installed"), "ADVERDICT_HOME": str(tmp_path / "home")}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A user's, with folders that are called like ours."""
    folder = tmp_path / "project"
    for room in ROOMS:
        (folder / room).mkdir(parents=True)
        (folder / room / "__init__.py").write_text("OWNER = 'user'\n")
    return folder


SCRIPT = """
import json, sys
import features, models
from adverdict import Scorer
from adverdict.storage.tables.pack import read_ads

assert (features.OWNER, models.OWNER) == ("user", "user")
assert "installed" in sys.modules["adverdict"].__file__
if __name__ == "__main__":  # processes that scoring starts import this script again
    scorer = Scorer.load(sys.argv[1], policies=None)
    print(len(scorer.score(read_ads(sys.argv[2])[:5])))
"""


@pytest.mark.slow
@pytest.mark.parametrize("how", ["as a script", "as a module", "on the command line"])
def test_the_wheel_scores_in_a_project_with_models_and_features_of_its_own(
    environment: dict[str, str], project: Path, old: Path, how: str
) -> None:
    (project / "mine.py").write_text(SCRIPT)
    ways = {"as a script": ["mine.py"], "as a module": ["-m", "mine"], "on the command line": ["-c", SCRIPT]}
    command = [sys.executable, *ways[how], str(old / "bundle"), str(old / "ads")]
    done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)
    assert done.stdout == "5\n", done.stderr


@pytest.mark.slow
def test_the_wheel_puts_nothing_else_on_the_path(environment: dict[str, str], tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    code = f"import adverdict.serving.service; from importlib.util import find_spec; print([room for room in {ROOMS} if find_spec(room)])"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], cwd=elsewhere, env=environment, capture_output=True, text=True, check=False
    )
    assert done.stdout == "[]\n", done.stderr


@pytest.mark.slow
def test_the_wheel_rescores_in_a_project_with_models_and_features_of_its_own(environment: dict[str, str], project: Path, old: Path) -> None:
    shutil.copy(old / "ads" / "ads.parquet", project / "ads.parquet")
    start = [sys.executable, "-m", "adverdict.cli.main"]
    given = ["--model", str(old / "bundle"), "--ads", "ads.parquet"]
    for command in (["score", *given, "--out", "scored.jsonl"], ["rescore", *given, "--out", "rescored", "--workers", "1"]):
        done = subprocess.run([*start, *command], cwd=project, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    assert len(decisions(project / "scored.jsonl")) == 120
    assert len(list((project / "rescored").glob("market=*/*.parquet"))) > 1
