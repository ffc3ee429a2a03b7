"""A review task, and the row it is kept in."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal, NamedTuple, cast

from sqlalchemy import ColumnElement, Connection, Row, select, update

from adverdict.domain.errors import NotFound
from adverdict.ledger import rows
from adverdict.ledger.moments import micros, moment
from adverdict.ledger.schema import tasks
from adverdict.review.tasks.settings import Kind

State = Literal["open", "leased", "done", "withdrawn"]
UNFINISHED = ("open", "leased")
CHUNK = 500
"""Ids in one statement: databases limit how many."""


class Draw(NamedTuple):
    """How a planned sample came to an ad: its name with the part, and with which probability in (0, 1]."""

    design: str
    probability: float


@dataclass(frozen=True)
class Task:
    """What one person is asked about one ad. Mirrors a row of ``tasks``."""

    task_id: str
    case_id: str
    """Tasks about one question share it: the decision's id, or the appeal's."""
    kind: Kind
    about: str
    """The decision's id; the golden item's for a golden task."""
    ad_id: str
    advertiser_id: str
    market: str
    language: str | None
    """Primary language subtag, in small letters."""
    policies: tuple[str, ...]
    """What the reviewer is asked."""
    senior: bool
    """Whether only senior reviewers may take it."""
    probability: float
    """With which it was opened, in (0, 1]."""
    harm: float
    """Expected harm a minute of handling when it was opened."""
    opened_at: datetime
    due_at: datetime
    """The queue's order: earliest first."""
    state: State = "open"
    token: int = 0
    """Counts the leases; an answer counts only under the last one."""
    reviewer: str | None = None
    """Who holds it, held it last, or answered it."""
    lease_until: datetime | None = None
    closed_at: datetime | None = None
    drawn: Mapping[str, Draw] | None = None
    """By policy asked, of a task in a planned sample's case; None: of another."""

    @property
    def shown_kind(self) -> Literal["review", "senior", "appeal"]:
        """What its reviewer may know: audits, samples, second readings and golden tasks look like any other."""
        return "senior" if self.kind == "senior" else "appeal" if self.kind == "appeal" else "review"


class RoutingKey(NamedTuple):
    """What a task asks of its reviewer. There are few lanes however many tasks, so a reviewer's next task is found lane by lane."""

    market: str
    language: str | None
    senior: bool
    policies: tuple[str, ...]

    @property
    def key(self) -> str:
        """``market|language|senior|policies``; none of them holds a bar."""
        return "|".join((self.market, self.language or "", "senior" if self.senior else "", ",".join(self.policies)))

    @classmethod
    def parse(cls, key: str) -> RoutingKey:
        market, language, senior, policies = key.split("|")
        return cls(market, language or None, bool(senior), tuple(policies.split(",")) if policies else ())


def routing_key_of(task: Task) -> RoutingKey:
    return RoutingKey(task.market, task.language, task.senior, task.policies)


def task_of(row: Row[Any]) -> Task:
    values = dict(row._mapping)
    del values["lane"]
    values["policies"] = tuple(json.loads(values["policies"]))
    if values["drawn"] is not None:
        values["drawn"] = {policy: Draw(*told) for policy, told in json.loads(values["drawn"]).items()}
    for name in ("opened_at", "due_at", "lease_until", "closed_at"):
        values[name] = None if values[name] is None else moment(values[name])
    return Task(**values)


def find(connection: Connection, task_id: str) -> Task:
    """Raises NotFound."""
    row = connection.execute(select(tasks).where(tasks.c.task_id == task_id)).one_or_none()
    if row is None:
        raise NotFound(f"no task {json.dumps(task_id)}")
    return task_of(row)


def of_case(connection: Connection, case_id: str) -> list[Task]:
    return [task_of(row) for row in connection.execute(select(tasks).where(tasks.c.case_id == case_id).order_by(tasks.c.opened_at))]


def add(connection: Connection, new: Sequence[Task]) -> None:
    """Raises sqlalchemy's IntegrityError when one is there already: ids say what opened a task, so nothing opens it twice."""
    if new:
        rows.add(connection, tasks, [_row(task) for task in new])


def lease(connection: Connection, task: Task, reviewer: str, until: datetime) -> Task:
    """The task under a new token. The caller holds the row."""
    token = task.token + 1
    values = {"state": "leased", "token": token, "reviewer": reviewer, "lease_until": micros(until)}
    connection.execute(update(tasks).where(tasks.c.task_id == task.task_id).values(values))
    return replace(task, state="leased", token=token, reviewer=reviewer, lease_until=until)


def under(task_id: str, reviewer: str, token: int) -> ColumnElement[bool]:
    """Whether a row is still leased under this token: the fence. It holds past the lease's end until somebody else claims the task."""
    own = (tasks.c.task_id == task_id) & (tasks.c.token == token)
    return cast("ColumnElement[bool]", own & (tasks.c.reviewer == reviewer) & (tasks.c.state == "leased"))


def withdraw(connection: Connection, which: ColumnElement[bool], at: datetime) -> int:
    """Close unfinished tasks that nobody needs to answer any more; how many. The reviewer stays noted: they have seen the ad.

    In a transaction that holds the chain's end, so that no two such transactions wait for each other's rows.
    """
    unfinished = tasks.c.state.in_(UNFINISHED) & which
    done = connection.execute(update(tasks).where(unfinished).values(state="withdrawn", closed_at=micros(at)))
    return done.rowcount


def existing(connection: Connection, ids: Sequence[str]) -> set[str]:
    """Those of the ids that name a task."""
    found: set[str] = set()
    for start in range(0, len(ids), CHUNK):
        query = select(tasks.c.task_id).where(tasks.c.task_id.in_(ids[start : start + CHUNK]))
        found.update(connection.scalars(query))
    return found


def _row(task: Task) -> dict[str, object]:
    values: dict[str, Any] = dict(vars(task))
    values["policies"] = json.dumps(task.policies)
    values["drawn"] = None if task.drawn is None else json.dumps(task.drawn)
    values["lane"] = routing_key_of(task).key
    for name in ("opened_at", "due_at", "lease_until", "closed_at"):
        values[name] = None if values[name] is None else micros(values[name])
    return values
