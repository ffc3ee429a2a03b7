"""The endpoints of strikes: those against an advertiser, the limits they have reached, and lifting them."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from adverdict.decisions.strikes import StrikesThen
from adverdict.domain.ad import Id, Text
from adverdict.ledger import idempotency
from adverdict.ledger.in_force.strikes import lift
from adverdict.ledger.in_force.struck import AdvertiserStrikes, strikes_against
from adverdict.ledger.store import Ledger, find, now
from adverdict.serving.http.endpoint import Call, Endpoints, RequestBody, ResponseBody
from adverdict.serving.http.endpoints.records import ledger_of, reader

EXAMPLE = "adv-204"
endpoints = Endpoints()


class StrikeTold(BaseModel):
    """A rejection that counts against an advertiser."""

    model_config = ConfigDict(frozen=True)

    policy: str
    at: datetime = Field(description="since when it stands")
    ad_id: str
    decision_id: str
    by: Literal["people", "model", "copy"] = Field(description="model: a certified threshold; copy: carried from what people made of one")
    counts_by_itself: bool = Field(description="false: its ad was submitted before an earlier strike was known, and counts with that one")


class LimitReached(BaseModel):
    """A limit of the policies in force that the advertiser has reached."""

    model_config = ConfigDict(frozen=True)

    policy: str
    limit: int
    days: int
    then: StrikesThen
    markets: tuple[str, ...] = Field(description="in which people decide all of its ads")
    until: datetime | None = Field(description="when it ends by itself; null: when somebody lifts it")
    says: str


class StrikesOfAdvertiser(BaseModel):
    """How an advertiser stands."""

    model_config = ConfigDict(frozen=True)

    advertiser_id: str
    strikes: tuple[StrikeTold, ...] = Field(description="those that stand and were not lifted, the latest first")
    limits: tuple[LimitReached, ...]


class LiftRequest(BaseModel):
    """Have the strikes of an advertiser until now cause nothing any more."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    advertiser_id: Id
    why: Text = Field(description="kept on record")


class StrikesLiftedTold(BaseModel):
    """They are lifted."""

    model_config = ConfigDict(frozen=True)

    advertiser_id: str
    seq: int = Field(description="place in the ledger's chain")


@endpoints.get(
    "/v1/strikes/{advertiser_id:path}",
    "policy",
    gives=(ResponseBody("as they stand", StrikesOfAdvertiser),),
    summary="Strikes against an advertiser, and the limits they have reached",
    errors=(404, 503),
    examples={"advertiser_id": EXAMPLE},
    or_admin=True,
)
async def strikes(call: Call) -> StrikesOfAdvertiser:
    """An advertiser nobody knows has none."""
    return await asyncio.to_thread(_strikes, call, ledger_of(call), call.named["advertiser_id"])


@endpoints.post(
    "/v1/strikes/lift",
    "policy",
    takes=RequestBody(LiftRequest, reader(LiftRequest), {"advertiser_id": EXAMPLE, "why": "another company has bought the account"}),
    gives=ResponseBody("lifted", StrikesLiftedTold, {"advertiser_id": EXAMPLE, "seq": 120433}),
    summary="Lift an advertiser's strikes: what was rejected until now causes nothing any more, from every worker's next round on",
    errors=(404, 503, 504),
    or_admin=True,
)
async def lifted(call: Call, body: LiftRequest) -> StrikesLiftedTold:
    return StrikesLiftedTold(advertiser_id=body.advertiser_id, seq=await asyncio.to_thread(_lifted, call, ledger_of(call), body))


def _strikes(call: Call, ledger: Ledger, advertiser: str) -> StrikesOfAdvertiser:
    with ledger.look() as connection:
        return _told(strikes_against(connection, call.runtime.book, advertiser, now()))


def _told(one: AdvertiserStrikes) -> StrikesOfAdvertiser:
    return StrikesOfAdvertiser(
        advertiser_id=one.advertiser_id,
        strikes=tuple(
            StrikeTold(
                policy=strike.policy,
                at=strike.at,
                ad_id=strike.ad_id,
                decision_id=strike.decision_id,
                by=strike.by,  # type: ignore[arg-type]
                counts_by_itself=strike in one.by_themselves,
            )
            for strike in one.strikes
        ),
        limits=tuple(
            LimitReached(
                policy=limit.reached.policy,
                limit=limit.reached.limit.limit,
                days=limit.reached.limit.days,
                then=limit.reached.limit.then,
                markets=limit.markets,
                until=limit.reached.until,
                says=limit.sentence,
            )
            for limit in one.limits
        ),
    )


def _lifted(call: Call, ledger: Ledger, body: LiftRequest) -> int:
    """The seq of the entry; that of the same request before."""
    at = now()
    with ledger.write() as writing:
        before = idempotency.answered(writing.connection, call.request) if call.request else None
        if before and before[0]:
            return find(writing.connection, before[0]).seq
        entry_id, seq = lift(writing, body.advertiser_id, body.why, call.caller, at)
        if call.request:
            idempotency.answer(writing.connection, call.request, [entry_id], at)
    return seq
