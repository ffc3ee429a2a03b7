"""Files that a command is told to write: what cannot be written is refused before the work, not after it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path


def check(refusal: str, targets: Mapping[str, Path | None]) -> None:
    """By option. Makes their folders; raises InvalidSettings with every file that could not be written, told as ``refusal``."""
    from adverdict.domain.errors import InvalidSettings, Mistake

    wanted = "a file in a folder that can be written to"
    wrong = [Mistake(option, str(path), wanted) for option, path in targets.items() if path is not None and not _writable(path)]
    if wrong:
        raise InvalidSettings(refusal, wrong)


def _writable(path: Path) -> bool:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(path.parent, os.W_OK) and not path.is_dir()
