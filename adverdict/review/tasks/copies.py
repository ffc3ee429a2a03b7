"""Copies of an ad under review: those that wait for the same question, and what people have already said of others.

One answer may do for copies that wait, each with an entry of its own. It never does for what is there to measure: audits, planned samples,
golden tasks, second readings, cases that somebody reads a second time, and a fifth of all reviews, drawn at random: what people make of
those without knowing of the copies tells how far verdicts may be carried. Nor does it for appeals and what somebody senior is asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import Connection, func, select

from adverdict.clusters import read
from adverdict.clusters.index import ALIKE, Near
from adverdict.clusters.read import Member
from adverdict.domain.errors import NotFound
from adverdict.domain.verdict import Verdict
from adverdict.ledger.bodies.copies import Unwound
from adverdict.ledger.entries import Resolved, Ruled
from adverdict.ledger.schema import contents, entries
from adverdict.ledger.schema import tasks as table
from adverdict.ledger.store import entry_of, entry_query
from adverdict.review.tasks import claims
from adverdict.review.tasks.draws import draw, draws_of
from adverdict.review.tasks.routing import Reviewer
from adverdict.review.tasks.tasks import Task, routing_key_of, task_of

MOST = 100
"""Copies that one answer does for."""
BLIND = 0.2
"""Share of reviews that are always read blind."""
LOOKED_AT = 400


@dataclass(frozen=True)
class WaitingCopy:
    """A task about a copy."""

    task: Task
    near: Near


@dataclass(frozen=True)
class EarlierVerdict:
    """What people made of a copy."""

    decision_id: str
    ad_id: str
    verdict: Verdict
    violated: tuple[str, ...]
    at: datetime
    by: str | None
    """Who gave the answer that settled it; None: it is not told any more."""
    near: Near


def waiting(connection: Connection, task: Task, who: Reviewer) -> list[WaitingCopy]:
    """Open tasks that an answer to this one would do for as well, nearest first: about copies in the same market whose own words are as
    alike as words alone must be, asking for the same policies, which the reviewer may take."""
    if not plain(connection, task):
        return []
    near = near_copies(connection, task)
    found: list[WaitingCopy] = []
    ids = sorted(near)
    for start in range(0, len(ids), LOOKED_AT):
        query = select(table).where(table.c.about.in_(ids[start : start + LOOKED_AT]), table.c.state == "open", table.c.kind == "review")
        for row in connection.execute(query.where(table.c.market == task.market)):
            other = task_of(row)
            if set(other.policies) == set(task.policies) and claims.may_take(who, routing_key_of(other)) and plain(connection, other):
                found.append(WaitingCopy(other, near[other.about]))
    return sorted(found, key=lambda one: (one.near.distance, one.task.task_id))[:MOST]


def earlier(connection: Connection, task: Task) -> list[EarlierVerdict]:
    """What people made of copies of a task's ad in its market, the latest first. Of a task that is there to measure, nothing: its reader
    must not know."""
    if not plain(connection, task):
        return []
    near, found = near_copies(connection, task), dict[str, EarlierVerdict]()
    ids = sorted(near)
    for start in range(0, len(ids), LOOKED_AT):
        some = contents.c.about.in_(ids[start : start + LOOKED_AT])
        query = entry_query().where(some, entries.c.kind.in_((Resolved.kind, Ruled.kind, Unwound.kind))).order_by(entries.c.seq)
        for entry in map(entry_of, connection.execute(query)):
            body = entry.body
            if isinstance(body, Unwound):
                found.pop(body.decision_id, None)
            elif isinstance(body, Resolved | Ruled):
                verdict = body.verdict if isinstance(body, Resolved) else _of_ruling(body.outcome)
                violated = body.violated if isinstance(body, Resolved) else ()
                by = _reader(connection, body.task_id)
                told = EarlierVerdict(body.decision_id, body.ad_id, Verdict(verdict), violated, entry.at, by, near[body.decision_id])
                found[body.decision_id] = told  # the last one counts
    return sorted(found.values(), key=lambda one: one.at, reverse=True)


def contradicted(before: Sequence[EarlierVerdict], verdict: str) -> list[EarlierVerdict]:
    """Those that an answer contradicts: the same was settled the other way."""
    return [one for one in before if {str(one.verdict), verdict} == {"approve", "reject"}]


def read_blind(connection: Connection, task: Task) -> bool:
    """Whether a review is one that is always read without knowing what people made of copies, and by itself: from these it is learnt how
    often a carried verdict is wrong."""
    draws = draws_of(connection)
    drawn = draw if task.opened_at < draws.since else draws.draw
    return drawn("carried", task.task_id) < BLIND


def plain(connection: Connection, task: Task) -> bool:
    """Whether the task is a review that measures nothing, and the only one of its case."""
    return lone(connection, task) and not read_blind(connection, task)


def lone(connection: Connection, task: Task) -> bool:
    """The same whether or not it is read blind."""
    if task.kind != "review" or task.senior or task.drawn is not None:
        return False
    return connection.execute(select(func.count()).where(table.c.case_id == task.case_id)).scalar_one() == 1


def near_copies(connection: Connection, task: Task) -> dict[str, Near]:
    """Copies by the decision that first decided them, without the ad itself."""
    try:
        seq = read.found(connection, task.about)
    except NotFound:
        return {}
    members = read.copies(connection, seq)
    return {one.decision_id: one.near for one in members if one.near is not None and one.near.words >= ALIKE and _other(one, task)}


def _other(one: Member, task: Task) -> bool:
    return one.market == task.market and one.ad_id != task.ad_id


def _of_ruling(outcome: Literal["upheld", "overturned"]) -> Verdict:
    return Verdict.REJECT if outcome == "upheld" else Verdict.APPROVE


def _reader(connection: Connection, task_id: str) -> str | None:
    return connection.execute(select(table.c.reviewer).where(table.c.task_id == task_id)).scalar()
