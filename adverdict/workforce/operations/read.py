"""The folder as a whole, so that all mistakes come at once."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

from adverdict.domain.errors import InvalidInput, InvalidSettings, Mistake, NotFound
from adverdict.domain.settings import variable
from adverdict.workforce.operations import availability
from adverdict.workforce.operations.events import Event, read_events
from adverdict.workforce.operations.roster import Shift, read_roster
from adverdict.workforce.operations.rules import Shrinkage, Targets, read_shrinkage, read_targets

FILES = ("events.csv", "roster.csv", "shrinkage.yaml", "targets.yaml")
KNOWN = (*FILES, availability.NAME)
"""With the one that says nothing new where it is missing."""


@dataclass(frozen=True)
class Operations:
    """What people declared. Without a file, what it would say is not known: no events, nobody rostered, no shrinkage, the usual targets."""

    events: tuple[Event, ...] = ()
    roster: tuple[Shift, ...] = ()
    shrinkage: Shrinkage = field(default_factory=Shrinkage)
    targets: Targets = field(default_factory=Targets)
    digest: str = ""
    """sha256 over the files' bytes: which version a plan was made by."""
    missing: tuple[str, ...] = FILES
    """Files that are not there."""


def read_operations(folder: Path | None) -> Operations:
    """The folder's files; None: nothing is declared. Raises NotFound, or InvalidInput with every mistake, its file and line."""
    if folder is None:
        return Operations()
    if not folder.is_dir():
        raise NotFound(f"no folder of operations at {folder}")
    mistakes = [
        Mistake("file", path.name, f"one of {', '.join(KNOWN)}", path.name)
        for path in sorted(folder.iterdir())
        if path.suffix in (".csv", ".yaml", ".yml") and path.name not in KNOWN
    ]
    events, _, shrinkage, targets = (folder / name for name in FILES)
    read = Operations(
        events=read_events(events, mistakes) if events.is_file() else (),
        roster=_roster(folder, mistakes),
        shrinkage=read_shrinkage(shrinkage, mistakes) if shrinkage.is_file() else Shrinkage(),
        targets=read_targets(targets, mistakes) if targets.is_file() else Targets(),
        digest=_digest(folder),
        missing=tuple(name for name in FILES if not (folder / name).is_file()),
    )
    teams = {shift.team for shift in read.roster}
    if read.roster:
        mistakes += [
            Mistake("teams", team, f"a team of roster.csv: {', '.join(sorted(teams))}", "shrinkage.yaml")
            for team in read.shrinkage.teams
            if team not in teams
        ]
    if mistakes:
        raise InvalidInput(f"{folder} cannot be used:", mistakes)
    return read


def needed(folder: Path | None) -> Path:
    """Raises InvalidSettings where there is no folder."""
    if folder is None:
        expected = f"a folder with {', '.join(FILES)}; a file that is not there says nothing"
        raise InvalidSettings("no operations are declared:", [Mistake(variable("operations"), "(none)", expected)])
    return folder


def _digest(folder: Path) -> str:
    whole = hashlib.sha256()
    for name in FILES:
        path = folder / name
        body = path.read_bytes() if path.is_file() else b""
        whole.update(f"{name}:{len(body)}:".encode() + body)
    return whole.hexdigest()


def _roster(folder: Path, mistakes: list[Mistake]) -> tuple[Shift, ...]:
    """Without those who are known to be away."""
    roster, away = folder / "roster.csv", folder / availability.NAME
    there = read_roster(roster, mistakes) if roster.is_file() else ()
    return availability.without(there, availability.read_away(away, there, mistakes)) if away.is_file() else there
