"""Which task is a reviewer's next: the earliest due among those that are open, or whose lease has run out, and that they may take.

For somebody of all skills that is the first row in the order of ``due_at``. For others that row may lie behind any number of tasks which
they may not take, so the lanes are looked at instead: the first due of each, the earliest first.
"""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Select, bindparam, exists, func, select

from adverdict.ledger.entries import DecisionMade
from adverdict.ledger.moments import micros
from adverdict.ledger.schema import contents, entries, tasks
from adverdict.review.tasks.draws import lock_number
from adverdict.review.tasks.routing import Reviewer
from adverdict.review.tasks.tasks import UNFINISHED, RoutingKey, Task, task_of


def hold(connection: Connection, reviewer: str) -> None:
    """Let nobody else claim in this reviewer's name until the transaction ends: two windows must not get two readings of one case.

    On SQLite a writer is alone anyway. Taken before any row is locked, and nobody who holds rows waits for it.
    """
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(%s)", (lock_number(reviewer),))


def best(connection: Connection, who: Reviewer, now: datetime, *, besides: str = "", locked: bool = False) -> Task | None:
    """The next task. ``locked``: its row is held until the transaction ends; rows that others hold are passed over."""
    values = {"me": who.name, "besides": besides, "now": micros(now)}
    found = [_first(connection, who, state, values, locked) for state in UNFINISHED]
    return min((task for task in found if task is not None), key=lambda task: (task.due_at, task.task_id), default=None)


def readable(connection: Connection, decision_id: str) -> bool:
    """False when the decision's content was erased: there is nothing left to show."""
    there = select(contents.c.seq).join(entries, entries.c.seq == contents.c.seq)
    query = there.where(entries.c.entry_id == decision_id, entries.c.kind == DecisionMade.kind)
    return connection.execute(query).first() is not None


def may_take(who: Reviewer, lane: RoutingKey) -> bool:
    """Whether a reviewer has the skills; an ad whose language is not told goes to anybody in its market."""
    return (
        (who.senior or not lane.senior)
        and (not who.markets or lane.market in who.markets)
        and (not who.languages or lane.language is None or lane.language in who.languages)
        and (not who.policies or set(lane.policies) <= set(who.policies))
    )


def _first(connection: Connection, who: Reviewer, state: str, values: dict[str, Any], locked: bool) -> Task | None:
    if not (who.markets or who.languages or who.policies):
        row = connection.execute(_query(state, who.senior, False, locked), values).one_or_none()
        return None if row is None else task_of(row)
    found: list[Task] = []
    for due_at, lane in _lanes(connection, who, state, values):
        if found and due_at > min(micros(task.due_at) for task in found):
            break  # this lane's first, and those of all that follow, are due later
        row = connection.execute(_query(state, True, True, locked), {**values, "lane": lane}).one_or_none()
        found += [] if row is None else [task_of(row)]
    return min(found, key=lambda task: (task.due_at, task.task_id), default=None)


def _lanes(connection: Connection, who: Reviewer, state: str, values: dict[str, Any]) -> list[tuple[int, str]]:
    """When the first task of each lane is due that the reviewer may take, earliest first."""
    heads = connection.execute(_open_lanes() if state == "open" else _expired_lanes(), values).all()
    return sorted((row.due_at, row.lane) for row in heads if row.lane and _fits(who, row.lane))


@lru_cache(maxsize=100_000)
def _fits(who: Reviewer, lane: str) -> bool:
    return may_take(who, RoutingKey.parse(lane))


@lru_cache
def _query(state: str, senior: bool, one_lane: bool, locked: bool) -> Select[Any]:
    """Walks ``ix_tasks_state_due_at``, or ``ix_tasks_state_lane_due_at``, in order and stops at the first row that fits."""
    query = select(tasks).where(tasks.c.task_id != bindparam("besides"), ~_seen()).order_by(tasks.c.due_at).limit(1)
    query = query.where(*_expired()) if state == "leased" else query.where(tasks.c.state == "open", tasks.c.kind != "golden")
    if one_lane:
        query = query.where(tasks.c.lane == bindparam("lane"))
    if not senior:
        query = query.where(tasks.c.senior.is_(False))
    return query.with_for_update(skip_locked=True) if locked else query


def _seen() -> Any:
    """Whether the reviewer holds, answered or was the last to hold another task about the same decision: nobody reads a case twice."""
    other = tasks.alias("other")
    # coalesce keeps databases from going through all that the reviewer ever had: few tasks are about one decision.
    mine = func.coalesce(other.c.reviewer, "") == bindparam("me")
    return exists().where(other.c.about == tasks.c.about, mine, other.c.task_id != tasks.c.task_id)


@lru_cache
def _open_lanes() -> Select[Any]:
    """Each lane with open tasks and when its first is due: one look into the index a lane, from one to the next (a loose scan)."""
    opened = tasks.c.state == "open"
    lanes = select(func.min(tasks.c.lane).label("lane")).where(opened).cte("lanes", recursive=True)
    following = select(func.min(tasks.c.lane)).where(opened, tasks.c.lane > lanes.c.lane).scalar_subquery()
    lanes = lanes.union_all(select(following).where(lanes.c.lane.is_not(None)))
    earliest = select(func.min(tasks.c.due_at)).where(opened, tasks.c.lane == lanes.c.lane).scalar_subquery()
    return select(lanes.c.lane, earliest.label("due_at")).where(lanes.c.lane.is_not(None))


@lru_cache
def _expired_lanes() -> Select[Any]:
    """The same of leases that ran out. There are as many leases as reviewers, so all of them are looked at."""
    query = select(tasks.c.lane, func.min(tasks.c.due_at).label("due_at")).group_by(tasks.c.lane)
    return query.where(*_expired())


def _expired() -> tuple[Any, ...]:
    return tasks.c.state == "leased", tasks.c.lease_until <= bindparam("now"), tasks.c.kind != "golden"
