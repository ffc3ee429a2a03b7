"""The answers that come from the ledger: what is on record about a decision, and what people bring to it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from decisions.policy import PolicyBook
from domain.errors import InvalidInput, NotFound
from domain.mistakes import mistakes
from domain.verdict import Verdict
from ledger import idempotency
from ledger.entries import Appealed, DecisionMade, Entry, Resolved, Ruled
from ledger.idempotency import Request
from ledger.store import Ledger, now
from review.appeals import file_appeal
from review.incoming import bring
from review.statement import statement
from serving import routes
from serving.messages import (
    AppealRecorded,
    AppealRequest,
    AppealStanding,
    DecisionRecord,
    LabelsRecorded,
    LabelsRequest,
    Standing,
)
from serving.pages import Page
from serving.running import Running, review_settings

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
        settings, at = review_settings(running.settings), now()
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


def standing(about: Sequence[Entry]) -> Standing:
    """What holds for the ad, from the decision and everything on record about it, in order."""
    resolved = [(entry, entry.body) for entry in about if isinstance(entry.body, Resolved)]
    if resolved:
        entry, last = resolved[-1]
        return Standing(verdict=Verdict(last.verdict), by=last.by, at=entry.at, violated=last.violated)
    made = about[0].body
    if not isinstance(made, DecisionMade):
        raise NotFound("the decision has been erased")
    return Standing(verdict=made.decision.verdict, by="decision", at=made.decision.decided_at)


def _record(ledger: Ledger, decision_id: str, book: PolicyBook) -> DecisionRecord:
    about = ledger.about(decision_id)
    if not about or not isinstance(about[0].body, DecisionMade):
        raise NotFound("no such decision on record, or it has been erased")
    stated = statement(about, book)
    rulings = {entry.body.appeal_id: entry for entry in about if isinstance(entry.body, Ruled)}
    return DecisionRecord(
        decision=about[0].body.decision,
        seq=about[0].seq,
        standing=standing(about),
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
        raise NotFound("nothing is recorded here: ADJUDICATE_DATABASE_URL is none")
    return running.ledger


async def _answered(answer: Callable[..., BaseModel], *told: object) -> Page:
    """Off the event loop: the database may be slow."""
    return Page(200, (await asyncio.to_thread(answer, *told)).model_dump_json().encode())
