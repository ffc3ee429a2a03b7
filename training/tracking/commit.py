"""Which version of somebody's own files a training was started from."""

from __future__ import annotations

import subprocess
from pathlib import Path


def commit_tags(folder: Path | None = None) -> dict[str, str]:
    """Tags of a run and a version: ``git_commit``, the commit checked out in the folder where the command was started, followed by
    ``-dirty`` where tracked files differ from it. None outside a repository, or without Git."""
    commit = _git(folder, "rev-parse", "HEAD")
    if not commit:
        return {}
    changed = _git(folder, "status", "--porcelain", "--untracked-files=no")
    return {"git_commit": f"{commit}-dirty" if changed else commit}


def _git(folder: Path | None, *arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
