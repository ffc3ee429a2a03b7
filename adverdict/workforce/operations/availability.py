"""``availability.csv``: people of a team who are known to be away, on leave or on loan, before it happens. Numbers, not names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

from adverdict.domain.errors import Mistake
from adverdict.workforce.operations.roster import Shift
from adverdict.workforce.operations.rows import read_rows

REQUIRED = ("team", "people", "from", "until")
OPTIONAL = ("why",)
NAME = "availability.csv"
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Away:
    team: str
    people: float
    since: date
    until: date
    """Included."""


def read_away(path: Path, roster: Sequence[Shift], mistakes: list[Mistake]) -> tuple[Away, ...]:
    """The lines of the file; mistakes are added, with file and line."""
    people: dict[str, float] = {}
    for shift in roster:
        people[shift.team] = people.get(shift.team, 0.0) + shift.people
    found = []
    for row in read_rows(path, REQUIRED, OPTIONAL, mistakes):
        team, since, until = row.required("team"), row.day("from"), row.day("until")
        number = row.number("people", "a number of people above 0, such as 1 or 0.5", 0, 100_000)
        if team and team not in people:
            row.refuse("team", team, f"a team of roster.csv: {', '.join(sorted(people)) or 'there is none'}")
        elif number is not None and number > people.get(team, number):
            row.refuse("people", f"{number:g}", f"no more than the {people[team]:g} whom roster.csv has in {team}")
        if since and until and until < since:
            row.refuse("until", until.isoformat(), f"a day from {since.isoformat()} on")
        if not row.wrong and since and until and number is not None:
            found.append(Away(team, number, since, until))
    return tuple(found)


def without(roster: Sequence[Shift], away: Sequence[Away]) -> tuple[Shift, ...]:
    """The roster, each line cut into the days before, during and after an absence of its team's people; all lines of a team alike. Where
    all of them are away, the line has nobody on these days.
    """
    for one in away:
        there = sum(shift.people for shift in roster if shift.team == one.team and _touches(shift, one))
        left = max(0.0, 1 - one.people / there) if there else 1.0
        roster = [part for shift in roster for part in (_cut(shift, one, left) if shift.team == one.team else (shift,))]
    return tuple(roster)


def _cut(shift: Shift, away: Away, left: float) -> Iterator[Shift]:
    if not _touches(shift, away):
        yield shift
        return
    since, until = shift.since or date.min, shift.until or date.max
    if since < away.since:
        yield replace(shift, until=away.since - _DAY)
    yield replace(shift, people=shift.people * left, since=max(since, away.since), until=min(until, away.until))
    if until > away.until:
        yield replace(shift, since=away.until + _DAY)


def _touches(shift: Shift, away: Away) -> bool:
    return (shift.since is None or shift.since <= away.until) and (shift.until is None or shift.until >= away.since)
