"""A reviewer's own day: how much they answered, how long it took them, and what there is for them. Nobody else's figures are here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from statistics import median
from threading import Lock

from sqlalchemy import func, select
from starlette.responses import Response

from adverdict.ledger.entries import Answered
from adverdict.ledger.moments import micros
from adverdict.ledger.schema import tasks
from adverdict.review.period import Period, entries_in
from adverdict.review.queue import QueueDepth
from adverdict.review.tasks.claims import may_take
from adverdict.review.tasks.routing import Reviewer, reviewer
from adverdict.review.tasks.tasks import RoutingKey
from adverdict.serving.console.parts import Parts
from adverdict.serving.console.visits import Visit

FRESH = timedelta(seconds=15)
EXACT = 10
"""Tasks from which on their number is rounded: whoever could see it fall, or not, by one would know which task was golden."""


@dataclass(frozen=True)
class Progress:
    """Since midnight, UTC."""

    answered: int
    waiting: str
    """What the reviewer may take, in words."""
    appeals: bool
    """Whether there are appeals among it."""


@dataclass(frozen=True)
class Day:
    """Answers of one reviewer since midnight, UTC, golden ones included."""

    hours: tuple[tuple[int, int], ...]
    """Hour of the day and answers in it, from the first to the last with any."""
    minutes: float
    """Spent reading."""
    median_seconds: float | None
    """None: nothing says how long anything took."""

    @property
    def answered(self) -> int:
        return sum(number for _, number in self.hours)


class ProgressCache:
    """By reviewer, for a moment: the page that asks is shown after every answer."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._lock = Lock()
        self._found: dict[str, tuple[datetime, Progress]] = {}

    def get(self, name: str) -> Progress:
        now = self._parts.clock()
        with self._lock:
            at, found = self._found.get(name, (None, None))
        if at is not None and found is not None and now - at < FRESH:
            return found
        found = progress(self._parts, name, now)
        with self._lock:
            self._found[name] = now, found
        return found

    def answered(self, name: str) -> None:
        """Somebody has just answered: their answers are counted anew, what waits is as it was."""
        with self._lock:
            at, found = self._found.get(name, (None, None))
        if at is not None and found is not None:
            counted = replace(found, answered=answered_today(self._parts, name, self._parts.clock()))
            with self._lock:
                self._found[name] = at, counted


def show(visit: Visit) -> Response:
    now, name = visit.parts.clock(), visit.session.name
    return visit.page("review_day.html", "Review", day=day(visit.parts, name, now), progress=progress(visit.parts, name, now))


def progress(parts: Parts, name: str, now: datetime) -> Progress:
    number = answered_today(parts, name, now)
    with parts.ledger.look() as connection:
        who = reviewer(connection, name)
    mine = takeable(parts.queue.depths(), who)
    waiting = sum(one.open + one.leased for one in mine)
    return Progress(number, in_words(waiting), any(one.kind == "appeal" for one in mine))


def answered_today(parts: Parts, name: str, now: datetime) -> int:
    answered = select(func.count()).where(tasks.c.reviewer == name, tasks.c.state == "done", tasks.c.closed_at >= micros(_midnight(now)))
    with parts.ledger.look() as connection:
        return int(connection.execute(answered).scalar_one())


def takeable(depths: Sequence[QueueDepth], who: Reviewer) -> list[QueueDepth]:
    """Of the queues, those whose tasks the reviewer has the skills for."""
    return [one for one in depths if who.active and may_take(who, RoutingKey(one.market, one.language, one.senior, one.policies))]


def in_words(waiting: int) -> str:
    """``none``, ``fewer than 10``, ``about 40``."""
    if waiting == 0:
        return "none"
    return f"fewer than {EXACT}" if waiting < EXACT else f"about {round(waiting, -1 if waiting < 1000 else -2):,}"


def day(parts: Parts, name: str, now: datetime) -> Day:
    """Raises Unavailable."""
    hours, took = Counter[int](), list[float]()
    for entry in entries_in(parts.ledger, Period(_midnight(now), now + timedelta(seconds=1)), [Answered.kind]):
        if isinstance(entry.body, Answered) and entry.body.reviewer == name:
            hours[entry.at.hour] += 1
            took += [] if entry.body.seconds is None else [entry.body.seconds]
    span = range(min(hours), max(hours) + 1) if hours else range(0)
    return Day(tuple((hour, hours[hour]) for hour in span), sum(took) / 60, median(took) if took else None)


def _midnight(now: datetime) -> datetime:
    return now.replace(hour=0, minute=0, second=0, microsecond=0)
