"""The queues page: how much waits, how long, and what is late."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby

from starlette.responses import Response

from review.queue import QueueDepth
from serving.console.visits import Visit

WIDTH = 120
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
    depths = visit.parts.queue.depths()
    return visit.page("queues.html", "Queues", rows=rows(depths), total=total("", depths), kinds=by_kind(depths), places=by_place(depths))


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
