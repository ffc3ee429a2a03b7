"""A package index, and programs of it that run in environments of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

UV = Path(sys.executable).parent / "uv"


@pytest.fixture(scope="session")
def package_index() -> None:
    """One that can be asked; without it there is nothing to make an environment of."""
    asked = [sys.executable, "-m", "pip", "index", "versions", "packaging"]
    if subprocess.run(asked, capture_output=True, timeout=120, check=False).returncode:
        pytest.skip("no package index answers here")


def run_with(package: str, command: Sequence[str], given: str | None = None) -> subprocess.CompletedProcess[str]:
    """``command`` where ``package`` is installed, in a pinned version, and nothing else."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")} | {"UV_SYSTEM_CERTS": "true"}
    start = [str(UV), "run", "--quiet", "--no-project", "--isolated", "--python", sys.executable, "--with", package, "--"]
    return subprocess.run([*start, *command], env=environment, input=given, capture_output=True, text=True, timeout=600, check=False)
