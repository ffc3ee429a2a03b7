"""What this installation used last, noted on its own disk: for a start without the registry, and for policies edited since."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from adverdict.storage.whole import write_whole

LAST_GOOD = "last-good.json"


@dataclass(frozen=True)
class InUse:
    """A bundle in service."""

    model: str
    """The name it was asked for by."""
    source: str
    """What that stood for, e.g. ``models:/adverdict/3``."""
    folder: str
    """Where its bundle lies."""
    certificates: str | None = None
    """sha256 of those whose thresholds are used; None: none."""
    policies: str | None = None
    """Hash of the policies that these certificates are attached for; None: the note was made when there was one set a version."""


def last_in_use(cache: Path) -> InUse | None:
    """None where nothing was noted. Raises OSError or ValueError where the note cannot be read."""
    try:
        told = json.loads((cache / LAST_GOOD).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    try:
        return InUse(**told)
    except TypeError as error:
        raise ValueError(f"{cache / LAST_GOOD} is no note of a bundle in service: {error}") from error


def policies_before(cache: Path, source: str) -> str | None:
    """Hash of the policies whose certificates were used last with this version; None where that is not known."""
    try:
        last = last_in_use(cache)
    except (OSError, ValueError):
        return None  # whoever would start from this note says so; here nothing is known of before
    return last.policies if last is not None and last.source == source else None


def note(cache: Path, used: InUse) -> None:
    """Whole or not at all, since workers share the file. Raises OSError."""
    write_whole(cache / LAST_GOOD, json.dumps(asdict(used)))
