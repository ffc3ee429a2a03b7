"""Known events: sales, launches, elections, policy changes. A declared one is worth more than any model (docs/workforce.md)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from adverdict.decisions.files.countries import COUNTRIES
from adverdict.domain.errors import Mistake
from adverdict.workforce.operations.rows import read_rows

REQUIRED = ("name", "kind", "starts", "ends")
OPTIONAL = ("markets", "surfaces", "expected_factor")
LONGEST = 366
"""Days of an event; what lasts longer is a level, and the trend's to follow."""
MOST = 200
"""Characters of a name."""
LARGEST = 100.0
KIND = "small letters, digits and _, such as sale"
FACTOR = "a number above 0 and up to 100, such as 2.5"
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


def mistakes_of(event: Event) -> list[Mistake]:
    """What is wrong with an event that comes from elsewhere than a file."""
    found = []
    if not event.name.strip() or len(event.name) > MOST:
        found.append(Mistake("name", event.name, f"a name of up to {MOST} characters"))
    if not _KIND.fullmatch(event.kind):
        found.append(Mistake("kind", event.kind, KIND))
    if not 0 <= (event.ends - event.starts).days < LONGEST:
        found.append(Mistake("ends", event.ends.isoformat(), f"a day from {event.starts.isoformat()} on, within a year"))
    found += [Mistake("markets", one, "ISO 3166-1 country codes such as SE") for one in event.markets if one not in COUNTRIES]
    factor = event.expected_factor
    if factor is not None and not 0 < factor <= LARGEST:
        found.append(Mistake("expected_factor", factor, FACTOR))
    return found


def read_events(path: Path, mistakes: list[Mistake]) -> tuple[Event, ...]:
    """The events of ``events.csv``; mistakes are added, with file and line."""
    found: list[Event] = []
    for row in read_rows(path, REQUIRED, OPTIONAL, mistakes):
        name, kind = row.required("name"), row.required("kind")
        if kind and not _KIND.fullmatch(kind):
            row.refuse("kind", kind, KIND)
        starts, ends = row.day("starts"), row.day("ends")
        markets, surfaces = row.markets(), row.words("surfaces")
        factor = row.number("expected_factor", FACTOR, 0, LARGEST, needed=False)
        if starts and ends and not 0 <= (ends - starts).days < LONGEST:
            row.refuse("ends", ends.isoformat(), f"a day from {starts.isoformat()} on, within a year")
        if any(one.name == name for one in found):
            row.refuse("name", name, "each event's name once")
        if not row.wrong and starts and ends:
            found.append(Event(name, kind, starts, ends, markets, surfaces, factor))
    return tuple(found)
