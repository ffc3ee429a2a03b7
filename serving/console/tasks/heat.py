"""Queues as one table: a market a line, a policy a column, and how many tasks ask about it there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from adverdict.review.queue import QueueDepth

STEPS = 4
"""Degrees of heat above none."""


@dataclass(frozen=True)
class Cell:
    """``heat``: 0 for nothing, up to ``STEPS`` for as many as anywhere."""

    tasks: int
    heat: int


@dataclass(frozen=True)
class Line:
    """A market's. ``tasks`` counts each once, however many policies it asks about."""

    market: str
    mine: bool
    """Whether the visitor may take any of them."""
    cells: tuple[Cell, ...]
    tasks: int
    late: int
    oldest: float
    """Seconds."""


@dataclass(frozen=True)
class Heat:
    policies: tuple[str, ...]
    lines: tuple[Line, ...]


def heat(depths: Sequence[QueueDepth], mine: Iterable[QueueDepth], late: Mapping[str, int]) -> Heat:
    """The visitor's markets first, then those with most tasks. ``late``: by market."""
    by_market: dict[str, list[QueueDepth]] = defaultdict(list)
    asked: dict[str, int] = defaultdict(int)
    for one in depths:
        by_market[one.market].append(one)
        for policy in one.policies:
            asked[policy] += _tasks(one)
    policies = tuple(sorted(asked, key=lambda policy: (-asked[policy], policy)))
    most = max((_about(some, policy) for some in by_market.values() for policy in policies), default=0)
    takes = {one.market for one in mine}
    lines = [_line(market, some, policies, most, market in takes, late.get(market, 0)) for market, some in by_market.items()]
    return Heat(policies, tuple(sorted(lines, key=lambda line: (not line.mine, -line.tasks, line.market))))


def _line(market: str, some: Sequence[QueueDepth], policies: Sequence[str], most: int, mine: bool, late: int) -> Line:
    numbers = [_about(some, policy) for policy in policies]
    cells = tuple(Cell(number, -(-STEPS * number // most) if most else 0) for number in numbers)
    return Line(market, mine, cells, sum(map(_tasks, some)), late, max(one.oldest_seconds for one in some))


def _about(some: Sequence[QueueDepth], policy: str) -> int:
    return sum(_tasks(one) for one in some if policy in one.policies)


def _tasks(one: QueueDepth) -> int:
    return one.open + one.leased
