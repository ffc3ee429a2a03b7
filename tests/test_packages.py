"""What must hold for the whole tree."""

from __future__ import annotations

import importlib
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = (
    "benchmarks",
    "certification",
    "cli",
    "decisions",
    "domain",
    "features",
    "ledger",
    "models",
    "policies",
    "rescoring",
    "review",
    "serving",
    "simulation",
    "training",
)
SOURCES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_is_imported_from_this_repository(package: str) -> None:
    found = importlib.import_module(package).__file__
    assert found is not None
    assert Path(found).parent == ROOT / package


def test_no_source_unpickles_anything() -> None:
    forbidden = re.compile(
        r"\b(pickle|joblib|cloudpickle|dill)\b.*\b(load|loads)\b|torch\.load|allow_pickle=True|^import (pickle|joblib)", re.M
    )
    assert [path.relative_to(ROOT).as_posix() for path in SOURCES if forbidden.search(path.read_text(encoding="utf-8"))] == []


def test_every_package_is_in_the_wheel() -> None:
    listed = set(tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"])
    present = {path.parent.relative_to(ROOT).as_posix().replace("/", ".") for path in SOURCES if path.name == "__init__.py"}
    assert listed == present


def test_files_stay_short_enough_to_read() -> None:
    long = {path.relative_to(ROOT).as_posix(): n for path in SOURCES if (n := len(path.read_text(encoding="utf-8").splitlines())) > 400}
    assert long == {}
