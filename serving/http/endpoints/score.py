"""The endpoints that decide: a request's ads go to the intake, and what is on record comes back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import cast

from adverdict.domain.ad import Ad
from adverdict.domain.decision import Decision
from adverdict.serving.http.bodies import Batch, read_ad, read_batch
from adverdict.serving.http.endpoint import Call, Endpoints, RequestBody, ResponseBody
from adverdict.serving.http.errors import NotDecided, Refused, from_error, problem
from adverdict.serving.http.examples import AD, DECISION
from adverdict.serving.http.incoming import explained
from adverdict.serving.http.messages import BatchRequest, BatchResult, RefusedAd, ScoredDecision
from adverdict.storage.tables.told import came_before

ANSWER_SECONDS = 30.0
"""Nobody waits longer, whatever the intake is held up by."""

endpoints = Endpoints()


@endpoints.post(
    "/v1/score",
    "score",
    takes=RequestBody(Ad, read_ad, AD),
    gives=ResponseBody("decided", ScoredDecision, DECISION),
    summary="Decide on one ad",
    errors=(404, 503, 504),
    waits=True,
)
async def score(call: Call, ad: Ad) -> ScoredDecision:
    """One ad in, one decision out."""
    [decision] = await _decided(call, [ad])
    if decision is None:
        raise NotDecided
    return cast(ScoredDecision, _graded(call, [ad], [decision])[0])  # a plain decision where no tiers are told: the field is absent


@endpoints.post(
    "/v1/score/batch",
    "score",
    takes=RequestBody(BatchRequest, read_batch, {"ads": [AD]}),
    gives=ResponseBody("decided", BatchResult, {"results": [DECISION], "warnings": []}),
    summary="Decide on up to 256 ads; one that breaks the data contract is refused alone",
    errors=(404, 503, 504),
    waits=True,
)
async def score_batch(call: Call, batch: Batch) -> BatchResult:
    """Up to 256 ads in, all decided by the same bundle; one result for each, in their order."""
    if batch.refused:
        call.runtime.metrics.refused.inc(len(batch.refused))
    decisions = await _decided(call, batch.ads)
    made = [(ad, decision) for ad, decision in zip(batch.ads, decisions, strict=True) if decision is not None]
    graded = {one.decision_id: one for one in _graded(call, [ad for ad, _ in made], [decision for _, decision in made])}
    decisions = [decision and graded[decision.decision_id] for decision in decisions]
    failed = from_error(NotDecided()).detail()
    rest = iter([decision or RefusedAd(ad_id=ad.ad_id, error=failed) for ad, decision in zip(batch.ads, decisions, strict=True)])
    results = tuple(batch.refused[at] if at in batch.refused else next(rest) for at in range(batch.size))
    return BatchResult(results=results, warnings=_warnings(batch.ads))


def _graded(call: Call, ads: Sequence[Ad], decisions: Sequence[Decision]) -> Sequence[Decision]:
    """With their tiers, where any are told."""
    grader = call.runtime.grader
    if grader is None:
        return decisions
    told = zip(decisions, grader.grade(ads, decisions), strict=True)
    return [ScoredDecision.model_construct(**dict(decision), suitability=suitability) for decision, suitability in told]


def _warnings(ads: Sequence[Ad]) -> tuple[str, ...]:
    again = Counter(ad.ad_id for ad in ads) - Counter({ad.ad_id for ad in ads})
    return (came_before(again.total(), next(iter(again))),) if again else ()


async def _decided(call: Call, ads: Sequence[Ad]) -> Sequence[Decision | None]:
    """Off the event loop: probes and other callers are answered while an ad is scored."""
    runtime = call.runtime
    if runtime.champion.starting:
        raise Refused(problem(503, "the first model is still being loaded; ask again shortly"))
    explain = explained(call.query)
    if not ads:
        return ()
    try:
        return await runtime.dispatcher.fetch(runtime.intake.ask(ads, call.request, call.until, explain, call.caller), ANSWER_SECONDS)
    except TimeoutError:
        raise Refused(problem(504)) from None
