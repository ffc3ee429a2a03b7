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


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_every_command_of_the_tutorials_ends_well_one_after_the_other(tmp_path: Path) -> None:
    write_marketplace(tmp_path / "my-ads", 3000, 3)
    shutil.rmtree(tmp_path / "my-ads" / "truth")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    script = ["set -euo pipefail", "trap 'kill $(jobs -p) 2>/dev/null || true' EXIT"]
    for name in ORDER:
        for number, block in enumerate(commands(name), 1):
            script += [f"echo '##### {name}, block {number}'", block]
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("ADVERDICT_", "MLFLOW_TRACKING"))}
    path = f"{Path(sys.executable).parent}{os.pathsep}{kept.get('PATH', '')}"
    done = subprocess.run(
        ["bash", "-c", "\n".join(script)],
        cwd=tmp_path,
        env={**kept, "PATH": path, "ADVERDICT_PORT": str(port)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    log = tmp_path / "serve.log"
    assert done.returncode == 0, done.stdout[-6000:] + (log.read_text()[-2000:] if log.is_file() else "")
    assert "Traceback" not in done.stdout
    (tmp_path / "said.txt").write_text(done.stdout)
