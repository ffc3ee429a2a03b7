"""The answers that come from the ledger: what is on record about a decision, and what people bring to it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from adverdict.decisions.policy import PolicyBook
from adverdict.domain.errors import InvalidInput, NotFound
from adverdict.domain.mistakes import mistakes
from adverdict.domain.verdict import Verdict
from adverdict.ledger import idempotency
from adverdict.ledger.entries import Appealed, DecisionMade, Entry, Resolved, Ruled, Withdrawn
from adverdict.ledger.idempotency import Request
from adverdict.ledger.moments import micros
from adverdict.ledger.standing import courses
from adverdict.ledger.store import Ledger, now
from adverdict.review.cases.appeals import file_appeal
from adverdict.review.labels.incoming import bring
from adverdict.review.reasons.statement import statement
from adverdict.review.tasks.settings import ReviewSettings
from adverdict.serving.http import routes
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
from adverdict.serving.http.pages import Page
from adverdict.serving.worker.running import Running

Body = TypeVar("Body", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that the gate let in."""

    caller: str
    """Name of the API key; ``local`` without keys."""
    path: str
    body: bytes
    request: Request | None
    """Under which the same answer is given again."""
    until: float | None = None
    """When the caller stops waiting, by the clock of the intake's pressure; None: it did not say."""


async def decision(running: Running, asked: Asked) -> Page:
    return await _answered(_record, _ledger(running), asked.path.removeprefix(routes.DECISIONS), running.book)


async def labels(running: Running, asked: Asked) -> Page:
    labels = _read(LabelsRequest, asked.body).labels

    def recorded(ledger: Ledger) -> LabelsRecorded:
        return LabelsRecorded(
            labels=len(labels), entries=tuple(bring(ledger, labels, asked.caller, now(), asked.request, policies=running.book.names))
        )

    return await _answered(recorded, _ledger(running))


async def appeals(running: Running, asked: Asked) -> Page:
    asks = _read(AppealRequest, asked.body)

    def recorded(ledger: Ledger) -> AppealRecorded:
        settings, at = ReviewSettings.of(running.settings), now()
        with ledger.write() as writing:
            before = idempotency.answered(writing.connection, asked.request) if asked.request else None
            if before and before[0]:
                return AppealRecorded(appeal_id=before[0], decision_id=asks.decision_id)
            told = (asks.decision_id, asks.statement, asked.caller)
            appeal_id = file_appeal(writing, *told, book=running.book, settings=settings, now=at)
            if asked.request:
                idempotency.answer(writing.connection, asked.request, [appeal_id], at)
        return AppealRecorded(appeal_id=appeal_id, decision_id=asks.decision_id)

    return await _answered(recorded, _ledger(running))


RECORDS: dict[str, Callable[[Running, Asked], Awaitable[Page]]] = {
    routes.DECISIONS: decision,
    routes.LABELS: labels,
    routes.APPEALS: appeals,
}


def standing(about: Sequence[Entry]) -> Standing | None:
    """What one decision and everything on record about it, in order, say of the ad; None: it was withdrawn, and people said nothing."""
    made = about[0].body
    if not isinstance(made, DecisionMade):
        raise NotFound("the decision has been erased")
    resolved = [(entry, entry.body) for entry in about if isinstance(entry.body, Resolved)]
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
        course = courses(connection, [made.ad.ad_id]).get(made.ad.ad_id)
    now = course.at(submitted_at=micros(made.ad.submitted_at)) if course else None
    if now is None or now.decision_id == made.decision.decision_id:
        return standing(about)
    return standing(ledger.about(now.decision_id))


def _record(ledger: Ledger, decision_id: str, book: PolicyBook) -> DecisionRecord:
    about = ledger.about(decision_id)
    if not about or not isinstance(about[0].body, DecisionMade):
        raise NotFound("no such decision on record, or it has been erased")
    stated = statement(about, book)
    withdrawn = next((StepWithdrawn(at=one.at, why=one.body.why) for one in about if isinstance(one.body, Withdrawn)), None)
    rulings = {entry.body.appeal_id: entry for entry in about if isinstance(entry.body, Ruled)}
    return DecisionRecord(
        decision=about[0].body.decision,
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


def _read(kind: type[Body], body: bytes) -> Body:
    try:
        return kind.model_validate_json(body)
    except ValidationError as error:
        raise InvalidInput("the request cannot be understood", mistakes(error)) from None


def _ledger(running: Running) -> Ledger:
    if running.ledger is None:
        raise NotFound("nothing is recorded here: ADVERDICT_DATABASE_URL is none")
    return running.ledger


async def _answered(answer: Callable[..., BaseModel], *told: object) -> Page:
    """Off the event loop: the database may be slow."""
    return Page(200, (await asyncio.to_thread(answer, *told)).model_dump_json().encode())
