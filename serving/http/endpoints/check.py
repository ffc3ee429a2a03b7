"""The endpoint by which an advertiser asks before submitting: the rules that a draft would meet, and the words that meet them."""

from __future__ import annotations

import asyncio

from adverdict.domain.ad import Ad
from adverdict.domain.decision import Decision
from adverdict.ledger.audit_secret import make_audit_secret
from adverdict.ledger.in_force.steering import steering_now
from adverdict.ledger.store import Ledger, now
from adverdict.monitoring.drafts import A_DAY, AN_HOUR, keep, room, rules_met, seconds
from adverdict.serving.http.bodies import read_ad
from adverdict.serving.http.endpoint import Call, Endpoints, RequestBody, ResponseBody
from adverdict.serving.http.endpoints.records import ledger_of
from adverdict.serving.http.errors import Refused, problem
from adverdict.serving.http.examples import AD
from adverdict.serving.http.messages import DraftChecked, RuleMet

SECONDS = 20.0
"""Nobody waits longer: drafts come after ads."""
HELD_SECONDS = 3600
MEETS = {"policy": "deceptive", "rule": "The ad promises something it cannot keep.", "words": ["guaranteed returns"]}

endpoints = Endpoints()


@endpoints.post(
    "/v1/check",
    "score",
    takes=RequestBody(Ad, read_ad, AD),
    gives=ResponseBody("checked", DraftChecked, {"meets": [MEETS], "left": 19}),
    summary="Before submitting: the rules that a draft would meet, and its words that meet them; "
    f"{AN_HOUR} an hour and {A_DAY} a day for each advertiser; nothing goes on record",
    errors=(404, 429, 503, 504),
)
async def check(call: Call, ad: Ad) -> DraftChecked:
    runtime, ledger = call.runtime, ledger_of(call)
    if runtime.champion.starting:
        raise Refused(problem(503, "the first model is still being loaded; ask again shortly"))
    await asyncio.to_thread(_admit, ledger, ad.advertiser_id)
    try:
        async with asyncio.timeout(SECONDS):
            decision = await asyncio.wrap_future(runtime.intake.check(ad))
    except TimeoutError:
        raise Refused(problem(504)) from None
    return await asyncio.to_thread(_told, call, ledger, ad, decision)


def _admit(ledger: Ledger, advertiser: str) -> None:
    """Raises Refused where the advertiser has no checks left, or tries out what is approved."""
    at = now()
    held = steering_now(ledger).held.get(advertiser)
    with ledger.look() as connection:
        left = room(connection, advertiser, at)
    noticed = held is not None and at < held.until
    if noticed or left.again is not None:
        wait = HELD_SECONDS if left.again is None else seconds(left.again, at)
        told = f"no checks are left for this advertiser: {AN_HOUR} an hour and {A_DAY} a day"
        raise Refused(problem(429, told, code="checks_spent", retry_after=str(wait)))


def _told(call: Call, ledger: Ledger, ad: Ad, decision: Decision) -> DraftChecked:
    at = now()
    secret = make_audit_secret(ledger, at)
    keep(ledger, ad, decision, secret, at)
    with ledger.look() as connection:
        left = room(connection, ad.advertiser_id, at).left
    found = rules_met(decision, ad, call.runtime.book, secret, at)
    return DraftChecked(meets=tuple(RuleMet(policy=one.policy, rule=one.rule, words=one.words) for one in found), left=left)
