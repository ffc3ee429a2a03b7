"""Taking back what people made of a decision, with everything that was carried from it: verdicts, labels, history."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from adverdict.decisions.books import HasBook, book_of
from adverdict.decisions.policy import PolicyBook
from adverdict.domain.errors import Conflict, InvalidInput, Mistake, NotFound
from adverdict.domain.progress import SILENT, Progress
from adverdict.domain.verdict import Verdict
from adverdict.ledger.bodies.copies import Unwound
from adverdict.ledger.entries import Answered, DecisionMade, Entry, Resolved
from adverdict.ledger.entropy import hexadecimal
from adverdict.ledger.moments import micros
from adverdict.ledger.said import not_unwound
from adverdict.ledger.schema import entries
from adverdict.ledger.store import Ledger, Writing, about, entry_of, entry_query, now
from adverdict.review.tasks import tasks
from adverdict.review.tasks.draws import draws_of
from adverdict.review.tasks.opening import review_task
from adverdict.review.tasks.settings import ReviewSettings

AT_ONCE = 200
"""Decisions in one transaction."""


@dataclass(frozen=True)
class Unwinding:
    """What was taken back."""

    decisions: tuple[str, ...]
    """The one that people read first, then those that had their verdict from it."""
    carried: int
    """Of them, those to which a verdict had been carried."""
    along: int
    """Those that were answered along with it."""
    labels: int
    """Which no longer count."""
    reopened: int
    """Tasks opened anew: people decide again."""


def unwind(
    ledger: Ledger,
    decision_id: str,
    *,
    why: str,
    by: str,
    book: PolicyBook | HasBook,
    settings: ReviewSettings,
    clock: Callable[[], datetime] = now,
    progress: Progress = SILENT,
) -> Unwinding:
    """Take back the verdict of a review, and what was carried from it or answered along with it. What stands then is what the models had
    left: people decide again. Done a second time, it goes on where the first was stopped.

    Raises InvalidInput without a reason, NotFound, Conflict where no review has settled it, or Unavailable.
    """
    if not why.strip():
        raise InvalidInput("nothing was taken back:", [Mistake("why", why, "a reason: it stays on record")])
    with ledger.look() as connection:
        source = _source(connection, decision_id)
        hanging = _hanging(connection, source)
    told = [source, *hanging]
    progress.stage("taking verdicts back", len(told))
    done: list[str] = []
    labels = reopened = 0
    for start in range(0, len(told), AT_ONCE):
        with ledger.write() as writing:
            for one in told[start : start + AT_ONCE]:
                body = one.body
                assert isinstance(body, Resolved)
                known = about(writing.connection, body.decision_id)
                if one.entry_id not in {entry.entry_id for entry in not_unwound(known)}:
                    continue  # by an unwinding that was stopped
                answers, unwinding, at = _answers(known, body), f"unw-{hexadecimal()}", clock()
                writing.append(unwinding, _entry(body, decision_id, answers, why, by), at)
                reopened += _asked_again(writing, known, unwinding, book_of(book), settings, at)
                labels += sum(len(answer.body.labels) for answer in answers if isinstance(answer.body, Answered))
                done.append(body.decision_id)
        progress.advance(min(AT_ONCE, len(told) - start))
    carried = sum(isinstance(one.body, Resolved) and one.body.carried is not None for one in hanging)
    return Unwinding(tuple(done), carried, len(hanging) - carried, labels, reopened)


def _entry(body: Resolved, source: str, answers: Sequence[Entry], why: str, by: str) -> Unwound:
    return Unwound(
        decision_id=body.decision_id,
        ad_id=body.ad_id,
        advertiser_id=body.advertiser_id,
        market=body.market,
        source=source,
        retracted=tuple(answer.entry_id for answer in answers),
        why=why,
        by=by,
    )


def _asked_again(
    writing: Writing, known: Sequence[Entry], unwinding: str, book: PolicyBook, settings: ReviewSettings, at: datetime
) -> bool:
    """Open a task for people to decide once more, where the models had left it to them; whether there is one."""
    made = next((entry.body for entry in known if isinstance(entry.body, DecisionMade)), None)
    if made is None or made.decision.verdict is not Verdict.REVIEW:
        return False
    # A case of its own: what was read before is taken back, and must not be weighed against what is read now.
    again = review_task(made, book, settings, at, draws_of(writing.connection), unwinding)
    tasks.add(writing.connection, [replace(again, case_id=unwinding)])
    return True


def hanging(connection: Connection, decision_id: str) -> tuple[int, int]:
    """What unwinding a decision would take back beside it: verdicts carried from it, and answered along with it. Raises as ``unwind``."""
    found = _hanging(connection, _source(connection, decision_id))
    carried = sum(isinstance(one.body, Resolved) and one.body.carried is not None for one in found)
    return carried, len(found) - carried


def may_unwind(known: Sequence[Entry]) -> bool:
    """Whether there is a verdict of a review to take back; ``known``: all that is on record about a decision, in order."""
    return any(isinstance(one.body, Resolved) and one.body.by == "review" for one in not_unwound(known))


def _source(connection: Connection, decision_id: str) -> Entry:
    """The last verdict of a review that people gave by reading the ad. An unwinding that was stopped left it the first to be taken back."""
    known = about(connection, decision_id)
    if not known:
        raise NotFound(f"no decision {decision_id} on record")
    settled = [entry for entry in known if isinstance(entry.body, Resolved) and entry.body.by == "review"]
    if not settled:
        carried = [entry.body.carried for entry in known if isinstance(entry.body, Resolved) and entry.body.carried]
        hint = f"; its verdict was carried from {carried[-1].decision_id}: take that back" if carried else ""
        raise Conflict(f"no review has settled decision {decision_id}{hint}")
    return settled[-1]


def _hanging(connection: Connection, source: Entry) -> list[Entry]:
    """Resolutions that have their verdict from one: answered along with it, at the same moment, or carried from it or from those."""
    told = source.body
    assert isinstance(told, Resolved)
    query = entry_query().where(entries.c.kind == Answered.kind, entries.c.at == micros(source.at)).order_by(entries.c.seq)
    answers = [entry.body for entry in map(entry_of, connection.execute(query))]
    along = {body.task_id for body in answers if isinstance(body, Answered) and body.along_with == told.task_id}
    later = entry_query().where(entries.c.kind == Resolved.kind, entries.c.seq > source.seq).order_by(entries.c.seq)
    found: list[Entry] = []
    from_here = {source.entry_id}
    for entry in map(entry_of, connection.execute(later)):
        body = entry.body
        if not isinstance(body, Resolved):
            continue
        if (body.carried is not None and body.carried.resolution in from_here) or (body.by == "review" and body.task_id in along):
            found.append(entry)
            from_here.add(entry.entry_id)
    return found


def _answers(known: Sequence[Entry], body: Resolved) -> list[Entry]:
    """The answers of the case that a review settled; a carried verdict has none of its own."""
    if body.carried is not None:
        return []
    own = next((entry.body for entry in known if isinstance(entry.body, Answered) and entry.body.task_id == body.task_id), None)
    case = own.case_id if own else None
    return [entry for entry in known if isinstance(entry.body, Answered) and entry.body.case_id == case and entry.body.task_kind != "audit"]
