"""Known events: sales, launches, elections, policy changes. A declared one is worth more than any model (docs/workforce.md)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from adverdict.domain.errors import Mistake
from adverdict.workforce.operations.rows import read_rows

REQUIRED = ("name", "kind", "starts", "ends")
OPTIONAL = ("markets", "surfaces", "expected_factor")
LONGEST = 366
"""Days of an event; what lasts longer is a level, and the trend's to follow."""
_KIND = re.compile(r"[a-z][a-z0-9_]{0,31}")


@dataclass(frozen=True)
class Event:
    """Days on which submissions are, or were, expected to be other than usual."""

    name: str
    kind: str
    """Such as ``sale``: what is learnt of one is expected of the next of its kind."""
    starts: date
    ends: date
    """Included."""
    markets: tuple[str, ...] = ()
    """Empty: all."""
    surfaces: tuple[str, ...] = ()
    """Empty: all."""
    expected_factor: float | None = None
    """Times the usual submissions, as its owner expects; None: as its kind did before."""

    def concerns(self, market: str, surface: str) -> bool:
        return (not self.markets or market in self.markets) and (not self.surfaces or surface in self.surfaces)


def read_events(path: Path, mistakes: list[Mistake]) -> tuple[Event, ...]:
    """The events of ``events.csv``; mistakes are added, with file and line."""
    found: list[Event] = []
    for row in read_rows(path, REQUIRED, OPTIONAL, mistakes):
        name, kind = row.required("name"), row.required("kind")
        if kind and not _KIND.fullmatch(kind):
            row.refuse("kind", kind, "small letters, digits and _, such as sale")
        starts, ends = row.day("starts"), row.day("ends")
        markets, surfaces = row.markets(), row.words("surfaces")
        factor = row.number("expected_factor", "a number above 0 and up to 100, such as 2.5", 0, 100, needed=False)
        if starts and ends and not 0 <= (ends - starts).days < LONGEST:
            row.refuse("ends", ends.isoformat(), f"a day from {starts.isoformat()} on, within a year")
        if any(one.name == name for one in found):
            row.refuse("name", name, "each event's name once")
        if not row.wrong and starts and ends:
            found.append(Event(name, kind, starts, ends, markets, surfaces, factor))
    return tuple(found)
