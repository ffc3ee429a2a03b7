"""The rooms of the house: their map, their size, and who looks outside."""

from __future__ import annotations

import ast
import importlib
import re
import runpy
from pathlib import Path

import pytest

from tests.test_packages import PACKAGE, ROOT, SOURCES

MAP = runpy.run_path(str(ROOT / "docs" / "map.py"))
ROOMS = {path.relative_to(PACKAGE).parts[0] for path in SOURCES if path.parent != PACKAGE}
NAMED = sorted(set(re.findall(r"`([a-z_]+(?:\.\w+)+)`", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"))))
LARGE = 20
READ_THE_ENVIRONMENT = {
    "scoring/scorer.py": "Scorer.load is the Python door",
    "training/tracking/store.py": "MLflow's own variables, for a while",
    "models/registry.py": "passes the registry on to MLflow, which reads nothing else",
    "rescoring/deciding/worker.py": "the same, on another machine",
    "rescoring/deciding/threads.py": "threads of the processes that it starts",
    "creatives/making.py": "what little of it the process that makes pictures is given",
    "rescoring/deciding/cluster.py": "Ray's own variables",
}
"""Beside the two edges, and the benchmarks, which start processes with an environment of their own."""


@pytest.mark.parametrize("page", MAP["PAGES"])
def test_the_map_is_as_the_contracts_and_docstrings_say(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    assert text == MAP["written"](text, MAP["PAGES"][page]()), "'make map' writes it anew"


@pytest.mark.parametrize("name", [name for name in NAMED if name.split(".")[0] in ROOMS and not name.endswith((".py", ".md", ".yaml"))])
def test_what_contributing_names_exists(name: str) -> None:
    parts = name.split(".")
    for end in range(len(parts), 0, -1):
        try:
            found: object = importlib.import_module(".".join(["adverdict", *parts[:end]]))
        except ModuleNotFoundError:
            continue
        for attribute in parts[end:]:
            found = getattr(found, attribute)
        return
    pytest.fail(f"no module of {name}")


def test_a_folder_of_many_files_says_why_it_is_one() -> None:
    """With a paragraph of its docstring that begins "One folder because"."""
    unexplained = []
    for folder in sorted({path.parent for path in SOURCES}):
        sources = [path for path in folder.glob("*.py") if path.name != "__init__.py"]
        said = ast.get_docstring(ast.parse((folder / "__init__.py").read_text(encoding="utf-8"))) or ""
        if len(sources) > LARGE and "\n\nOne folder because" not in said:
            unexplained.append(f"{folder.relative_to(PACKAGE)}: {len(sources)} files")
    assert unexplained == []


def test_only_the_edges_read_the_environment() -> None:
    reading = {path.relative_to(PACKAGE).as_posix() for path in SOURCES if re.search(r"\benviron\b|\bgetenv\b", _code(path))}
    inside = {name for name in reading if name.split("/")[0] not in ("cli", "serving", "benchmarks")}
    assert inside == READ_THE_ENVIRONMENT.keys()


def _code(path: Path) -> str:
    """Without docstrings and comments."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return " ".join(
        node.attr if isinstance(node, ast.Attribute) else node.id for node in ast.walk(tree) if isinstance(node, ast.Attribute | ast.Name)
    )
