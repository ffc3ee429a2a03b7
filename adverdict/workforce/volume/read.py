"""The history of a ledger, as forecasts take it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

import numpy as np

from adverdict.domain.progress import SILENT, Progress
from adverdict.ledger.entries import Braked, Released
from adverdict.ledger.store import Ledger
from adverdict.workforce.volume import opened, projection
from adverdict.workforce.volume.history import Bools, History, Queue, Series, Shape

LONGEST_DAYS = 400
"""Of history that is read."""
_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True)
class Past:
    """What a ledger says up to midnight (UTC)."""

    history: History
    shapes: dict[Queue, Shape]
    seq: int
    """The last entry that is counted."""


def read_past(ledger: Ledger, now: datetime, severe: Collection[str] = (), *, by_policy: bool = False, progress: Progress = SILENT) -> Past:
    """Whole days up to the last midnight before ``now``. The volumes are brought up to date first. Raises Unavailable."""
    seq = projection.follow(ledger, progress)
    end = datetime.combine(now.astimezone(UTC).date(), time(), UTC)
    first = projection.first_hour(ledger)
    began = end if first is None else max(datetime.combine(first.date(), time(), UTC), end - timedelta(days=LONGEST_DAYS))
    days = max(0, (end - began).days)
    counted = projection.submissions(ledger, began, end)
    series = tuple(sorted({Series(one.market, one.surface) for one in counted}))
    submissions = np.zeros((len(series), days))
    rows = {one: number for number, one in enumerate(series)}
    for one in counted:
        submissions[rows[Series(one.market, one.surface)], (one.day - began).days] = one.number
    tasks = opened.opened(ledger, began, end)
    queues = tuple(sorted({one.queue for one in tasks}, key=lambda queue: (queue.market, opened.KINDS.index(queue.kind))))
    lines, counts = {queue: number for number, queue in enumerate(queues)}, np.zeros((len(queues), days))
    for task in tasks:
        counts[lines[task.queue], task.day - (began.date() - _EPOCH).days] = task.number
    braked = _braked(ledger, queues, began, days)
    shapes = opened.shapes(ledger, max(began, end - timedelta(days=opened.SHAPE_DAYS)), end, severe, by_policy=by_policy)
    return Past(History(began.date(), series, submissions, queues, counts, braked), shapes, seq)


def _braked(ledger: Ledger, queues: tuple[Queue, ...], began: datetime, days: int) -> Bools:
    """Days of each queue on which any brake was on for its market, whatever else it was limited to."""
    on: dict[str, tuple[str | None, datetime]] = {}
    spans: list[tuple[str | None, datetime, datetime]] = []
    end = began + timedelta(days=days)
    for entry in ledger.read(kinds=[Braked.kind, Released.kind]):
        if isinstance(entry.body, Braked):
            on[entry.entry_id] = entry.body.market, entry.at
        elif isinstance(entry.body, Released) and entry.body.brake in on:
            market, since = on.pop(entry.body.brake)
            spans.append((market, since, entry.at))
    spans += [(market, since, end) for market, since in on.values()]
    found = np.zeros((len(queues), days), dtype=np.bool_)
    for market, since, until in spans:
        low, high = (since - began).days, (until - began).days + 1
        rows = [number for number, queue in enumerate(queues) if market in (None, queue.market)]
        if high > 0 and rows:
            found[rows, max(low, 0) : high] = True
    return found
