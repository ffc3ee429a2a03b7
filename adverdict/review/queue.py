"""The queue that reviewers work on: claim a task, answer it before somebody else gets it.

Leases carry a fencing token that every claim counts up; an answer counts only under the last one, so a reviewer who stalls cannot decide
what has gone to somebody else. Locks are taken in one order, so nothing deadlocks: whoever appends holds the chain's end before any task,
and claims, which do not append, never wait for a task's row.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import count, islice

from sqlalchemy import Connection, and_, case, func, select, update

from adverdict.decisions.books import HasBook, book_of
from adverdict.decisions.policy import PolicyBook
from adverdict.domain.errors import Conflict, NotFound
from adverdict.domain.verdict import Verdict
from adverdict.ledger import store
from adverdict.ledger.entries import Answered, Resolved, Ruled
from adverdict.ledger.moments import micros
from adverdict.ledger.schema import tasks as table
from adverdict.ledger.store import Ledger, Writing
from adverdict.review.cases import appeals, cases
from adverdict.review.cases.answers import Answer, Outcome, answered, check, mark, same
from adverdict.review.labels.labels import as_drawn
from adverdict.review.tasks import claims, golden, routing, tasks
from adverdict.review.tasks.copies import waiting
from adverdict.review.tasks.draws import draws_of, is_task_id, unkeyed_task_id
from adverdict.review.tasks.settings import ReviewSettings
from adverdict.review.tasks.tasks import Task

_PAGE = 100


@dataclass(frozen=True)
class LeasedTask:
    """A task that its reviewer may answer."""

    task: Task
    token: int
    """To be sent with the answer."""
    until: datetime
    """From then on somebody else may get the task; until somebody does, the token stays good."""


@dataclass(frozen=True)
class QueueDepth:
    """Unfinished tasks of one kind that ask the same skills. Golden tasks are not counted."""

    market: str
    language: str | None
    kind: str
    policies: tuple[str, ...]
    senior: bool
    open: int
    """Waiting, or with a lease that has run out."""
    leased: int
    oldest_seconds: float
    """Since the oldest of them was opened."""
    overdue: int
    """Past their due moment."""


class Queue:
    """The tasks of one ledger. Holds nothing itself: any number of processes may have one."""

    def __init__(
        self, ledger: Ledger, book: PolicyBook | HasBook, settings: ReviewSettings | None = None, clock: Callable[[], datetime] = store.now
    ) -> None:
        self._ledger = ledger
        self._book = book
        self.settings = settings or ReviewSettings()
        self._clock = clock

    def claim(self, reviewer: str, besides: str = "") -> LeasedTask | None:
        """The reviewer's next task, leased to them; None when there is none that they may take. Sometimes a golden one.

        ``besides``: the id of a task that is left out, as one that was just given back.
        """
        erased: list[str] = []
        with self._ledger.change() as connection:
            leased = self._claim(connection, reviewer, besides, erased)
        self._withdraw(erased)
        return leased

    def peek(self, reviewer: str, besides: str = "") -> Task | None:
        """What ``claim`` would give next if nothing changed, ``besides`` (a task's id) left out. Nothing is leased."""
        with self._ledger.look() as connection:
            who = routing.reviewer(connection, reviewer)
            task = claims.best(connection, who, self._clock(), besides=besides) if who.active else None
            if task is None or not claims.readable(connection, task.about):
                return None
            return golden.instead_of(connection, task, who, self.settings.golden_share, self._clock()) or task

    def held(self, reviewer: str) -> list[LeasedTask]:
        """The tasks leased to a reviewer now, earliest lease first: what to go on with after a page was reloaded."""
        mine = (table.c.reviewer == reviewer) & (table.c.state == "leased") & (table.c.lease_until > micros(self._clock()))
        with self._ledger.look() as connection:
            rows = connection.execute(select(table).where(mine).order_by(table.c.lease_until)).all()
        return [_leased(tasks.task_of(row)) for row in rows]

    def task(self, task_id: str) -> Task:
        """Raises NotFound."""
        with self._ledger.look() as connection:
            return tasks.find(connection, task_id)

    def renew(self, task_id: str, reviewer: str, token: int) -> LeasedTask:
        """A lease from now on. Raises Conflict when the task has gone to somebody else, is finished or was erased, NotFound."""
        until = self._clock() + timedelta(seconds=self.settings.lease_seconds)
        with self._ledger.change() as connection:
            own = tasks.under(task_id, reviewer, token)
            if connection.execute(update(table).where(own).values(lease_until=micros(until))).rowcount != 1:
                raise _passed_on(_held(connection, task_id))
            return _leased(tasks.find(connection, task_id))

    def release(self, task_id: str, reviewer: str, token: int) -> None:
        """Give a task back unread. Raises Conflict when the task has gone to somebody else, is finished or was erased, NotFound."""
        with self._ledger.change() as connection:
            own = tasks.under(task_id, reviewer, token)
            # A golden task goes on being its reviewer's, who has seen it: claims give it to them again, and to nobody else.
            whose = case((table.c.kind == "golden", table.c.reviewer), else_=None)
            values = {"state": "open", "reviewer": whose, "lease_until": None}
            if connection.execute(update(table).where(own).values(values)).rowcount != 1:
                raise _passed_on(_held(connection, task_id))

    def answer(self, task_id: str, reviewer: str, token: int, answer: Answer, *, copies: Sequence[str] = ()) -> Outcome:
        """Record the answer and what follows from it, all or nothing. Sent again unchanged it changes nothing and says the same.

        ``copies``: tasks about copies that the same answer is to do for, as they were shown; those that wait no more are left out.

        Raises NotFound, InvalidInput (every mistake), Conflict (the task has gone to somebody else, was answered otherwise, is no longer
        needed, or was erased).
        """
        now = self._clock()
        with self._ledger.write() as writing:
            task = _held(writing.connection, task_id)
            if task.state == "done":
                return _again(writing.connection, task, reviewer, token, answer)
            if (task.state, task.reviewer, task.token) != ("leased", reviewer, token) or golden.gone(writing.connection, task, now):
                raise _passed_on(task)
            check(answer, task)
            closing = update(table).where(tasks.under(task_id, reviewer, token)).values(state="done", closed_at=micros(now))
            if writing.connection.execute(closing).rowcount != 1:
                raise _passed_on(_held(writing.connection, task_id))
            outcome = self._record(writing, task, answer, now)
            if (marked := mark(answer, task)) is not None:
                writing.append(f"mrk-{task_id}", marked, now)
            return replace(outcome, copies=self._along(writing, task, answer, copies, now)) if copies else outcome

    def depths(self) -> list[QueueDepth]:
        """Every queue with unfinished tasks, by market, language, kind and policies."""
        now = micros(self._clock())
        held = and_(table.c.state == "leased", table.c.lease_until > now)
        groups = (table.c.market, table.c.language, table.c.kind, table.c.policies, table.c.senior)
        query = (
            select(
                *groups,
                func.count().label("all"),
                func.sum(case((held, 1), else_=0)).label("leased"),
                func.min(table.c.opened_at).label("oldest"),
                func.sum(case((table.c.due_at < now, 1), else_=0)).label("overdue"),
            )
            .where(table.c.state.in_(tasks.UNFINISHED), table.c.kind != "golden")
            .group_by(*groups)
        )
        with self._ledger.look() as connection:
            rows = connection.execute(query).all()
        depths = [
            QueueDepth(
                market=row.market,
                language=row.language,
                kind=row.kind,
                policies=tuple(json.loads(row.policies)),
                senior=bool(row.senior),
                open=row.all - int(row.leased),
                leased=int(row.leased),
                oldest_seconds=max((now - row.oldest) / 1e6, 0.0),
                overdue=int(row.overdue),
            )
            for row in rows
        ]
        return sorted(depths, key=lambda depth: (depth.market, depth.language or "", depth.kind, depth.policies, depth.senior))

    def _claim(self, connection: Connection, reviewer: str, besides: str, erased: list[str]) -> LeasedTask | None:
        now = self._clock()
        claims.hold(connection, reviewer)
        who = routing.reviewer(connection, reviewer)
        if not who.active:
            return None
        task = claims.best(connection, who, now, locked=True, besides=besides)
        while task is not None and not claims.readable(connection, task.about):
            erased.append(task.about)
            tasks.withdraw(connection, table.c.task_id == task.task_id, now)
            task = claims.best(connection, who, now, locked=True, besides=besides)
        if task is None:
            return None
        known = golden.instead_of(connection, task, who, self.settings.golden_share, now)
        if known is not None and known.reviewer is None:  # else they had it, and put it back or left it
            tasks.add(connection, [known])
        until = now + timedelta(seconds=self.settings.lease_seconds)
        return _leased(tasks.lease(connection, known or task, reviewer, until))

    def _record(self, writing: Writing, task: Task, answer: Answer, now: datetime, along_with: str | None = None) -> Outcome:
        if task.kind == "golden":
            self._as_much_work(writing, task)
            writing.append(cases.answer_id(task.task_id), answered(answer, task, None, now), now)
            return Outcome(task.task_id, cases.answer_id(task.task_id))
        try:
            before = cases.record(writing, task.about)
        except NotFound as error:
            raise Conflict(f"task {task.task_id} is no longer needed: {error}") from error
        source = cases.source(writing.connection, task)
        given = answered(answer, task, source, now)
        drawn = tuple(as_drawn(label, before.made.decision) for label in given.labels)
        writing.append(cases.answer_id(task.task_id), given.model_copy(update={"labels": drawn, "along_with": along_with}), now)
        if task.kind == "appeal":
            return appeals.rule(writing, task, answer, before, book_of(self._book), self.settings, now)
        return cases.settle(writing, task, cases.record(writing, task.about), self.settings, now)

    def _as_much_work(self, writing: Writing, task: Task) -> None:
        """What another answer would read, so that how long it takes does not tell a golden task."""
        other = golden.behind(writing.connection, task)
        if other is not None:
            with suppress(NotFound):
                cases.record(writing, other.about)
                cases.source(writing.connection, other)
                cases.record(writing, other.about)
                tasks.of_case(writing.connection, other.case_id)

    def _along(self, writing: Writing, task: Task, answer: Answer, wanted: Sequence[str], now: datetime) -> tuple[str, ...]:
        """Answer the tasks about copies that still wait, each with an entry of its own: which ones. Only a verdict does for others."""
        if answer.verdict not in ("approve", "reject"):
            return ()
        connection, done = writing.connection, list[str]()
        own = replace(answer, seconds=None, no_policy_fits=False)
        for one in waiting(connection, task, routing.reviewer(connection, task.reviewer or "")):
            if one.task.task_id not in wanted or not claims.readable(connection, one.task.about):
                continue
            copy = replace(one.task, token=one.task.token + 1, reviewer=task.reviewer, state="done")
            still = (table.c.task_id == copy.task_id) & (table.c.state == "open") & (table.c.token == one.task.token)
            closing = update(table).where(still).values(token=copy.token, reviewer=copy.reviewer, state="done", closed_at=micros(now))
            if connection.execute(closing).rowcount == 1:  # else somebody has just taken it
                self._record(writing, copy, own, now, along_with=task.task_id)
                done.append(copy.task_id)
        return tuple(done)

    def _withdraw(self, erased: list[str]) -> None:
        """The other tasks about decisions whose contents are gone, in a transaction that holds the chain's end, as ``withdraw`` wants."""
        if erased:
            with self._ledger.write() as writing:
                tasks.withdraw(writing.connection, table.c.about.in_(erased), self._clock())


def _leased(task: Task) -> LeasedTask:
    assert task.lease_until is not None, "leased tasks have an end"
    return LeasedTask(task, task.token, task.lease_until)


def _held(connection: Connection, task_id: str) -> Task:
    """A task that somebody says they hold. Raises NotFound, or Conflict for what can have been one: only erasing an ad deletes tasks."""
    try:
        return tasks.find(connection, task_id)
    except NotFound as error:
        if is_task_id(task_id):
            raise Conflict(f"task {task_id} cannot be changed under this lease: it was withdrawn, as its ad was erased") from error
        raise


def _passed_on(task: Task) -> Conflict:
    why = {
        "open": "it was given back",
        "leased": "it has gone to somebody else, or to you again in another window",
        "done": "it is answered already",
        "withdrawn": "it is no longer needed",
    }[task.state]
    return Conflict(f"task {task.task_id} cannot be changed under this lease: {why}")


def _again(connection: Connection, task: Task, reviewer: str, token: int, answer: Answer) -> Outcome:
    """The outcome of an answer that was given before. Raises Conflict when another one was."""
    first = store.find(connection, cases.answer_id(task.task_id)).body
    if not isinstance(first, Answered) or not same(answer, first, reviewer, token):
        raise _passed_on(task)
    outcome = Outcome(task.task_id, cases.answer_id(task.task_id), opened=tuple(_opened(connection, task.task_id)))
    for entry in store.about(connection, task.about):
        if isinstance(entry.body, Resolved) and entry.body.task_id == task.task_id and entry.body.by != "copy":
            outcome = replace(outcome, settled=Verdict(entry.body.verdict), by=entry.body.by)
        if isinstance(entry.body, Ruled) and entry.body.task_id == task.task_id:
            outcome = replace(outcome, ruling=entry.body.outcome)
    return outcome


def _opened(connection: Connection, task_id: str) -> list[str]:
    """The tasks that an answer opened: their ids are made from its task's, numbered without a gap."""
    return _numbered(connection, task_id, draws_of(connection).task_id) or _numbered(connection, task_id, unkeyed_task_id)


def _numbered(connection: Connection, task_id: str, named: Callable[[str, int], str]) -> list[str]:
    numbers, kept = count(), list[str]()
    while True:
        page = [named(task_id, number) for number in islice(numbers, _PAGE)]
        there = tasks.existing(connection, page)
        kept += [name for name in page if name in there]
        if len(there) < len(page):
            return kept
