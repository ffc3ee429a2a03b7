"""Which tasks have waited longer than their kind may. The due moments by which tasks are ordered come sooner: they are no deadline."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, case, func, select

from adverdict.ledger.moments import micros
from adverdict.ledger.schema import tasks
from adverdict.review.tasks.settings import Kind, ReviewSettings
from adverdict.review.tasks.tasks import UNFINISHED

QueueKey = tuple[str, str | None, str, tuple[str, ...], bool]
"""Market, language, kind, policies asked, and whether only for seniors."""
KINDS: tuple[Kind, ...] = ("review", "audit", "sample", "double", "senior", "appeal")
TOLD_APART = ("senior", "appeal")
"""Kinds that their readers may know; see ``Task.shown_kind``."""


def past_due(settings: ReviewSettings, at: int, *, blind: bool = False) -> ColumnElement[bool]:
    """Of rows of ``tasks``, at a moment in microseconds. ``blind``: all but ``TOLD_APART`` count as reviews, so that nothing tells them
    apart."""

    def allowed(kind: Kind) -> int:
        return int(settings.deadline_seconds("review" if blind and kind not in TOLD_APART else kind) * 1e6)

    deadline: Any = case(*((tasks.c.kind == kind, allowed(kind)) for kind in KINDS), else_=0)
    late: ColumnElement[bool] = tasks.c.opened_at + deadline < at
    return late


def late_by_queue(connection: Connection, settings: ReviewSettings, now: datetime, *, blind: bool = False) -> Mapping[QueueKey, int]:
    """How many of each queue are late; golden tasks are none. Queues that have none are left out."""
    groups = (tasks.c.market, tasks.c.language, tasks.c.kind, tasks.c.policies, tasks.c.senior)
    query = select(*groups, func.count().label("number")).where(
        tasks.c.state.in_(UNFINISHED), tasks.c.kind != "golden", past_due(settings, micros(now), blind=blind)
    )
    return {
        (row.market, row.language, row.kind, tuple(json.loads(row.policies)), bool(row.senior)): int(row.number)
        for row in connection.execute(query.group_by(*groups))
    }
