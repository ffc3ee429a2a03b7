"""Tutorials can be followed from the first command to the last."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from adverdict.simulation import write_marketplace

ROOT = Path(__file__).parents[2]
ORDER = ("retrain", "score", "rescore")
"""As they lead to each other: a model, a service with a ledger, live ads on record."""


def commands(name: str) -> list[str]:
    """The blocks of a tutorial that are for a shell."""
    return re.findall(
        r"^```bash\n(.*?)^```$", (ROOT / "docs" / "tutorials" / f"{name}.md").read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )


def test_every_tutorial_is_run() -> None:
    found = {path.stem for path in (ROOT / "docs" / "tutorials").glob("*.md")} - {"index"}
    assert found == set(ORDER)
    assert all(commands(name) for name in ORDER)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A reader's, with ads and labels; what one tutorial leaves there the next one goes on with."""
    here = tmp_path_factory.mktemp("reader")
    write_marketplace(here / "my-ads", 3000, 3)
    shutil.rmtree(here / "my-ads" / "truth")
    return here


@pytest.mark.slow
@pytest.mark.parametrize("name", ORDER)
def test_every_command_of_a_tutorial_ends_well(name: str, folder: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    script = ["set -euo pipefail", "trap 'kill $(jobs -p) 2>/dev/null || true' EXIT"]
    for number, block in enumerate(commands(name), 1):
        script += [f"echo '##### block {number}'", block]
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("ADVERDICT_", "MLFLOW_TRACKING"))}
    here = {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{kept.get('PATH', '')}", "ADVERDICT_PORT": str(port)}
    if name != ORDER[0]:
        here["ADVERDICT_POLICIES"] = str(folder / "policies")  # as its reader is told to leave it
    said = folder / f"{name}.log"
    with said.open("wb") as file:
        done = subprocess.run(
            ["bash", "-c", "\n".join(script)], cwd=folder, env=kept | here, stdout=file, stderr=subprocess.STDOUT, timeout=840, check=False
        )
    text = said.read_text(encoding="utf-8")
    assert done.returncode == 0, text[-5000:]
    assert "Traceback" not in text
