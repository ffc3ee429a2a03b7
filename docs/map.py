"""Writes the map of the rooms into CONTRIBUTING.md, from the import contracts and the docstrings: ``make map``."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "adverdict"
BEGIN, END = "<!-- map: written by 'make map' -->", "<!-- end of the map -->"


def floors(container: str) -> list[list[str]]:
    """The layers of ``container`` as its contract lists them, from the top; modules of one list do not see each other."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"]
    layers = next((one["layers"] for one in contracts if one.get("containers") == [container]), [])
    return [re.findall(r"\w+", re.sub(r"\(\w+\)", "", layer)) for layer in layers]


def about(package: Path) -> str:
    """The first paragraph of the package's docstring, on one line."""
    said = ast.get_docstring(ast.parse((package / "__init__.py").read_text(encoding="utf-8"))) or ""
    return " ".join(said.split("\n\n")[0].split()).replace("``", "`")


def folders(package: Path) -> list[Path]:
    """The packages within, from the top where a contract orders them, by name elsewhere."""
    order = [name for floor in floors(".".join(package.relative_to(ROOT).parts)) for name in floor]
    inside = [child.parent for child in package.glob("*/__init__.py")]
    return sorted(inside, key=lambda child: (order.index(child.name) if child.name in order else len(order), child.name))


def table() -> str:
    """Every room from the top, and the folders in it."""
    rows = ["| | folder | what it is |", "|---|---|---|"]
    rooms = floors("adverdict")
    for floor, names in zip(range(len(rooms), 0, -1), rooms, strict=True):
        for name in names:
            rows.append(f"| {floor} | **`{name}/`** | {about(PACKAGE / name)} |")
            rows += [f"| | `{name}/{child.name}/` | {about(child)} |" for child in folders(PACKAGE / name)]
    return "\n".join(rows)


def written(text: str, block: str) -> str:
    """The text with ``block`` between the two marks."""
    before, rest = text.split(BEGIN)
    return f"{before}{BEGIN}\n\n{block}\n\n{END}{rest.split(END)[1]}"


PAGES = {"CONTRIBUTING.md": table}

if __name__ == "__main__":
    for name, block in PAGES.items():
        page = ROOT / name
        page.write_text(written(page.read_text(encoding="utf-8"), block()), encoding="utf-8")
