"""What is handed out: built offline, from a copy of the files that the repository names."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("features", "models", "policies", "serving", "training")
"""Linked into ``adverdict/``."""


def named() -> list[str]:
    """Every file that the repository names, or would name once it is added; links as well."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    return sorted(name for name in listed if name and (ROOT / name).exists())


def packaged() -> set[str]:
    """Of those, the files of the package, by their place in it, such as ``adverdict/models/bundle.py``."""
    inside = {name for name in named() if name.startswith("adverdict/") and not (ROOT / name).is_symlink()}
    return inside | {f"adverdict/{name}" for name in named() if name.partition("/")[0] in ROOMS}


def checkout(folder: Path) -> Path:
    """A copy of the repository, links as links."""
    for name in named():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, target, follow_symlinks=False)
    return folder


def build(folder: Path) -> Path:
    """The folder with a source distribution and the wheel built from it."""
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder / "dist"), str(checkout(folder / "source"))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "dist"
