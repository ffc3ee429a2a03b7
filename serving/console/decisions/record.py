"""Everything on record about one decision."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from adverdict.domain.decision import PolicyVerdict, Reason
from adverdict.domain.errors import NotFound
from adverdict.ledger.bodies.copies import Unwound
from adverdict.ledger.chain import plain_json
from adverdict.ledger.effective import decision_histories
from adverdict.ledger.entries import Answered, Appealed, DecisionMade, Entry, Labelled, Resolved, Ruled, Withdrawn
from adverdict.ledger.moments import micros, moment
from adverdict.ledger.said import not_unwound
from adverdict.ledger.schema import contents, entries, tasks
from adverdict.ledger.store import about, withdrawn
from adverdict.review.reasons.marking import Piece, pieces
from adverdict.review.tasks.tasks import UNFINISHED, Task, task_of
from adverdict.scoring.explaining import Explanation, on_record
from adverdict.serving.console.bars import Bar, bar
from adverdict.serving.console.card import Card, card

LISTED = 50


@dataclass(frozen=True)
class Link:
    """Where an entry stands in the chain."""

    seq: int
    digest: str
    hash: str


@dataclass(frozen=True)
class Row:
    """A policy's verdict with its drawing and what moved it."""

    told: PolicyVerdict
    bar: Bar | None
    reasons: tuple[Reason, ...]


@dataclass(frozen=True)
class Event:
    """Something that happened after the decision."""

    seq: int
    at: datetime
    what: str
    who: str
    told: tuple[Piece, ...]
    """What somebody wrote."""


@dataclass(frozen=True)
class Record:
    made: DecisionMade
    unexplained: str | None
    """Why there are no reasons, in words; None: nothing is missing."""
    at: datetime
    link: Link
    card: Card
    rows: tuple[Row, ...]
    resolution: Resolved | None
    """The last one is the ad's verdict."""
    withdrawn: Withdrawn | None
    """The undoing of the step that recorded it."""
    later: str | None
    """The decision on the same version of the ad that stands instead of this one."""
    events: tuple[Event, ...]
    tasks: tuple[Task, ...]

    @property
    def verdict(self) -> str:
        return (self.resolution.verdict if self.resolution else self.made.decision.verdict).value


@dataclass(frozen=True)
class DecisionSummary:
    """A decision in a list. ``settled``: what people made of it."""

    decision_id: str
    ad_id: str
    market: str
    title: str
    at: datetime
    verdict: str
    settled: str | None
    being_read: bool
    withdrawn: bool
    """With the rescoring step that recorded it."""


def record(connection: Connection, decision_id: str, explain: Callable[[DecisionMade], Explanation] = on_record) -> Record:
    """Raises NotFound, also for a decision that was erased."""
    told = about(connection, decision_id)
    made = next((entry for entry in told if isinstance(entry.body, DecisionMade)), None)
    if made is None or not isinstance(made.body, DecisionMade):
        raise NotFound("No such decision is on record, or its content was erased.")
    explanation = explain(made.body)
    rows = [Row(one, bar(one), tuple(r for r in explanation.reasons if r.policy == one.policy)) for one in made.body.decision.policies]
    resolutions = [entry.body for entry in not_unwound(told) if isinstance(entry.body, Resolved)]
    return Record(
        made=made.body,
        unexplained=explanation.missing,
        at=made.at,
        link=_link(connection, made.seq),
        card=card(made.body.ad, explanation.reasons),
        rows=tuple(sorted(rows, key=lambda row: (-row.told.verdict.severity, -(row.told.risk.p if row.told.risk else -1)))),
        resolution=resolutions[-1] if resolutions else None,
        withdrawn=next((entry.body for entry in told if isinstance(entry.body, Withdrawn)), None),
        later=_later(connection, made.body),
        events=tuple(event for entry in told if (event := _event(entry)) is not None),
        tasks=tuple(tasks_about(connection, decision_id)),
    )


def _later(connection: Connection, made: DecisionMade) -> str | None:
    course = decision_histories(connection, [made.ad.ad_id]).get(made.ad.ad_id)
    now = course.at(submitted_at=micros(made.ad.submitted_at)) if course else None
    return None if now is None or now.decision_id == made.decision.decision_id else now.decision_id


def tasks_about(connection: Connection, decision_id: str) -> list[Task]:
    return [task_of(row) for row in connection.execute(select(tasks).where(tasks.c.about == decision_id).order_by(tasks.c.opened_at))]


def latest(connection: Connection, limit: int = LISTED) -> list[DecisionSummary]:
    return _listed(connection, entries.c.kind == "decision", limit)


def of_ad(connection: Connection, ad_id: str) -> list[DecisionSummary]:
    """The decisions on an ad, latest first."""
    return _listed(connection, (entries.c.kind == "decision") & (contents.c.ad_id == ad_id), LISTED)


def _listed(connection: Connection, condition: object, limit: int) -> list[DecisionSummary]:
    query = (
        select(entries.c.entry_id, entries.c.at, contents.c.ad_id, contents.c.market, contents.c.verdict, contents.c.step, contents.c.body)
        .join(contents, contents.c.seq == entries.c.seq)
        .where(condition)  # type: ignore[arg-type]  # an expression of SQLAlchemy's
    )
    rows = connection.execute(query.order_by(entries.c.seq.desc()).limit(limit)).all()
    ids = [row.entry_id for row in rows]
    settled = _settled(connection, ids)
    ended = withdrawn(connection)
    read = set(connection.scalars(select(tasks.c.about).where(tasks.c.about.in_(ids), tasks.c.state.in_(UNFINISHED))))
    return [
        DecisionSummary(
            row.entry_id,
            row.ad_id,
            row.market,
            _title(row.body),
            moment(row.at),
            row.verdict,
            settled.get(row.entry_id),
            row.entry_id in read,
            row.step in ended,
        )
        for row in rows
    ]


def _settled(connection: Connection, decision_ids: Sequence[str]) -> dict[str, str]:
    query = (
        select(contents.c.about, contents.c.verdict)
        .join(entries, entries.c.seq == contents.c.seq)
        .where(entries.c.kind == "resolution", contents.c.about.in_(decision_ids))
    )
    return {row.about: row.verdict for row in connection.execute(query.order_by(contents.c.seq))}


def _title(body: bytes) -> str:
    ad = plain_json(body)["ad"]  # type: ignore[index]  # what DecisionMade wrote
    return str(ad.get("title") or ad.get("body") or ad.get("creative_ocr_text") or "(no text)")[:120]


def _link(connection: Connection, seq: int) -> Link:
    row = connection.execute(select(entries.c.digest, entries.c.hash).where(entries.c.seq == seq)).one()
    return Link(seq, bytes(row.digest).hex(), bytes(row.hash).hex())


def _event(entry: Entry) -> Event | None:
    match entry.body:
        case Answered() as body:
            violated = f" ({', '.join(body.violated)})" if body.violated else ""
            extra = f", {body.severity}" if body.severity else ""
            what = f"{body.task_kind} task answered: {body.verdict}{violated}{extra}"
            return Event(entry.seq, entry.at, what, body.reviewer, pieces(body.reason))
        case Labelled() as body:
            what = "labelled: " + ", ".join(f"{one.policy} {'violated' if one.violates else 'not violated'}" for one in body.labels)
            return Event(entry.seq, entry.at, what, body.by, pieces("; ".join(one.reason for one in body.labels if one.reason)))
        case Resolved() as body:
            violated = f" for {', '.join(body.violated)}" if body.violated else ""
            how = f"carried over from a copy, {body.carried.decision_id}" if body.carried else f"settled by {body.by}"
            return Event(entry.seq, entry.at, f"{body.verdict.value} {how}{violated}", "", ())
        case Unwound() as body:
            return Event(entry.seq, entry.at, "what people had made of it, or of a copy, was taken back", body.by, pieces(body.why))
        case Appealed() as body:
            return Event(entry.seq, entry.at, "appealed", body.by, pieces(body.statement))
        case Ruled() as body:
            return Event(entry.seq, entry.at, f"appeal {body.outcome}", body.reviewer, pieces(body.reason))
        case Withdrawn() as body:
            return Event(entry.seq, entry.at, "withdrawn with its rescoring step", body.by, pieces(body.why))
    return None
