"""Who works when: teams, or single people, with their shifts and skills."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
from numpy.typing import NDArray

from adverdict.domain.errors import Mistake
from adverdict.domain.identity import language_key
from adverdict.review.tasks.routing import Reviewer
from adverdict.workforce.operations.rows import Row, read_rows

REQUIRED = ("team", "people", "days", "starts", "ends", "weekly_hours")
OPTIONAL = ("zone", "from", "until", "markets", "languages", "policies", "senior")
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_TIME = re.compile(r"(\d{1,2})(?::(\d\d))?")


@dataclass(frozen=True)
class Shift:
    """People of one team who work the same hours and have the same skills."""

    team: str
    people: float
    """May have a fraction: somebody half of whose week this is."""
    days: tuple[int, ...]
    """Weekdays on which the shift begins, Monday is 0."""
    starts: time
    ends: time
    """Not after ``starts``: on the next day."""
    zone: str
    weekly_hours: float
    """Paid, of one person."""
    since: date | None = None
    until: date | None = None
    """Included."""
    markets: tuple[str, ...] = ()
    """Empty: all, as are languages and policies."""
    languages: tuple[str, ...] = ()
    policies: tuple[str, ...] = ()
    senior: bool = False

    @property
    def hours(self) -> float:
        """Of one shift."""
        minutes = (self.ends.hour - self.starts.hour) * 60 + self.ends.minute - self.starts.minute
        return (minutes if minutes > 0 else minutes + 24 * 60) / 60

    @property
    def skills(self) -> Reviewer:
        """What these people may take, as the queue asks it of a reviewer."""
        return Reviewer(self.team, self.markets, self.languages, self.policies, self.senior)

    def works(self, day: date) -> bool:
        """Whether the shift begins on this day of its zone."""
        return day.weekday() in self.days and (self.since is None or day >= self.since) and (self.until is None or day <= self.until)

    def spans(self, begin: datetime, hours: int) -> list[tuple[float, float]]:
        """Begin and end of each shift that touches the ``hours`` from ``begin`` (aware) on, in hours from there."""
        found, zone, first = [], ZoneInfo(self.zone), begin.date() - timedelta(days=2)
        for number in range(hours // 24 + 4):
            day = first + timedelta(days=number)
            if self.works(day):
                low = (datetime.combine(day, self.starts, zone) - begin).total_seconds() / 3600
                if low < hours and low + self.hours > 0:
                    found.append((low, low + self.hours))
        return found

    def hours_on(self, begin: datetime, hours: int) -> NDArray[np.float64]:
        """Of one person, float64 (hours,): how much of each hour from ``begin`` (aware, on the hour) on they are there."""
        found, edges = np.zeros(hours), np.arange(hours)
        for low, high in self.spans(begin, hours):
            found += np.clip(np.minimum(high, edges + 1) - np.maximum(low, edges), 0.0, 1.0)
        return found


def read_roster(path: Path, mistakes: list[Mistake]) -> tuple[Shift, ...]:
    """The shifts of ``roster.csv``; mistakes are added, with file and line."""
    found = [_shift(row) for row in read_rows(path, REQUIRED, OPTIONAL, mistakes)]
    return tuple(one for one in found if one is not None)


def _shift(row: Row) -> Shift | None:
    team = row.required("team")
    people = row.number("people", "a number of people above 0, such as 6 or 2.5", 0, 100_000)
    days, starts, ends = _days(row), _time(row, "starts"), _time(row, "ends")
    weekly = row.number("weekly_hours", "paid hours a week of one person, above 0 and up to 80", 0, 80)
    since, until = row.day("from", needed=False), row.day("until", needed=False)
    zone = row.text("zone") or "UTC"
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        row.refuse("zone", zone, "a time zone such as Europe/Stockholm")
    if since and until and until < since:
        row.refuse("until", until.isoformat(), f"a day from {since.isoformat()} on")
    languages = row.words("languages")
    for tag in languages:
        if language_key(tag) is None:
            row.refuse("languages", tag, "BCP 47 language tags such as sv+de")
    markets, policies, senior = row.markets(), row.words("policies"), row.flag("senior")
    if row.wrong or people is None or weekly is None or starts is None or ends is None:
        return None
    keys = tuple(dict.fromkeys(language_key(tag) or tag for tag in languages))
    return Shift(team, people, days, starts, ends, zone, weekly, since, until, markets, keys, policies, senior)


def _days(row: Row) -> tuple[int, ...]:
    """``mon-fri``, ``sat+sun``, or single ones."""
    found: list[int] = []
    for word in row.words("days"):
        first, dash, last = word.lower().partition("-")
        ends = (first, last) if dash else (first, first)
        if not all(one in DAYS for one in ends):
            row.refuse("days", word, "days such as mon-fri or sat+sun")
            continue
        low, high = DAYS.index(ends[0]), DAYS.index(ends[1])
        found += [number % 7 for number in range(low, high + 1 if high >= low else high + 8)]
    if not found and not row.wrong:
        row.refuse("days", row.text("days"), "days such as mon-fri or sat+sun")
    return tuple(sorted(set(found)))


def _time(row: Row, column: str) -> time | None:
    told = row.text(column)
    match = _TIME.fullmatch(told)
    if match and int(match[1]) <= 24 and int(match[2] or 0) < 60 and not (int(match[1]) == 24 and int(match[2] or 0)):
        return time(int(match[1]) % 24, int(match[2] or 0))
    row.refuse(column, told, "a time of day such as 09:00")
    return None
