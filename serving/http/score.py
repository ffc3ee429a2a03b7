"""The answers that decide: a request's ads go to the intake, and what is on record comes back."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from pydantic import TypeAdapter

from adverdict.domain.ad import Ad
from adverdict.domain.decision import Decision
from adverdict.domain.errors import InvalidInput
from adverdict.serving.http import routes
from adverdict.serving.http.bodies import read_ad, read_batch
from adverdict.serving.http.errors import Refused, problem
from adverdict.serving.http.messages import BatchResult, RefusedAd
from adverdict.serving.http.pages import Page
from adverdict.serving.http.records import Asked
from adverdict.serving.worker.running import Running

log = logging.getLogger("adverdict.http")

ANSWER_SECONDS = 30.0
"""Nobody waits longer, whatever the intake is held up by."""
Read = TypeVar("Read")
_DECISION = TypeAdapter(Decision)
_RESULT = TypeAdapter(BatchResult)


async def score(running: Running, asked: Asked) -> Page:
    """One ad in, one decision out."""
    ad = _checked(running, asked.body, read_ad)
    [decision] = await _decided(running, [ad], asked)
    if decision is None:
        log.error("an ad could not be scored, so its request ended with status 500")
        raise Refused(problem(500))
    return Page(200, _DECISION.dump_json(decision))


async def score_batch(running: Running, asked: Asked) -> Page:
    """Up to 256 ads in, all decided by the same bundle; one result for each, in their order."""
    batch = _checked(running, asked.body, read_batch)
    if batch.refused:
        running.metrics.refused.inc(len(batch.refused))
    decisions = await _decided(running, batch.ads, asked)
    failed = problem(500).detail()
    rest = iter([decision or RefusedAd(ad_id=ad.ad_id, error=failed) for ad, decision in zip(batch.ads, decisions, strict=True)])
    results = [batch.refused[position] if position in batch.refused else next(rest) for position in range(batch.size)]
    return Page(200, _RESULT.dump_json(BatchResult(results=tuple(results))))


SCORING: dict[str, Callable[[Running, Asked], Awaitable[Page]]] = {routes.SCORE: score, routes.SCORE_BATCH: score_batch}


def _checked(running: Running, body: bytes, read: Callable[[bytes], Read]) -> Read:
    try:
        return read(body)
    except InvalidInput:
        running.metrics.refused.inc()
        raise


async def _decided(running: Running, ads: Sequence[Ad], asked: Asked) -> Sequence[Decision | None]:
    """Off the event loop: probes and other callers are answered while an ad is scored."""
    if running.champion.starting:
        raise Refused(problem(503, "the first model is still being loaded; ask again shortly"))
    if not ads:
        return ()
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            return await running.post.fetch(running.intake.ask(ads, asked.request, asked.until))
    except TimeoutError:
        raise Refused(problem(504)) from None
