"""What must hold for the whole tree."""

from __future__ import annotations

import importlib
import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "adverdict"
SOURCES = sorted(Path(folder) / name for folder, _, names in os.walk(PACKAGE, followlinks=True) for name in names if name.endswith(".py"))
LINKED = ("features", "models", "policies", "serving", "training")


@pytest.mark.parametrize("room", sorted({path.relative_to(PACKAGE).parts[0] for path in SOURCES if path.parent != PACKAGE}))
def test_a_room_is_imported_from_this_repository(room: str) -> None:
    found = importlib.import_module(f"adverdict.{room}").__file__
    assert found is not None
    assert Path(found).parent == PACKAGE / room


@pytest.mark.parametrize("room", LINKED)
def test_a_room_at_the_top_of_the_repository_is_nobodys_top_level_package(room: str) -> None:
    assert importlib.util.find_spec(room) is None


def test_the_linter_looks_at_every_file_of_every_room() -> None:
    command = [str(Path(sys.executable).parent / "ruff"), "check", "--show-files", "."]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    seen = {Path(line).resolve() for line in listed.splitlines()}
    assert {path.resolve() for path in SOURCES} - seen == set()


@pytest.mark.slow
def test_the_type_checker_looks_at_every_file_of_every_room() -> None:
    command = [str(Path(sys.executable).parent / "mypy"), "--verbose"]
    log = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stderr
    seen = {Path(path) for path in re.findall(r"Found source: +BuildSource\(path='([^']*\.py)'", log)}
    assert set(SOURCES) - seen == set()


def test_no_source_unpickles_anything() -> None:
    forbidden = re.compile(
        r"\b(pickle|joblib|cloudpickle|dill)\b.*\b(load|loads)\b|torch\.load|allow_pickle=True|^import (pickle|joblib)", re.M
    )
    assert [path.relative_to(ROOT).as_posix() for path in SOURCES if forbidden.search(path.read_text(encoding="utf-8"))] == []


def test_files_stay_short_enough_to_read() -> None:
    long = {path.relative_to(ROOT).as_posix(): n for path in SOURCES if (n := len(path.read_text(encoding="utf-8").splitlines())) > 400}
    assert long == {}
