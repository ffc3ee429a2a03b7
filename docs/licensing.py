"""Licences of what Adverdict is installed with, from each distribution's own metadata."""

from __future__ import annotations

import re
from collections import Counter
from importlib.metadata import PackageMetadata, PackageNotFoundError, metadata
from pathlib import Path
from typing import NamedTuple

UNKNOWN = "not said"
ELSEWHERE = "not installed where this page was made"
CLASSIFIER = "License :: "
LONGEST = 60
"""Of a licence's name; what is longer is its text."""
KNOWN = {
    "Apache 2.0": "Apache-2.0",
    "Apache License 2.0": "Apache-2.0",
    "Apache License, Version 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "Apache Software License 2.0": "Apache-2.0",
    "Apache 2.0 License": "Apache-2.0",
    "Apache License (2.0)": "Apache-2.0",
    "http://www.apache.org/licenses/LICENSE-2.0": "Apache-2.0",
    "MIT License": "MIT",
    "The MIT License": "MIT",
    "BSD 3-Clause": "BSD-3-Clause",
    "BSD 3-Clause License": "BSD-3-Clause",
    "3-Clause BSD License": "BSD-3-Clause",
    "BSD-3-Clause license": "BSD-3-Clause",
    "BSD-3-Clause License": "BSD-3-Clause",
    "ISC License": "ISC",
    "ISC License (ISCL)": "ISC",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
    "The Unlicense (Unlicense)": "Unlicense",
}
"""Names that distributions give, as SPDX has them."""


class Pin(NamedTuple):
    version: str
    where: str
    """The marker of the systems it is installed on; "": all."""


def pinned(constraints: Path) -> dict[str, Pin]:
    """Every distribution that a file of constraints names; of one with several versions, the last."""
    lines = [line for line in constraints.read_text(encoding="utf-8").splitlines() if line]
    parts = ((*line.partition(";")[0].split("=="), line.partition(";")[2].strip()) for line in lines)
    return {name.strip(): Pin(version.strip(), where) for name, version, where in parts}


def licence(of: PackageMetadata) -> str:
    """By its SPDX expression where it gives one, else its classifiers, else its free text."""
    stated = next(iter(of.get_all("License-Expression") or ()), None)  # never by []: a backport raises for what is not there
    if stated:
        return str(stated)
    classified = [one.rsplit(" :: ", 1)[-1] for one in of.get_all("Classifier") or () if one.startswith(CLASSIFIER)]
    named = [one for one in classified if one != "OSI Approved"]
    free = next(iter(of.get_all("License") or ()), None)
    if not named and free:
        first = str(free).strip().splitlines()[0].strip()
        named = [first] if first and len(first) <= LONGEST else []
    return " or ".join(KNOWN.get(one, one) for one in named) or UNKNOWN


def found(name: str) -> str:
    try:
        return licence(metadata(name))
    except PackageNotFoundError:
        return ELSEWHERE


def page(constraints: Path) -> str:
    """The whole page, in Markdown."""
    told = {name: found(name) for name in pinned(constraints)}
    counted = Counter(told.values()).most_common()
    lines = ["# Licences of what it is installed with", ""]
    lines += [
        "Adverdict itself is Apache-2.0. `make install` takes the distributions of `constraints.txt`; their licences, as their own metadata"
    ]
    lines += ["says them. A distribution for another system, such as NVIDIA's for a GPU, has to be looked up there.", ""]
    lines += ["| licence | distributions |", "|---|---|", *(f"| {_cell(name)} | {count} |" for name, count in counted), ""]
    lines += [
        "## One by one",
        "",
        "| distribution | licence |",
        "|---|---|",
        *(f"| `{name}` | {_cell(one)} |" for name, one in told.items()),
    ]
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return re.sub(r"\s+", " ", text).replace("|", "\\|")
