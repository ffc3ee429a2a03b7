"""The endpoints that answer from the ledger: what is on record about a decision, and what people bring to it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from adverdict.decisions.policy import PolicyBook
from adverdict.domain.errors import InvalidInput, NotFound
from adverdict.domain.json_text import BYTE_ORDER_MARK, named_twice, parse
from adverdict.domain.mistakes import mistakes
from adverdict.domain.verdict import Verdict
from adverdict.ledger import idempotency
from adverdict.ledger.effective import decision_histories
from adverdict.ledger.entries import Appealed, DecisionMade, Entry, Resolved, Ruled, Withdrawn
from adverdict.ledger.moments import micros
from adverdict.ledger.said import not_unwound
from adverdict.ledger.store import Ledger, now
from adverdict.review.cases.appeals import file_appeal
from adverdict.review.labels.incoming import bring
from adverdict.review.reasons.statement import statement
from adverdict.review.tasks.settings import ReviewSettings
from adverdict.scoring.explaining import Explanation
from adverdict.serving.http.endpoint import Call, Endpoints, RequestBody, ResponseBody
from adverdict.serving.http.examples import DECISION, LABEL
from adverdict.serving.http.messages import (
    AppealRecorded,
    AppealRequest,
    AppealStanding,
    DecisionRecord,
    LabelsRecorded,
    LabelsRequest,
    Standing,
    StepWithdrawn,
)

Body = TypeVar("Body", bound=BaseModel)


endpoints = Endpoints()


def reader(model: type[Body]) -> Callable[[bytes], Body]:
    """From a body to its model. Raises InvalidInput with every mistake."""

    def read(body: bytes) -> Body:
        body = body.removeprefix(BYTE_ORDER_MARK)
        try:
            found = model.model_validate_json(body)
        except ValidationError as error:
            raise InvalidInput("the request cannot be understood", mistakes(error, of=model)) from None
        if twice := named_twice(parse(body)):
            raise InvalidInput("the request cannot be understood", twice)
        return found

    return read


@endpoints.get(
    "/v1/decisions/{decision_id:path}",
    "score",
    gives=(ResponseBody("on record", DecisionRecord),),
    summary="A decision on record, and what became of it: what people found, appeals, the statement of reasons",
    errors=(404, 503),
    examples={"decision_id": DECISION["decision_id"]},
)
async def decision(call: Call) -> DecisionRecord:
    """Its reasons are made now, unless they were asked for when it was decided."""
    ledger, runtime = ledger_of(call), call.runtime
    return await asyncio.to_thread(_record, ledger, call.named["decision_id"], runtime.book, runtime.explain)


@endpoints.post(
    "/v1/labels",
    "label",
    takes=RequestBody(LabelsRequest, reader(LabelsRequest), {"labels": [LABEL]}),
    gives=ResponseBody("recorded", LabelsRecorded, {"labels": 1, "entries": ["lab-5f1d7a84db8e4cf6bba1d6c2b7ab9a0e"]}),
    summary="Bring labels on ads that were decided here: all of them are recorded, or none",
    errors=(404, 503, 504),
)
async def labels(call: Call, body: LabelsRequest) -> LabelsRecorded:
    ledger, policies = ledger_of(call), call.runtime.book.names
    entries = await asyncio.to_thread(bring, ledger, body.labels, call.caller, now(), call.request, policies=policies)
    return LabelsRecorded(labels=len(body.labels), entries=tuple(entries))


@endpoints.post(
    "/v1/appeals",
    "score",
    takes=RequestBody(
        AppealRequest,
        reader(AppealRequest),
        {"decision_id": DECISION["decision_id"], "statement": "We are licensed; the claim is in our prospectus."},
    ),
    gives=ResponseBody(
        "recorded", AppealRecorded, {"appeal_id": "app-9b1c2d3e4f5a4b6c8d7e9f0a1b2c3d4e", "decision_id": DECISION["decision_id"]}
    ),
    summary="Appeal against a rejection: somebody who has not seen the case decides",
    errors=(404, 503, 504),
)
async def appeals(call: Call, body: AppealRequest) -> AppealRecorded:
    appeal_id = await asyncio.to_thread(_appeal_filed, call, ledger_of(call), body)
    return AppealRecorded(appeal_id=appeal_id, decision_id=body.decision_id)


def _appeal_filed(call: Call, ledger: Ledger, body: AppealRequest) -> str:
    """The appeal's id: a new one's, or that of the same request before."""
    settings, at = ReviewSettings.of(call.runtime.settings), now()
    with ledger.write() as writing:
        before = idempotency.answered(writing.connection, call.request) if call.request else None
        if before and before[0]:
            return before[0]
        appeal_id = file_appeal(writing, body.decision_id, body.statement, call.caller, book=call.runtime.book, settings=settings, now=at)
        if call.request:
            idempotency.answer(writing.connection, call.request, [appeal_id], at)
    return appeal_id


def standing(about: Sequence[Entry]) -> Standing | None:
    """What one decision and everything on record about it, in order, say of the ad; None: it was withdrawn, and people said nothing."""
    made = about[0].body
    if not isinstance(made, DecisionMade):
        raise NotFound("the decision has been erased")
    resolved = [(entry, entry.body) for entry in not_unwound(about) if isinstance(entry.body, Resolved)]
    if resolved:
        entry, last = resolved[-1]
        return Standing(decision_id=last.decision_id, verdict=Verdict(last.verdict), by=last.by, at=entry.at, violated=last.violated)
    decision = made.decision
    withdrawn = [entry for entry in about if isinstance(entry.body, Withdrawn)]
    upheld = [entry for entry in about if isinstance(entry.body, Ruled) and entry.body.outcome == "upheld"]
    if withdrawn and upheld:
        return Standing(decision_id=decision.decision_id, verdict=Verdict.REJECT, by="appeal", at=upheld[-1].at)
    if withdrawn:
        return None
    at = decision.decided_at if made.step is None else about[0].at  # a rescored one holds from when it was applied
    return Standing(decision_id=decision.decision_id, verdict=decision.verdict, by="decision", at=at)


def _standing(ledger: Ledger, about: Sequence[Entry]) -> Standing | None:
    """The same of the decision on this version of the ad that stands now, whichever it is."""
    made = about[0].body
    assert isinstance(made, DecisionMade), "an erased one is not found"
    with ledger.look() as connection:
        course = decision_histories(connection, [made.ad.ad_id]).get(made.ad.ad_id)
    now = course.at(submitted_at=micros(made.ad.submitted_at)) if course else None
    if now is None or now.decision_id == made.decision.decision_id:
        return standing(about)
    return standing(ledger.about(now.decision_id))


def _record(ledger: Ledger, decision_id: str, book: PolicyBook, explain: Callable[[DecisionMade], Explanation]) -> DecisionRecord:
    about = ledger.about(decision_id)
    if not about or not isinstance(about[0].body, DecisionMade):
        raise NotFound("no such decision on record, or it has been erased")
    stated = statement(about, book)
    withdrawn = next((StepWithdrawn(at=entry.at, why=entry.body.why) for entry in about if isinstance(entry.body, Withdrawn)), None)
    rulings = {entry.body.appeal_id: entry for entry in about if isinstance(entry.body, Ruled)}
    explanation = explain(about[0].body)
    return DecisionRecord(
        decision=about[0].body.decision.model_copy(update={"reasons": explanation.reasons}),
        reasons_missing=explanation.missing,
        seq=about[0].seq,
        step=about[0].body.step,
        withdrawn=withdrawn,
        standing=_standing(ledger, about),
        statement_of_reasons=stated.model_dump(mode="json") if stated else None,
        appeals=tuple(_appeal(entry, rulings.get(entry.entry_id)) for entry in about if isinstance(entry.body, Appealed)),
    )


def _appeal(entry: Entry, ruling: Entry | None) -> AppealStanding:
    ruled = ruling.body if ruling and isinstance(ruling.body, Ruled) else None
    return AppealStanding(
        appeal_id=entry.entry_id,
        at=entry.at,
        outcome=ruled.outcome if ruled else None,
        ruled_at=ruling.at if ruling and ruled else None,
    )


def ledger_of(call: Call) -> Ledger:
    """Raises NotFound where nothing is recorded."""
    if call.runtime.ledger is None:
        raise NotFound("nothing is recorded here: ADVERDICT_DATABASE_URL is none")
    return call.runtime.ledger
