"""The endpoints of what is watched: alarms, how every detector stood at the last look, and what is to open."""

from __future__ import annotations

import asyncio
import math

from adverdict.ledger.in_force.alarms import alarms
from adverdict.ledger.store import Ledger
from adverdict.monitoring.following.follower import followed_to
from adverdict.monitoring.launch.record import latest, launches
from adverdict.monitoring.watch import last_look
from adverdict.serving.http.endpoint import Call, Endpoints, ResponseBody
from adverdict.serving.http.endpoints.records import ledger_of
from adverdict.serving.http.operations import (
    AlarmOnRecord,
    AlarmsOnRecord,
    DetectorStanding,
    HealthStanding,
    LaunchesOnRecord,
    LaunchStanding,
)

endpoints = Endpoints()


@endpoints.get(
    "/v1/alarms",
    "policy",
    gives=(ResponseBody("oldest first", AlarmsOnRecord),),
    summary="Alarms on record, open and closed, each with what became of it",
    errors=(404, 503),
    or_admin=True,
)
async def alarms_on_record(call: Call) -> AlarmsOnRecord:
    return await asyncio.to_thread(_alarms, ledger_of(call))


@endpoints.get(
    "/v1/health",
    "policy",
    gives=(ResponseBody("by cell", HealthStanding),),
    summary="How every detector stood at the last look, and how far the ledger has been followed",
    errors=(404, 503),
    or_admin=True,
)
async def health(call: Call) -> HealthStanding:
    return await asyncio.to_thread(_health, ledger_of(call), call.runtime.settings.false_alarms)


@endpoints.get(
    "/v1/launches",
    "plan",
    gives=(ResponseBody("by the day on which they open", LaunchesOnRecord),),
    summary="What is to open, whether it may, what is missing, and what became of what has opened",
    errors=(404, 503),
    or_admin=True,
    or_policy=True,
)
async def launches_on_record(call: Call) -> LaunchesOnRecord:
    return await asyncio.to_thread(_launches, ledger_of(call))


def _alarms(ledger: Ledger) -> AlarmsOnRecord:
    with ledger.look() as connection:
        found = alarms(connection)
    return AlarmsOnRecord(
        alarms=tuple(
            AlarmOnRecord(
                alarm_id=one.alarm_id,
                opened_at=one.opened_at,
                closed_at=one.closed_at,
                state=one.state,
                alarm=one.told,
                moves=tuple(move for _, move in one.moves),
            )
            for one in found
        )
    )


def _health(ledger: Ledger, budget: float) -> HealthStanding:
    looks, (seq, end) = last_look(ledger), followed_to(ledger)
    return HealthStanding(
        detectors=tuple(
            DetectorStanding(
                cell=one.cell,
                looked_at=one.looked_at,
                read=one.state.counted,
                wrong=one.state.errors,
                evidence=one.state.evidence if one.state.rings_at is not None and math.isfinite(one.state.evidence) else None,
                rings_at=one.state.rings_at,
                rings=one.state.rings,
                limit=one.state.limit,
                false_alarms_a_year=one.state.may,
            )
            for one in looks
        ),
        looked_at=max((one.looked_at for one in looks), default=None),
        followed_to=seq,
        end=end,
        false_alarms=budget,
    )


def _launches(ledger: Ledger) -> LaunchesOnRecord:
    found = latest(launches(ledger))
    told = (LaunchStanding(launch_id=one.launch_id, checked_at=one.checked_at, launch=one.told, score=one.score) for one in found)
    return LaunchesOnRecord(launches=tuple(told))
