"""The endpoints by which a platform says what it sees of live ads: reports of viewers, and signs that an ad is not what was approved."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from weakref import WeakKeyDictionary

from adverdict.ledger.audit_secret import make_audit_secret
from adverdict.ledger.store import Ledger, now
from adverdict.review.reports.reports import Believed, ViewerReport, take
from adverdict.review.reports.signs import Seen, take_signs
from adverdict.review.tasks.settings import ReviewSettings
from adverdict.serving.http.endpoint import Call, Endpoints, RequestBody, ResponseBody
from adverdict.serving.http.endpoints.records import ledger_of, reader
from adverdict.serving.http.messages import ReportsRequest, ReportsTaken, ReportTaken, SignsRequest, SignsTaken

FRESH = timedelta(minutes=1)
"""For which what is known of reporters is not read anew."""
TASK = "tsk-7c9e6679f4b24d1f8a0e2b7c3d5f1a60"
REPORT = "rpt-7c9e6679f4b24d1f8a0e2b7c3d5f1a60"

endpoints = Endpoints()


@endpoints.post(
    "/v1/reports",
    "score",
    takes=RequestBody(
        ReportsRequest,
        reader(ReportsRequest),
        {"reports": [{"ad_id": "ad-1001", "reporter": "viewer-9", "policy": "deceptive", "statement": "It never arrived."}]},
    ),
    gives=ResponseBody("recorded", ReportsTaken, {"reports": [{"report_id": REPORT, "counts": True, "task_id": None}]}),
    summary="Reports of viewers: weighed by how right each was before; where they weigh enough, people read the ad again",
    errors=(404, 503, 504),
)
async def reports(call: Call, body: ReportsRequest) -> ReportsTaken:
    return await asyncio.to_thread(_reports, call, ledger_of(call), body)


@endpoints.post(
    "/v1/signals",
    "score",
    takes=RequestBody(
        SignsRequest, reader(SignsRequest), {"signals": [{"ad_id": "ad-1001", "sign": "impressions", "impressions": 250000}]}
    ),
    gives=ResponseBody("taken", SignsTaken, {"tasks": [TASK]}),
    summary="What is seen of live ads: shown more often than expected, another landing page, another creative; people read such ads again",
    errors=(404, 503, 504),
)
async def signals(call: Call, body: SignsRequest) -> SignsTaken:
    return await asyncio.to_thread(_signals, call, ledger_of(call), body)


def _reports(call: Call, ledger: Ledger, body: ReportsRequest) -> ReportsTaken:
    told = [ViewerReport(one.ad_id, one.reporter, one.policy, one.statement) for one in body.reports]
    at, settings = now(), ReviewSettings.of(call.runtime.settings)
    secret, believed = make_audit_secret(ledger, at), _believed(ledger, at)
    with ledger.write() as writing:
        done = take(writing, told, secret, believed, call.runtime.book, settings, call.caller, at)
    return ReportsTaken(reports=tuple(ReportTaken(report_id=one.report_id, counts=one.counts, task_id=one.task_id) for one in done))


def _believed(ledger: Ledger, at: datetime) -> Believed:
    """What is known of reporters, at most ``FRESH`` old."""
    kept = _kept.get(ledger)
    if kept is None or at - kept[0] > FRESH:
        with ledger.look() as connection:
            kept = _kept[ledger] = (at, Believed.of(connection, at))
    return kept[1]


_kept: WeakKeyDictionary[Ledger, tuple[datetime, Believed]] = WeakKeyDictionary()


def _signals(call: Call, ledger: Ledger, body: SignsRequest) -> SignsTaken:
    told = [Seen(one.ad_id, one.sign, one.impressions) for one in body.signals]
    settings = ReviewSettings.of(call.runtime.settings)
    with ledger.write() as writing:
        return SignsTaken(tasks=tuple(take_signs(writing, told, call.runtime.book, settings, call.caller, now())))
