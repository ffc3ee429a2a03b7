"""The quality page: how often automatic decisions and reviewers are right, as far as audits and golden tasks tell."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooSlow
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock
from typing import Any

from starlette.responses import Response

from adverdict.certification.certificate import Certificate
from adverdict.decisions.policy import PolicyBook
from adverdict.domain.errors import InvalidInput, Mistake
from adverdict.ledger.in_force.alarms import Alarm, alarms
from adverdict.ledger.store import Ledger
from adverdict.review.quality.prevalence import AuditShare
from adverdict.review.quality.quality import QualityReport, quality
from adverdict.review.quality.standing import CertificateStanding
from adverdict.review.quality.watching import AuditLog, look
from adverdict.serving.console.reviewers import FEWEST, lines
from adverdict.serving.console.visits import Visit
from adverdict.storage.charts import Interval, interval

PERIODS = (7, 28, 90, 365)
"""Days."""
USUAL = 28
LONG = 53
"""Weeks beyond which a forecast says no more than that it takes long."""
SHOWS = 3.0
"""Readings times target, without a violation among them, that show a target kept."""
FRESH = timedelta(seconds=60)
"""The statistics take a while: a page reloaded is not counted anew."""
PATIENCE = 5.0
"""Seconds a page waits for them; a long period of a busy service takes longer, and is shown when it is done."""


@dataclass(frozen=True)
class Targets:
    """The strictest in force for a policy anywhere; shares."""

    leakage: float
    wrongful: float


@dataclass(frozen=True)
class CachedReport:
    """A report, and until when it counts."""

    until: datetime
    report: QualityReport
    standings: tuple[CertificateStanding, ...] = ()
    """Of the certificates in service, those the audits speak against first."""
    alarms: tuple[Alarm, ...] = ()
    """Those that are not closed, the latest first."""


class ReportCache:
    """The reports of the periods, counted in a thread of their own and kept for a moment; one a worker."""

    def __init__(
        self, ledger: Ledger, clock: Callable[[], datetime], certificates: Callable[[], Sequence[Certificate]] = lambda: ()
    ) -> None:
        self._ledger, self._clock, self._certificates = ledger, clock, certificates
        self._audits = AuditLog()
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="quality")
        self._last: dict[int, CachedReport] = {}
        self._counting: dict[int, Future[CachedReport]] = {}
        self._lock = Lock()

    def get(self, days: int, patience: float | None = None) -> CachedReport | None:
        """The report, at most ``FRESH`` old when counting takes no longer than ``patience``; else the last one, None when there is none.

        Many askers at once count once.
        """
        with self._lock:
            last, counting = self._last.get(days), self._counting.get(days)
            if last is not None and self._clock() - last.until < FRESH:
                return last
            if counting is None or counting.done():
                counting = self._counting[days] = self._pool.submit(self._count, days)
        try:
            return counting.result(timeout=PATIENCE if patience is None else patience)
        except TooSlow:
            return last

    def _count(self, days: int) -> CachedReport:
        now = self._clock()
        report = quality(self._ledger, now - timedelta(days=days), now, by_market=True)
        stand = look(self._ledger, self._certificates(), self._audits, lambda: now)
        with self._ledger.look() as connection:
            still_open = [one for one in reversed(alarms(connection)) if one.closed_at is None]
        by_evidence = sorted(stand, key=lambda one: (-one.evidence_against, one.policy))
        self._last[days] = counted = CachedReport(now, report, tuple(by_evidence), tuple(still_open))
        return counted


def show(visit: Visit) -> Response:
    told = visit.asked("days") or str(USUAL)
    if not (told.isascii() and told.isdigit() and len(told) < 5 and int(told) in PERIODS):
        raise InvalidInput("no such period", [Mistake("days", told, ", ".join(map(str, PERIODS)))])
    measured: ReportCache = visit.request.app.state.measured
    counted = measured.get(int(told))
    values: dict[str, Any] = {"days": int(told), "periods": PERIODS, "targets": targets_of(visit.parts.book), "titles": _titles(visit)}
    if counted is None:
        return visit.page("quality_counting.html", "Quality", days=int(told))
    values |= {"report": counted.report, "until": counted.until, "standings": counted.standings, "alarms": counted.alarms}
    values |= {"drawn": _drawn, "fewest": FEWEST, "reviewers": lines(counted.report.workload, counted.report.reviewers)}
    values |= {"ahead": _ahead(counted.report, values["targets"], int(told))}
    return visit.page("quality.html", "Quality", **values)


def targets_of(book: PolicyBook) -> dict[str, Targets]:
    """By policy."""
    found: dict[str, Targets] = {}
    for _, _, policy in book.every():
        before = found.get(policy.name, Targets(1.0, 1.0))
        leakage, wrongful = min(before.leakage, policy.targets.max_leakage), min(before.wrongful, policy.targets.max_wrongful_reject)
        found[policy.name] = Targets(leakage, wrongful)
    return found


def _drawn(share: AuditShare, target: float) -> Interval:
    return interval(share.low, share.value, share.high, target, max(share.high, 1.25 * target, 1e-6))


def _ahead(report: QualityReport, targets: Mapping[str, Targets], days: int) -> dict[str, int]:
    """Policy -> weeks until, at the pace of this period, enough are read to show its target kept; where too little is read to say anything.
    More than a year is ``LONG`` weeks: a pace of a few readings tells no more.

    ``SHOWS`` readings over the target without a violation leave at most the target, at 95 % (the rule of three).
    """
    found = {}
    for one in report.policies:
        read = one.leakage.audited if one.leakage else 0
        drawn, target = read + one.unread, targets.get(one.policy)
        if one.approved and drawn and target and target.leakage > 0 and read < FEWEST:
            weeks = math.ceil((SHOWS / target.leakage - read) / drawn * days / 7)
            found[one.policy] = min(max(1, weeks), LONG)
    return found


def _titles(visit: Visit) -> dict[str, str]:
    return {policy.name: policy.title for _, _, policy in visit.parts.book.every()}
