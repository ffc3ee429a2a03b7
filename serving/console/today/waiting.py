"""What waits for people: how old it is, what is past its kind's deadline, and what of it is the same creative again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, and_, case, func, select

from adverdict.ledger.moments import micros, moment
from adverdict.ledger.schema import contents, tasks
from adverdict.review.tasks.late import past_due
from adverdict.review.tasks.settings import ReviewSettings
from adverdict.review.tasks.tasks import UNFINISHED
from adverdict.storage.charts import Bar, Columns, columns

AGES = ((900, "< 15 min"), (3600, "– 1 h"), (4 * 3600, "– 4 h"), (12 * 3600, "– 12 h"), (24 * 3600, "– 24 h"), (None, "> 24 h"))
"""Ends of the ages, in seconds."""


@dataclass(frozen=True)
class Oldest:
    """A task that waits."""

    about: str
    kind: str
    market: str
    opened_at: datetime


@dataclass(frozen=True)
class Waiting:
    """Golden tasks are not counted."""

    ages: Mapping[int, tuple[int, int]]
    """Number of the age -> tasks, and those of them that are past their kind's deadline."""
    oldest: Oldest | None
    """Of those past their deadline; else of all."""
    creatives: int
    repeats: int
    """Tasks that share their creative with another one that waits."""
    handling: float
    """Seconds that a task is expected to take."""

    @property
    def tasks(self) -> int:
        return sum(number for number, _ in self.ages.values())

    @property
    def late(self) -> int:
        return sum(late for _, late in self.ages.values())

    @property
    def hours(self) -> float:
        return self.tasks * self.handling / 3600

    def by_age(self) -> Columns:
        bars = []
        for number, (_, label) in enumerate(AGES):
            all_of_them, late = self.ages.get(number, (0, 0))
            told = f"{label}: {all_of_them:,}, {late:,} of them past due"
            bars.append(Bar(label, {"waits": float(all_of_them - late), "late": float(late)}, told))
        return columns(bars)


def count(connection: Connection, settings: ReviewSettings, now: datetime) -> Waiting:
    at = micros(now)
    age = case(
        *((tasks.c.opened_at > at - end * 10**6, number) for number, (end, _) in enumerate(AGES) if end is not None), else_=len(AGES) - 1
    )
    late = case((past_due(settings, at), 1), else_=0)
    open_ones = and_(tasks.c.state.in_(UNFINISHED), tasks.c.kind != "golden")
    rows = connection.execute(
        select(age.label("age"), func.count().label("number"), func.sum(late).label("late")).where(open_ones).group_by(age)
    )
    ages = {int(row.age): (int(row.number), int(row.late)) for row in rows}
    first = connection.execute(
        select(tasks.c.about, tasks.c.kind, tasks.c.market, tasks.c.opened_at)
        .where(open_ones)
        .order_by(late.desc(), tasks.c.opened_at)
        .limit(1)
    ).one_or_none()
    oldest = None if first is None else Oldest(first.about, first.kind, first.market, moment(first.opened_at))
    creatives, repeats = _repeats(connection, open_ones)
    return Waiting(ages, oldest, creatives, repeats, settings.handling_seconds)


def _repeats(connection: Connection, open_ones: object) -> tuple[int, int]:
    """Creatives that wait, and tasks that share theirs. An ad that names no creative is one of its own."""
    # A decision's own row is about itself, and alone has the moment of its ad's submission.
    own = and_(contents.c.about == tasks.c.about, contents.c.submitted_at.is_not(None))
    query = select(contents.c.creative_id, func.count(func.distinct(tasks.c.about)).label("ads")).join_from(tasks, contents, own)
    query = query.where(open_ones).group_by(contents.c.creative_id)  # type: ignore[arg-type]
    found = {row.creative_id: row.ads for row in connection.execute(query)}
    alone = found.pop(None, 0)
    return len(found) + alone, sum(ads for ads in found.values() if ads > 1)
