"""The queues page: how much waits, how long, and what is late.

Whoever only reviews may hold a task of these queues and must not learn which kind it is: for them audits, second readings and first ones
are one kind, and a task counts from being opened to being answered, so that claiming one, golden or not, changes nothing on the page.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from starlette.responses import Response

from adverdict.domain.errors import InvalidInput, Unavailable
from adverdict.review.queue import QueueDepth
from adverdict.review.tasks.late import TOLD_APART, late_by_queue
from adverdict.review.tasks.routing import reviewer
from adverdict.serving.console.tasks.day import in_words, takeable
from adverdict.serving.console.tasks.heat import heat
from adverdict.serving.console.visits import Visit
from adverdict.serving.worker.planner import Planned, Planner

WIDTH = 120
PATIENCE = 0.2
"""Seconds the page waits for what is ahead: what waits now is shown without it."""
MANY = 3
"""Policies spelled out."""


@dataclass(frozen=True)
class Row:
    """One queue. ``width`` of its bar, in 0..WIDTH; ``oldest`` in seconds."""

    market: str
    language: str | None
    kind: str
    policies: str
    senior: bool
    open: int
    leased: int
    oldest: float
    overdue: int
    width: float


@dataclass(frozen=True)
class Total:
    """Several queues together. ``name`` of what they have in common."""

    name: str
    open: int
    leased: int
    overdue: int
    oldest: float


def show(visit: Visit) -> Response:
    whole = visit.session.may("policy", "plan")
    depths = by_deadline(visit, visit.parts.queue.depths(), blind=not whole)
    if not whole:
        depths = without_kinds(depths)
    with visit.parts.ledger.look() as connection:
        mine = takeable(depths, reviewer(connection, visit.session.name)) if visit.session.may("review") else []
    late: Counter[str] = Counter()
    for one in depths:
        late[one.market] += one.overdue
    kinds, places = by_kind(depths), by_place(depths)
    ahead = _ahead(visit) if whole else None
    return visit.page(
        "queues.html",
        "Queues",
        whole=whole,
        rows=rows(depths),
        total=total("", depths),
        kinds=kinds,
        places=places,
        ahead=ahead,
        heat=heat(depths, mine, late),
        mine=in_words(sum(one.open + one.leased for one in mine)),
        reads=visit.session.may("review"),
    )


def by_deadline(visit: Visit, depths: Sequence[QueueDepth], *, blind: bool) -> list[QueueDepth]:
    """The same with ``overdue`` by the deadline of their kind: the moment by which tasks are ordered may come within a minute."""
    with visit.parts.ledger.look() as connection:
        late = late_by_queue(connection, visit.parts.review, visit.parts.clock(), blind=blind)
    return [replace(one, overdue=late.get((one.market, one.language, one.kind, one.policies, one.senior), 0)) for one in depths]


def _ahead(visit: Visit) -> Planned | None:
    """What will be past due; None while it is being worked out, or where nobody is rostered or nothing can be forecast yet."""
    planner: Planner | None = visit.parts.planner
    if planner is None:
        return None
    try:
        return planner.get("due", patience=PATIENCE)
    except (InvalidInput, Unavailable):
        return None


def without_kinds(depths: Sequence[QueueDepth]) -> list[QueueDepth]:
    """What a reviewer may know: ``open`` counts the leased ones too, and ``kind`` tells only senior readings and appeals apart."""
    merged: dict[tuple[object, ...], QueueDepth] = {}
    for one in depths:
        seen = replace(one, kind=one.kind if one.kind in TOLD_APART else "review", open=one.open + one.leased, leased=0)
        key = (seen.market, seen.language, seen.kind, seen.policies, seen.senior)
        merged[key] = _joined(merged[key], seen) if key in merged else seen
    return list(merged.values())


def _joined(one: QueueDepth, other: QueueDepth) -> QueueDepth:
    oldest = max(one.oldest_seconds, other.oldest_seconds)
    return replace(one, open=one.open + other.open, oldest_seconds=oldest, overdue=one.overdue + other.overdue)


def rows(depths: Sequence[QueueDepth]) -> list[Row]:
    """What is late first, then the longest queues."""
    longest = max((one.open for one in depths), default=0) or 1
    made = [
        Row(
            one.market,
            one.language,
            one.kind,
            _policies(one.policies),
            one.senior,
            one.open,
            one.leased,
            one.oldest_seconds,
            one.overdue,
            round(WIDTH * one.open / longest, 1),
        )
        for one in depths
    ]
    return sorted(made, key=lambda row: (-row.overdue, -row.open, row.market, row.kind))


def by_kind(depths: Sequence[QueueDepth]) -> list[Total]:
    return _grouped(depths, lambda one: one.kind)


def by_place(depths: Sequence[QueueDepth]) -> list[Total]:
    return _grouped(depths, lambda one: f"{one.market}, {one.language or 'any language'}")


def _grouped(depths: Sequence[QueueDepth], name: Callable[[QueueDepth], str]) -> list[Total]:
    return [total(key, list(group)) for key, group in groupby(sorted(depths, key=name), key=name)]


def total(name: str, depths: Sequence[QueueDepth]) -> Total:
    return Total(
        name,
        sum(one.open for one in depths),
        sum(one.leased for one in depths),
        sum(one.overdue for one in depths),
        max((one.oldest_seconds for one in depths), default=0.0),
    )


def _policies(names: Sequence[str]) -> str:
    more = f" and {len(names) - MANY} more" if len(names) > MANY + 1 else ""
    return ", ".join(name.replace("_", " ") for name in (names[:MANY] if more else names)) + more
