"""The page of today: what needs you, what came in, what waits, what was promised, and what advertisers suffer."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooSlow
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock
from typing import Any

from starlette.responses import Response

from adverdict.rollout.ways import ways as ways_of
from adverdict.serving.console.parts import Parts
from adverdict.serving.console.quality import USUAL, CachedReport, ReportCache, targets_of
from adverdict.serving.console.today import needs, promised, suffered, volume, waiting
from adverdict.serving.console.visits import Visit

FRESH = timedelta(seconds=30)
PATIENCE = 5.0
"""Seconds a page waits for the figures; then it says that they are being counted."""
QUALITY_PATIENCE = 1.0
"""For those of the quality page, which take longer and are one part of this one."""


@dataclass(frozen=True)
class Snapshot:
    """What was counted, and when."""

    at: datetime
    volume: volume.Volume
    waiting: waiting.Waiting
    suffered: suffered.Suffered
    strangers: dict[str, int]


class TodayCache:
    """Counted in a thread of its own and kept for a moment; one a worker. Many askers at once count once."""

    def __init__(self, parts: Parts, count: Callable[[Parts], Snapshot] | None = None) -> None:
        self._parts, self._count = parts, count or counted
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="today")
        self._last: Snapshot | None = None
        self._counting: Future[Snapshot] | None = None
        self._lock = Lock()

    def get(self) -> Snapshot | None:
        """At most ``FRESH`` old when counting takes no longer than ``PATIENCE``; else the last one, None when there is none."""
        with self._lock:
            if self._last is not None and self._parts.clock() - self._last.at < FRESH:
                return self._last
            if self._counting is None or self._counting.done():
                self._counting = self._pool.submit(self._count, self._parts)
            counting = self._counting
        with suppress(TooSlow):
            self._last = counting.result(timeout=PATIENCE)
        return self._last


def counted(parts: Parts) -> Snapshot:
    """Raises Unavailable."""
    now = parts.clock()
    with parts.ledger.look() as connection:
        return Snapshot(
            now,
            volume.count(connection, now),
            waiting.count(connection, parts.review, now),
            suffered.count(connection, now),
            needs.strangers(connection, parts.book.markets, now),
        )


def show(visit: Visit) -> Response:
    today: TodayCache = visit.request.app.state.today
    measured: ReportCache = visit.request.app.state.measured
    snapshot, quality = today.get(), measured.get(USUAL, QUALITY_PATIENCE)
    if snapshot is None:
        return visit.page("today_counting.html", "Today")
    return visit.page("today.html", "Today", seen=snapshot, quality=quality, days=USUAL, **_promised(visit, snapshot, quality))


def _promised(visit: Visit, snapshot: Snapshot, quality: CachedReport | None) -> dict[str, Any]:
    parts, now = visit.parts, visit.parts.clock()
    targets = {policy: one.leakage for policy, one in targets_of(parts.book).items()}
    leakages, top = promised.leakages(quality.report.policies, targets) if quality else ((), 1.0)
    ways = ways_of(parts.champion.certificates())
    scorer, degraded = parts.champion.current()
    ends = [one.expires_at for one in scorer.solved.points.values() if one.expires_at is not None and not one.provisional]
    alarms = quality.alarms if quality else ()
    known = needs.Known(
        now, snapshot.waiting, alarms, leakages, ways, ends, snapshot.strangers, [str(one) for one in degraded], visit.titles
    )
    return {"needs": needs.needs(known), "leakages": leakages, "top": top, "ways": ways}
