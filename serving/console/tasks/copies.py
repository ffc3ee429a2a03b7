"""What a reviewer is shown of an ad's copies: those that one answer does for, and what people made of others before."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection

from adverdict.domain.errors import NotFound
from adverdict.domain.verdict import Verdict
from adverdict.ledger.entries import DecisionMade
from adverdict.ledger.store import Ledger, find
from adverdict.review.tasks.copies import EarlierVerdict, contradicted, earlier, waiting
from adverdict.review.tasks.routing import reviewer
from adverdict.review.tasks.tasks import Task

SHOWN = 10
"""Copies written out."""
EARLIER = 5


@dataclass(frozen=True)
class ShownCopy:
    text: str
    alike: str


@dataclass(frozen=True)
class ShownVerdict:
    """What people made of a copy."""

    verdict: Verdict
    violated: tuple[str, ...]
    by: str | None
    decision_id: str
    alike: str
    at: datetime


@dataclass(frozen=True)
class CopiesView:
    waiting: int = 0
    advertisers: int = 0
    tasks: str = ""
    """Their ids, with commas between them."""
    shown: tuple[ShownCopy, ...] = field(default=())
    earlier: tuple[ShownVerdict, ...] = field(default=())
    """The latest first."""

    @property
    def any(self) -> bool:
        return bool(self.waiting or self.earlier)


def copies_of(connection: Connection, task: Task) -> CopiesView:
    """Nothing of a task that measures something, and nothing of ads that no cluster knows yet."""
    also = waiting(connection, task, reviewer(connection, task.reviewer or ""))
    return CopiesView(
        waiting=len(also),
        advertisers=len({one.task.advertiser_id for one in also}),
        tasks=",".join(one.task.task_id for one in also),
        shown=tuple(ShownCopy(_words(connection, one.task), f"{one.near.words:.0%}") for one in also[:SHOWN]),
        earlier=tuple(map(_shown, earlier(connection, task)[:EARLIER])),
    )


def differing(ledger: Ledger, task: Task, verdict: str) -> str:
    """The latest decision about a copy of which people made the opposite of this answer; empty: there is none."""
    with ledger.look() as connection:
        found = contradicted(earlier(connection, task), verdict)
    return found[0].decision_id if found else ""


def _shown(one: EarlierVerdict) -> ShownVerdict:
    return ShownVerdict(one.verdict, one.violated, one.by, one.decision_id, f"{one.near.words:.0%}", one.at)


def _words(connection: Connection, task: Task) -> str:
    try:
        body = find(connection, task.about).body
    except NotFound:
        return "erased"
    if not isinstance(body, DecisionMade):
        return "erased"
    return " · ".join(part for part in (body.ad.title, body.ad.body) if part) or "without words"
