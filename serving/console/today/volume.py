"""How much was decided, and how: by the hour and by the day, counted by the database without opening anything."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import median

from sqlalchemy import Connection, func, literal_column, select

from adverdict.domain.verdict import Verdict
from adverdict.ledger.effective import not_withdrawn
from adverdict.ledger.entries import DecisionMade
from adverdict.ledger.moments import micros
from adverdict.ledger.schema import contents, entries
from adverdict.serving.console.decisions.listing import first_after
from adverdict.serving.console.reviewers import FEWEST
from adverdict.storage.charts import Bar, Columns, columns

HOUR = 3600 * 10**6
HOURS = 48
DAYS = 28
FEWEST_DAYS = 5
"""Days with decisions from which on something is usual."""
ORDER = (Verdict.APPROVE.value, Verdict.REVIEW.value, Verdict.REJECT.value)


@dataclass(frozen=True)
class Volume:
    """Decisions by the hour they were recorded in (UTC, since 1970), by the model's verdict."""

    hours: Mapping[int, Mapping[str, int]]
    now: datetime

    def last(self, hours: int, before: int = 0) -> dict[str, int]:
        """Counts of so many whole hours and the one that runs, ``before`` hours ago."""
        end = micros(self.now) // HOUR - before
        found: dict[str, int] = defaultdict(int)
        for hour in range(end - hours + 1, end + 1):
            for verdict, number in self.hours.get(hour, {}).items():
                found[verdict] += number
        return {verdict: found[verdict] for verdict in ORDER}

    @property
    def today(self) -> int:
        return sum(self.last(24).values())

    @property
    def alone(self) -> int:
        """The last day's decisions that no person was asked about."""
        return self.today - self.last(24)[Verdict.REVIEW.value]

    @property
    def automatic(self) -> float | None:
        """Their share; None: of so few decisions it would say nothing."""
        return _automatic(self.last(24)) if self.today >= FEWEST else None

    @property
    def usual(self) -> float | None:
        """Median of the days before; None: too few had any."""
        days = [sum(self.last(24, 24 * day).values()) for day in range(1, DAYS)]
        some = [number for number in days if number]
        return median(some) if len(some) >= FEWEST_DAYS else None

    @property
    def usual_automatic(self) -> tuple[float, float] | None:
        """The middle half of the days before; None as above."""
        shares = sorted(share for day in range(1, DAYS) if (share := _automatic(self.last(24, 24 * day))) is not None)
        return (shares[len(shares) // 4], shares[(3 * len(shares)) // 4]) if len(shares) >= FEWEST_DAYS else None

    def by_hour(self) -> Columns:
        end = micros(self.now) // HOUR
        return columns([self._bar(hour, 1, "%H:00", f"{HOURS} hours") for hour in range(end - HOURS + 1, end + 1)])

    def by_day(self) -> Columns:
        end = micros(self.now) // HOUR // 24
        return columns([self._bar(24 * day, 24, "%-d %b", "") for day in range(end - DAYS + 1, end + 1)], labels=5)

    def _bar(self, hour: int, hours: int, form: str, _: str) -> Bar:
        found: dict[str, float] = dict.fromkeys(ORDER, 0.0)
        for each in range(hour, hour + hours):
            for verdict, number in self.hours.get(each, {}).items():
                found[verdict] = found.get(verdict, 0.0) + number
        at = datetime.fromtimestamp(hour * 3600, UTC)
        said = f"{at:{form}}: {found['approve']:,.0f} approved, {found['review']:,.0f} to people, {found['reject']:,.0f} rejected"
        return Bar(f"{at:{form}}", found, said)


def count(connection: Connection, now: datetime) -> Volume:
    """Of the last ``DAYS`` days."""
    since = micros(now - timedelta(days=DAYS))
    hour = (entries.c.at.op("/")(literal_column(str(HOUR)))).label("hour")
    query = select(hour, contents.c.verdict, func.count().label("number")).join(contents, contents.c.seq == entries.c.seq)
    query = query.where(entries.c.kind == DecisionMade.kind, entries.c.seq >= first_after(connection, since), entries.c.at >= since)
    found: dict[int, dict[str, int]] = defaultdict(dict)
    for row in connection.execute(query.where(not_withdrawn()).group_by(hour, contents.c.verdict)):
        found[int(row.hour)][row.verdict] = row.number
    return Volume(dict(found), now)


def _automatic(counts: Mapping[str, int]) -> float | None:
    total = sum(counts.values())
    return 1 - counts[Verdict.REVIEW.value] / total if total else None
