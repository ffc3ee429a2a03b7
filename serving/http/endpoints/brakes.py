"""The endpoints of brakes: stop automatic decisions of one side, and let them go on."""

from __future__ import annotations

import asyncio

from adverdict.clusters.braking import asked_for_copies
from adverdict.ledger import idempotency
from adverdict.ledger.entries import Braked, Entry
from adverdict.ledger.in_force.steering import brake, brakes_on, release
from adverdict.ledger.store import Ledger, find, now
from adverdict.serving.http.endpoint import Call, Endpoints, RequestBody, ResponseBody
from adverdict.serving.http.endpoints.records import ledger_of, reader
from adverdict.serving.http.messages import BrakeOn, BrakeReleased, BrakeRequest, BrakesOn, ReleaseRequest

EXAMPLE = "brk-7c9e6679f4b24d1f8a0e2b7c3d5f1a60"

endpoints = Endpoints()


@endpoints.get(
    "/v1/brakes",
    "policy",
    gives=(ResponseBody("those that are on", BrakesOn),),
    summary="The brakes that are on",
    errors=(404, 503),
    or_admin=True,
)
async def brakes(call: Call) -> BrakesOn:
    return await asyncio.to_thread(_those_on, ledger_of(call))


@endpoints.post(
    "/v1/brakes",
    "policy",
    takes=RequestBody(BrakeRequest, reader(BrakeRequest), {"side": "approve", "market": "SE", "why": "a wave of cloned shops"}),
    gives=ResponseBody("on", BrakeOn),
    summary="Leave what would be approved, or rejected, to people: every worker obeys from its next round on",
    errors=(404, 503, 504),
    or_admin=True,
)
async def put_on(call: Call, body: BrakeRequest) -> BrakeOn:
    return await asyncio.to_thread(_put_on, call, ledger_of(call), body)


@endpoints.post(
    "/v1/brakes/release",
    "policy",
    takes=RequestBody(ReleaseRequest, reader(ReleaseRequest), {"brake_id": EXAMPLE, "why": "the shops are gone"}),
    gives=ResponseBody("off", BrakeReleased, {"brake_id": EXAMPLE, "seq": 120433}),
    summary="Release a brake",
    errors=(404, 503, 504),
    or_admin=True,
)
async def take_off(call: Call, body: ReleaseRequest) -> BrakeReleased:
    return BrakeReleased(brake_id=body.brake_id, seq=await asyncio.to_thread(_take_off, call, ledger_of(call), body))


def _those_on(ledger: Ledger) -> BrakesOn:
    with ledger.look() as connection:
        return BrakesOn(brakes=tuple(_told(entry, on) for entry, on in brakes_on(connection)))


def _put_on(call: Call, ledger: Ledger, body: BrakeRequest) -> BrakeOn:
    """The brake; that of the same request before, also where it was released since."""
    follows, at = call.runtime.settings.clusters, now()
    with ledger.look() as connection:
        told = asked_for_copies(connection, call.runtime.book, by=call.caller, follows=follows, **body.model_dump())
    with ledger.write() as writing:
        before = idempotency.answered(writing.connection, call.request) if call.request else None
        brake_id = before[0] if before else None
        if brake_id is None:
            brake_id, _ = brake(writing, told, at)
            writing.flush()
            if call.request:
                idempotency.answer(writing.connection, call.request, [brake_id], at)
        entry = find(writing.connection, brake_id)
    assert isinstance(entry.body, Braked), "the key stands for this address alone"
    return _told(entry, entry.body)


def _take_off(call: Call, ledger: Ledger, body: ReleaseRequest) -> int:
    """The seq of the release; that of the same request before."""
    at = now()
    with ledger.write() as writing:
        before = idempotency.answered(writing.connection, call.request) if call.request else None
        if before and before[0]:
            return find(writing.connection, before[0]).seq
        seq = release(writing, body.brake_id, body.why, call.caller, at)
        if call.request:
            idempotency.answer(writing.connection, call.request, [f"rel-{body.brake_id}"], at)
    return seq


def _told(entry: Entry, on: Braked) -> BrakeOn:
    return BrakeOn(brake_id=entry.entry_id, seq=entry.seq, since=entry.at, **on.model_dump())
