"""The endpoints of roll-outs: how they stand, and what people do to them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from adverdict.decisions.rollout import Guard, Plan, Role, Versions
from adverdict.domain.ad import Text
from adverdict.ledger import idempotency
from adverdict.ledger.in_force.rollouts import Rollout, Rollouts, RolloutState, rollouts_now
from adverdict.ledger.store import Ledger, Writing, now
from adverdict.review.tasks.settings import ReviewSettings
from adverdict.rollout.stages import steps
from adverdict.rollout.stages.capacity import capacity_of
from adverdict.rollout.stages.entering import enter
from adverdict.rollout.stages.freezes import read_freezes
from adverdict.rollout.stages.watch import look
from adverdict.serving.http.endpoint import Call, Endpoints, RequestBody, ResponseBody
from adverdict.serving.http.endpoints.records import ledger_of, reader

EXAMPLE = "rol-7c9e6679f4b24d1f8a0e2b7c3d5f1a60"
WHY = {"rollout": EXAMPLE, "why": "read the figures"}

endpoints = Endpoints()


class RolloutTold(BaseModel):
    """One roll-out, as far as it has come."""

    model_config = ConfigDict(frozen=True)

    rollout: str
    state: RolloutState
    stage: str | None = Field(description="null before the first")
    share: float | None = Field(description="of advertisers that the candidate decides for now")
    until: datetime | None = Field(description="the candidate decides nothing from then on, unless the watcher renews it")
    paused: bool
    proposed_at: datetime
    base: Versions
    candidate: Versions
    markets: tuple[str, ...] = Field(description="empty: all")
    plan: Plan
    guards: tuple[Guard, ...]
    difference: tuple[str, ...]
    predicted: dict[str, Any]
    why: str
    by: str
    waits_for: tuple[str, ...] = Field(default=(), description="what is in the way of the next stage; of one roll-out alone")
    evidence: dict[str, Any] | None = Field(default=None, description="what its guards say now; of one roll-out alone")


class RolloutsTold(BaseModel):
    """All on record, the last first, and what is in force."""

    model_config = ConfigDict(frozen=True)

    policies: str | None = Field(description="sha256 of the set in force; null: the ledger does not say")
    rollouts: tuple[RolloutTold, ...]


class RolloutStep(BaseModel):
    """Something to be done to a roll-out."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rollout: str = Field(max_length=80)
    why: Text = Field(min_length=1, max_length=1000)


class AdvanceRequest(RolloutStep):
    """The next stage."""

    emergency: bool = Field(default=False, description="without signatures, and during a freeze; a second person signs within 24 hours")


class SignRequest(BaseModel):
    """A signature on exactly what was proposed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rollout: str = Field(max_length=80)
    role: Role
    agrees: bool = True
    note: Text = Field(min_length=1, max_length=1000)


class StepDone(BaseModel):
    """How it stands then."""

    model_config = ConfigDict(frozen=True)

    rollout: str
    state: RolloutState
    stage: str | None
    seq: int = Field(description="last entry of the chain by then: decisions that know it obey")


@endpoints.get(
    "/v1/rollouts",
    "policy",
    gives=(ResponseBody("those on record", RolloutsTold),),
    summary="Roll-outs of policies, and which set is in force",
    errors=(404, 503),
    or_admin=True,
)
async def all_of_them(call: Call) -> RolloutsTold:
    told = await asyncio.to_thread(rollouts_now, ledger_of(call))
    return RolloutsTold(policies=told.policies, rollouts=tuple(_told(one) for one in reversed(list(told.by_id.values()))))


@endpoints.get(
    "/v1/rollouts/{rollout}",
    "policy",
    gives=(ResponseBody("it", RolloutTold),),
    summary="One roll-out: what it changes, what its guards say, and what is in the way of its next stage",
    errors=(404, 503),
    or_admin=True,
)
async def one_of_them(call: Call) -> RolloutTold:
    return await asyncio.to_thread(_looked_at, call, ledger_of(call), call.named["rollout"])


@endpoints.post(
    "/v1/rollouts/sign",
    "policy",
    takes=RequestBody(SignRequest, reader(SignRequest), {"rollout": EXAMPLE, "role": "policy", "note": "read the difference"}),
    gives=ResponseBody("signed", StepDone),
    summary="Agree to a roll-out, or refuse it",
    errors=(404, 503, 504),
    or_admin=True,
)
async def sign(call: Call, body: SignRequest) -> StepDone:
    def do(writing: Writing, at: datetime) -> None:
        steps.sign(writing, body.rollout, body.role, body.agrees, body.note, call.caller, at)

    return await asyncio.to_thread(_do, call, body.rollout, do)


def _post(name: Literal["pause", "resume", "abort"], summary: str, step: Callable[[Call, RolloutStep, Writing, datetime], object]) -> None:
    @endpoints.post(
        f"/v1/rollouts/{name}",
        "policy",
        takes=RequestBody(RolloutStep, reader(RolloutStep), WHY),
        gives=ResponseBody("done", StepDone),
        summary=summary,
        errors=(404, 503, 504),
        or_admin=True,
    )
    async def endpoint(call: Call, body: RolloutStep) -> StepDone:
        return await asyncio.to_thread(_do, call, body.rollout, lambda writing, at: step(call, body, writing, at))


@endpoints.post(
    "/v1/rollouts/advance",
    "policy",
    takes=RequestBody(AdvanceRequest, reader(AdvanceRequest), WHY),
    gives=ResponseBody("done", StepDone),
    summary="Enter the next stage: a person decides",
    errors=(404, 503, 504),
    or_admin=True,
)
async def advance(call: Call, body: AdvanceRequest) -> StepDone:
    return await asyncio.to_thread(_advance, call, body)


def _advance(call: Call, body: AdvanceRequest) -> StepDone:
    """Once for each key, as ``_do``."""
    ledger, settings = ledger_of(call), call.runtime.settings
    freezes = read_freezes(settings.freezes)
    with ledger.look() as connection:
        if call.request and idempotency.answered(connection, call.request):
            return _done(rollouts_now(ledger), ledger, body.rollout)

    def first(writing: Writing) -> bool:
        if call.request is None:
            return True
        if idempotency.answered(writing.connection, call.request):
            return False
        idempotency.answer(writing.connection, call.request, [body.rollout], now())
        return True

    def evidence() -> dict[str, JsonValue]:
        return look(ledger, rollouts_now(ledger)[body.rollout], now(), freezes=freezes).told()

    capacity = capacity_of(ledger, settings.operations, lambda: call.runtime.book, ReviewSettings.of(settings), now)
    enter(
        ledger,
        body.rollout,
        body.why,
        call.caller,
        now,
        evidence,
        capacity=capacity,
        freezes=freezes,
        first=first,
        emergency=body.emergency,
    )
    return _done(rollouts_now(ledger), ledger, body.rollout)


_post("pause", "Let nothing advance it", lambda call, body, writing, at: steps.pause(writing, body.rollout, body.why, call.caller, at))
_post("resume", "Let it go on", lambda call, body, writing, at: steps.resume(writing, body.rollout, body.why, call.caller, at))
_post(
    "abort",
    "End it: its candidate decides nothing",
    lambda call, body, writing, at: steps.abort(writing, body.rollout, body.why, call.caller, at),
)


def _looked_at(call: Call, ledger: Ledger, its_id: str) -> RolloutTold:
    seen = look(ledger, rollouts_now(ledger)[its_id], now(), freezes=read_freezes(call.runtime.settings.freezes))
    return _told(seen.rollout, seen.waits_for if seen.rollout.on else (), seen.told())


def _do(call: Call, its_id: str, do: Callable[[Writing, datetime], object]) -> StepDone:
    """Once for each key: the same request again changes nothing, and is told how the roll-out stands now."""
    ledger, at = ledger_of(call), now()
    with ledger.write() as writing:
        if not (call.request and idempotency.answered(writing.connection, call.request)):
            do(writing, at)
            if call.request:
                idempotency.answer(writing.connection, call.request, [its_id], at)
    return _done(rollouts_now(ledger), ledger, its_id)


def _done(told: Rollouts, ledger: Ledger, its_id: str) -> StepDone:
    one = told[its_id]
    return StepDone(rollout=its_id, state=one.state, stage=one.stage.name if one.stage else None, seq=ledger.end()[0])


def _told(one: Rollout, waits_for: tuple[str, ...] = (), evidence: dict[str, Any] | None = None) -> RolloutTold:
    stage, proposal = one.stage, one.proposal
    return RolloutTold(
        rollout=one.rollout_id,
        state=one.state,
        stage=stage.name if stage else None,
        share=stage.stage.share if stage and stage.stage and one.on else None,
        until=one.until if one.on else None,
        paused=one.paused is not None,
        proposed_at=one.proposed_at,
        base=proposal.base,
        candidate=proposal.candidate,
        markets=proposal.markets,
        plan=proposal.plan,
        guards=proposal.guards,
        difference=proposal.difference,
        predicted=dict(proposal.predicted),
        why=proposal.why,
        by=proposal.by,
        waits_for=waits_for,
        evidence=evidence,
    )
