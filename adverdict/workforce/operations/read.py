"""The folder as a whole, so that all mistakes come at once."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

from adverdict.domain.errors import InvalidInput, InvalidSettings, Mistake, NotFound
from adverdict.domain.values import variable
from adverdict.workforce.operations import availability
from adverdict.workforce.operations.availability import Away
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
    away: tuple[Away, ...] = ()
    """Whom the roster is already without."""
    absent: tuple[Shift, ...] = ()
    """Lines of the roster, with nobody, on the days on which all of their people are away."""
    shifts: int = 0
    """Lines of ``roster.csv``."""


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
    shifts, rostered, away = _roster(folder, mistakes)
    read = Operations(
        events=read_events(events, mistakes) if events.is_file() else (),
        roster=tuple(shift for shift in rostered if shift.people > 0),
        shrinkage=read_shrinkage(shrinkage, mistakes) if shrinkage.is_file() else Shrinkage(),
        targets=read_targets(targets, mistakes) if targets.is_file() else Targets(),
        digest=_digest(folder),
        missing=tuple(name for name in FILES if not (folder / name).is_file()),
        away=away,
        shifts=shifts,
        absent=tuple(shift for shift in rostered if not shift.people > 0),
    )
    teams = {shift.team for shift in rostered}
    if rostered:
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
        expected = f"a folder with {', '.join(KNOWN)}; a file that is not there says nothing"
        raise InvalidSettings("no operations are declared:", [Mistake(variable("operations"), "(none)", expected)])
    return folder


def _digest(folder: Path) -> str:
    whole = hashlib.sha256()
    for name in (*FILES, *([availability.NAME] if (folder / availability.NAME).is_file() else ())):
        path = folder / name
        body = path.read_bytes() if path.is_file() else b""
        whole.update(f"{name}:{len(body)}:".encode() + body)
    return whole.hexdigest()


def _roster(folder: Path, mistakes: list[Mistake]) -> tuple[int, tuple[Shift, ...], tuple[Away, ...]]:
    """Lines of the file, the roster without those who are known to be away, and they."""
    path, away = folder / "roster.csv", folder / availability.NAME
    there = read_roster(path, mistakes) if path.is_file() else ()
    gone = availability.read_away(away, there, mistakes) if away.is_file() else ()
    return len(there), availability.without(there, gone), gone
