"""Pages that are made from the code say what the code says."""

from __future__ import annotations

import re
import runpy
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "reference"


@pytest.fixture(scope="module")
def generate() -> Iterator[dict[str, Any]]:
    before = list(sys.path)
    yield runpy.run_path(str(ROOT / "docs" / "generate.py"))
    sys.path[:] = before
    sys.modules.pop("licensing", None)


@pytest.mark.parametrize("page", ["commands.md", "http.md", "metrics.md", "chain.md"])
def test_a_page_of_reference_is_as_the_code_says(generate: dict[str, Any], page: str) -> None:
    assert (FOLDER / page).read_text(encoding="utf-8") == generate["PAGES"][page](), "'make reference' writes it anew"


def test_every_page_of_reference_is_made_from_the_code(generate: dict[str, Any]) -> None:
    assert {path.name for path in FOLDER.iterdir()} == set(generate["PAGES"])


def test_licences_are_those_of_what_is_installed_in_the_locked_versions(generate: dict[str, Any]) -> None:
    licensing = runpy.run_path(str(ROOT / "docs" / "licensing.py"))
    told = dict(re.findall(r"^\| `([^`]+)` \| (.+) \|$", (FOLDER / "licences.md").read_text(encoding="utf-8"), re.MULTILINE))
    locked = licensing["pinned"](ROOT / "constraints.txt")
    assert set(told) == set(locked), "'make reference' writes it anew"
    here = {name: licensing["found"](name) for name in locked if _installed(name) == locked[name].version}
    assert len(here) > 100
    assert {name: told[name] for name in here} == here


def test_a_licence_is_read_from_wherever_a_distribution_says_it(generate: dict[str, Any]) -> None:
    from email.message import Message

    licensing = runpy.run_path(str(ROOT / "docs" / "licensing.py"))
    said = []
    for headers in (
        [("License-Expression", "MIT OR Apache-2.0"), ("License", "something else")],
        [("Classifier", "License :: OSI Approved :: MIT License")],
        [("License", "Apache 2.0")],
        [("License", "Permission is hereby granted, free of charge, to any person obtaining a copy of this software")],
        [],
    ):
        message = Message()
        for name, value in headers:
            message[name] = value
        said.append(licensing["licence"](message))
    assert said == ["MIT OR Apache-2.0", "MIT", "Apache-2.0", "not said", "not said"]


def test_what_serves_is_locked_in_the_versions_that_were_tested() -> None:
    licensing = runpy.run_path(str(ROOT / "docs" / "licensing.py"))
    tested, serves = (licensing["pinned"](ROOT / name) for name in ("constraints.txt", "deploy/requirements.txt"))
    differing = {
        name: (serves[name].version, tested[name].version)
        for name in serves.keys() & tested.keys()
        if serves[name].version != tested[name].version
    }
    assert {name for name in differing if not name.startswith("opentelemetry")} == set()


def test_no_lock_names_an_index() -> None:
    for name in ("constraints.txt", "deploy/requirements.txt"):
        text = (ROOT / name).read_text(encoding="utf-8")
        assert not re.search(r"https?:|--(extra-)?index-url|--find-links|@ file", text), name


def _installed(name: str) -> str | None:
    try:
        return version(name).partition("+")[0]
    except PackageNotFoundError:
        return None
