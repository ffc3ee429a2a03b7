"""The endpoints of workforce: what comes, how many people it needs, and plans on record."""

from __future__ import annotations

import asyncio
from typing import Any

from adverdict.domain.errors import InvalidInput, NotFound
from adverdict.ledger.store import Ledger, now
from adverdict.serving.http.endpoint import Call, Endpoints, RequestBody, ResponseBody
from adverdict.serving.http.endpoints.records import ledger_of, reader
from adverdict.serving.http.errors import Refused, problem
from adverdict.serving.http.operations import (
    DeclaredEvent,
    DeclareEventRequest,
    PlanOnRecord,
    PlansOnRecord,
    SavedPlan,
    SavePlanRequest,
    WorkforceEvent,
    WorkforceEvents,
    WorkforceOutlook,
)
from adverdict.serving.worker.planner import Planner
from adverdict.workforce.operations.declared import call_off, declare, with_declared
from adverdict.workforce.operations.events import Event
from adverdict.workforce.operations.read import read_operations
from adverdict.workforce.plans.store import plans, scores

PATIENCE = 25.0
"""Seconds a request waits for a plan; one that takes longer is made all the same, and given to who asks again."""
WEEKS = "8"

endpoints = Endpoints()


@endpoints.get(
    "/v1/workforce/forecast",
    "plan",
    gives=(ResponseBody("the next eight weeks", WorkforceOutlook),),
    summary="Tasks of the next weeks by market and kind, with bands, and what such forecasts were off by",
    errors=(404, 503),
    or_admin=True,
    or_policy=True,
)
async def forecast(call: Call) -> WorkforceOutlook:
    return await asyncio.to_thread(_made, call, "forecast", "--weeks", WEEKS)


@endpoints.get(
    "/v1/workforce/staffing",
    "plan",
    gives=(ResponseBody("the next eight weeks", WorkforceOutlook),),
    summary="People needed beside the roster, how likely it keeps its targets, and how long tasks wait",
    errors=(404, 503),
    or_admin=True,
    or_policy=True,
)
async def staffing(call: Call) -> WorkforceOutlook:
    return await asyncio.to_thread(_made, call, "staff", "--weeks", WEEKS)


@endpoints.get(
    "/v1/workforce/plans",
    "plan",
    gives=(ResponseBody("oldest first", PlansOnRecord),),
    summary="Plans on record, each with the scores of the weeks that are over",
    errors=(404, 503),
    or_admin=True,
    or_policy=True,
)
async def on_record(call: Call) -> PlansOnRecord:
    return await asyncio.to_thread(_plans, ledger_of(call))


@endpoints.post(
    "/v1/workforce/plans",
    "plan",
    takes=RequestBody(SavePlanRequest, reader(SavePlanRequest), {"name": "week 49", "weeks": 8}),
    gives=ResponseBody("on record", SavedPlan, {"plan_id": "pln-7c9e6679f4b24d1f8a0e2b7c3d5f1a60"}),
    summary="Put the plan of the next weeks on record, to be scored when they are over",
    errors=(404, 503, 504),
    or_admin=True,
    or_policy=True,
)
async def save(call: Call, body: SavePlanRequest) -> SavedPlan:
    return await asyncio.to_thread(_save, call, body)


@endpoints.get(
    "/v1/workforce/events",
    "plan",
    gives=(ResponseBody("as plans know them", WorkforceEvents),),
    summary="Declared events: days on which submissions will be, or were, other than usual",
    errors=(404, 503),
    or_admin=True,
    or_policy=True,
)
async def events(call: Call) -> WorkforceEvents:
    return await asyncio.to_thread(_events, call)


@endpoints.post(
    "/v1/workforce/events",
    "plan",
    takes=RequestBody(
        DeclareEventRequest,
        reader(DeclareEventRequest),
        {"name": "Winter sale", "kind": "sale", "starts": "2026-12-05", "ends": "2026-12-06", "markets": ["SE"], "expected_factor": 2.5},
    ),
    gives=ResponseBody("on record", DeclaredEvent, {"event_id": "evt-7c9e6679f4b24d1f8a0e2b7c3d5f1a60"}),
    summary="Declare an event for all plans made from now on, or call off one that was declared here",
    errors=(404, 503),
    or_admin=True,
    or_policy=True,
)
async def declare_event(call: Call, body: DeclareEventRequest) -> DeclaredEvent:
    return await asyncio.to_thread(_declare, call, body)


def _events(call: Call) -> WorkforceEvents:
    try:
        folder = read_operations(call.runtime.settings.operations)
    except (InvalidInput, NotFound) as error:  # what the operator declared: the caller cannot mend it
        raise Refused(problem(503, str(error))) from error
    found = with_declared(folder, ledger_of(call)).events
    return WorkforceEvents(events=tuple(WorkforceEvent(**vars(one)) for one in found))


def _declare(call: Call, body: DeclareEventRequest) -> DeclaredEvent:
    ledger = ledger_of(call)
    if not body.takes_place:
        return DeclaredEvent(event_id=call_off(ledger, body.name.strip(), call.caller, now()))
    event = Event(body.name, body.kind, body.starts, body.ends, body.markets, body.surfaces, body.expected_factor)
    return DeclaredEvent(event_id=declare(ledger, event, call.caller, now()))


def _made(call: Call, *arguments: str) -> WorkforceOutlook:
    return WorkforceOutlook.model_validate(_figures(call, *arguments))


def _save(call: Call, body: SavePlanRequest) -> SavedPlan:
    """The same name on the same day is the same plan: asking again while it is made does not make two."""
    arguments = ("plan", "save", f"--name={body.name}", "--weeks", str(body.weeks), f"--by={call.caller}")
    return SavedPlan.model_validate(_figures(call, *arguments))


def _figures(call: Call, *arguments: str) -> dict[str, Any]:
    ledger_of(call)
    try:
        found = planner_of(call).get(*arguments, patience=PATIENCE)
    except InvalidInput as error:  # of what is on record or declared: the caller can change neither by asking otherwise
        raise Refused(problem(503, str(error))) from error
    if found is None:
        raise Refused(problem(503, "the plan is being made; ask again in a minute"))
    return dict(found.figures)


def planner_of(call: Call) -> Planner:
    if call.runtime.planner is None:
        raise NotFound("nothing is recorded here, so nothing can be planned")
    return call.runtime.planner


def _plans(ledger: Ledger) -> PlansOnRecord:
    scored = scores(ledger)
    return PlansOnRecord(
        plans=tuple(
            PlanOnRecord(plan_id=plan_id, at=at, plan=body, scores=tuple(scored.get(plan_id, ()))) for plan_id, at, body in plans(ledger)
        )
    )
