"""An advertiser's objection: read by somebody who never saw the case, and repaired where it is right."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Literal

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import Connection, exists, select

from adverdict.decisions.policy import PolicyBook
from adverdict.domain.ad import Text
from adverdict.domain.errors import Conflict, InvalidInput, Mistake
from adverdict.domain.identity import language_key
from adverdict.domain.verdict import Verdict
from adverdict.ledger import store
from adverdict.ledger.effective import not_withdrawn
from adverdict.ledger.entries import Answered, Appealed, DecisionMade, Labelled, Resolved, Ruled
from adverdict.ledger.moments import micros
from adverdict.ledger.schema import contents
from adverdict.ledger.schema import tasks as table
from adverdict.ledger.store import Ledger, Writing
from adverdict.review.cases.answers import Answer, Outcome
from adverdict.review.cases.cases import Record, answer_id, record, resolve
from adverdict.review.cases.settling import Settle
from adverdict.review.tasks import tasks
from adverdict.review.tasks.draws import Draws, draws_of
from adverdict.review.tasks.opening import follow_ups, review_task, stopped_by
from adverdict.review.tasks.priority import due, harm_if_withheld
from adverdict.review.tasks.settings import ReviewSettings
from adverdict.review.tasks.tasks import Task

REREAD = 300
"""Rejections of one creative that a ruling sends to review: whoever appends waits for its transaction."""
_STATEMENT: TypeAdapter[str] = TypeAdapter(Text)


def appeal(ledger: Ledger, decision_id: str, statement: str, by: str, *, book: PolicyBook, settings: ReviewSettings, now: datetime) -> str:
    """Record an appeal and open its task; the appeal's id.

    Raises NotFound (no such decision, or erased), InvalidInput (every mistake; only rejections can be appealed against), Conflict
    (appealed against already).
    """
    with ledger.write() as writing:
        return file_appeal(writing, decision_id, statement, by, book=book, settings=settings, now=now)


def file_appeal(
    writing: Writing, decision_id: str, statement: str, by: str, *, book: PolicyBook, settings: ReviewSettings, now: datetime
) -> str:
    """``appeal`` within a transaction that does more, such as keeping an idempotency key."""
    known = record(writing, decision_id)
    mistakes = list(_mistakes(known, statement))
    if mistakes:
        raise InvalidInput("the appeal cannot be taken:", mistakes)
    if any(isinstance(one.body, Appealed) for one in known.entries):
        raise Conflict(f"decision {decision_id} was appealed against already")
    appeal_id = f"app-{uuid.uuid4().hex}"
    ad = known.made.ad
    about = {"decision_id": decision_id, "ad_id": ad.ad_id, "advertiser_id": ad.advertiser_id, "market": ad.market}
    writing.append(appeal_id, Appealed(**about, statement=statement, by=by), now)
    tasks.add(writing.connection, [_task(appeal_id, known, book, settings, now, draws_of(writing.connection))])
    return appeal_id


def rule(writing: Writing, task: Task, answer: Answer, known: Record, book: PolicyBook, settings: ReviewSettings, now: datetime) -> Outcome:
    """After the answer to an appeal's task was appended and the task was closed."""
    done, draws = answer_id(task.task_id), draws_of(writing.connection)
    if answer.verdict not in ("approve", "reject"):
        senior = follow_ups(task, "appeal", 1, 1.0, settings, now, draws, urgent=True)
        tasks.add(writing.connection, senior)
        return Outcome(task.task_id, done, opened=(senior[0].task_id,))
    outcome: Literal["upheld", "overturned"] = "overturned" if answer.verdict == "approve" else "upheld"
    wrong = list(_wrong_labels(writing.connection, known, task.policies)) if outcome == "overturned" else []
    writing.append(f"rul-{task.case_id}", _ruling(task, answer, outcome, [entry for _, entry in wrong]), now)
    verdict = Verdict(answer.verdict)
    if outcome == "upheld" and known.verdict is verdict and known.withdrawn_at is None:
        return Outcome(task.task_id, done, ruling=outcome)
    resolve(writing, task, Settle(verdict, tuple(dict.fromkeys(answer.violated))), "appeal", now)
    tasks.withdraw(writing.connection, table.c.about == task.about, now)
    opened: list[Task] = []
    if outcome == "overturned":
        since = min((seq for seq, _ in wrong), default=known.seq)
        affected = _depended_on_it(writing.connection, known, since)
        opened = [review_task(one, book, settings, now, draws, task.task_id, number) for number, one in enumerate(affected)]
        tasks.add(writing.connection, opened)
    return Outcome(task.task_id, done, verdict, "appeal", outcome, tuple(one.task_id for one in opened))


def rejected_for(known: Record, book: PolicyBook) -> tuple[str, ...]:
    """The policies an ad is rejected for now: those people named last, else the decision's own."""
    for entry in reversed(known.entries):
        if isinstance(entry.body, Resolved) and entry.body.violated:
            return entry.body.violated
    rejecting = tuple(one.policy for one in known.made.decision.policies if one.verdict is Verdict.REJECT)
    return rejecting or stopped_by(known.made, book)


def _mistakes(known: Record, statement: str) -> Iterator[Mistake]:
    if known.withdrawn_at is not None:
        expected = f"a decision that stands; this one was withdrawn on {known.withdrawn_at:%Y-%m-%d}"
        yield Mistake("decision_id", known.made.decision.decision_id, expected)
    elif known.verdict is not Verdict.REJECT:
        yield Mistake(
            "decision_id", known.made.decision.decision_id, f"a decision that rejects; the verdict of this one is {known.verdict}"
        )
    try:
        _STATEMENT.validate_python(statement)
    except ValidationError as error:
        yield Mistake("statement", statement, "text: " + error.errors(include_url=False)[0]["msg"])
    else:
        if not statement.strip():
            yield Mistake("statement", statement, "what the advertiser says")


def _task(appeal_id: str, known: Record, book: PolicyBook, settings: ReviewSettings, now: datetime, draws: Draws) -> Task:
    ad, decision, asked = known.made.ad, known.made.decision, rejected_for(known, book)
    harm = harm_if_withheld(ad, decision, asked, settings)
    return Task(
        task_id=draws.task_id(appeal_id, 0),
        case_id=appeal_id,
        kind="appeal",
        about=decision.decision_id,
        ad_id=ad.ad_id,
        advertiser_id=ad.advertiser_id,
        market=ad.market,
        language=language_key(ad.language),
        policies=asked,
        senior=False,
        probability=1.0,
        harm=harm,
        opened_at=now,
        due_at=due(now, "appeal", harm, settings),
    )


def _ruling(task: Task, answer: Answer, outcome: Literal["upheld", "overturned"], retracted: Sequence[str]) -> Ruled:
    return Ruled(
        decision_id=task.about,
        ad_id=task.ad_id,
        advertiser_id=task.advertiser_id,
        market=task.market,
        appeal_id=task.case_id,
        outcome=outcome,
        task_id=task.task_id,
        reviewer=task.reviewer or "",
        reason=answer.reason,
        retracted=tuple(retracted),
        policies=task.policies if retracted else (),
    )


def _wrong_labels(connection: Connection, known: Record, policies: Sequence[str]) -> Iterator[tuple[int, str]]:
    """Seq and id of entries which say that this version of the ad violates one of the policies, whichever decision they are about."""
    ad = known.made.ad
    same_version = select(contents.c.about).where(contents.c.ad_id == ad.ad_id, contents.c.submitted_at == micros(ad.submitted_at))
    for decision_id in sorted(set(connection.scalars(same_version))):
        for entry in store.about(connection, decision_id):
            if isinstance(entry.body, Answered | Labelled) and any(one.violates and one.policy in policies for one in entry.body.labels):
                yield entry.seq, entry.entry_id


def _depended_on_it(connection: Connection, known: Record, since: int) -> list[DecisionMade]:
    """Automatic rejections of the same creative that came later and that no person has read or is about to, in order.

    The last ``REREAD`` of them: an older ad has had its time, and its advertiser can appeal.
    """
    creative = known.made.ad.creative_id
    if creative is None:
        return []
    handled = exists().where(table.c.about == contents.c.about, table.c.state != "withdrawn")
    query = (
        store.entry_query()
        .where(contents.c.creative_id == creative, contents.c.verdict == Verdict.REJECT.value, contents.c.seq > since, ~handled)
        .where(contents.c.about != known.made.decision.decision_id, not_withdrawn())
        .order_by(contents.c.seq.desc())
        .limit(REREAD)
    )
    bodies = [store.entry_of(row).body for row in connection.execute(query)]
    return [body for body in reversed(bodies) if isinstance(body, DecisionMade)]
