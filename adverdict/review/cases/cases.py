"""What an answer does to its case: settle it, ask more people, or wait for those who are still reading."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from adverdict.domain.errors import NotFound
from adverdict.domain.verdict import Verdict
from adverdict.ledger import store
from adverdict.ledger.entries import Answered, DecisionMade, Entry, Resolved, Ruled, Withdrawn
from adverdict.ledger.said import not_unwound
from adverdict.ledger.schema import tasks as table
from adverdict.ledger.store import Writing
from adverdict.review.cases.answers import Outcome, Source
from adverdict.review.cases.settling import More, Reading, Settle, Stand, Step, audit_step, recheck_step, review_step, sample_step, unsaid
from adverdict.review.tasks import tasks
from adverdict.review.tasks.draws import draw, draws_of
from adverdict.review.tasks.opening import follow_ups
from adverdict.review.tasks.settings import ReviewSettings
from adverdict.review.tasks.tasks import Task


@dataclass(frozen=True)
class Record:
    """A decision, and everything that was recorded about it so far."""

    made: DecisionMade
    seq: int
    entries: Sequence[Entry]

    @property
    def verdict(self) -> Verdict:
        """What people made of the decision last; its own verdict where nobody did."""
        resolutions = [one.body for one in not_unwound(self.entries) if isinstance(one.body, Resolved)]
        return resolutions[-1].verdict if resolutions else self.made.decision.verdict

    @property
    def withdrawn_at(self) -> datetime | None:
        """When the decision was withdrawn with its step; None: it was not, or what people made of it stands all the same."""
        if any(isinstance(one.body, Resolved | Ruled) for one in not_unwound(self.entries)):
            return None
        return next((one.at for one in self.entries if isinstance(one.body, Withdrawn)), None)

    def readings(self, case_id: str, seniors: Collection[str] = ()) -> list[Reading]:
        """In the order in which they were given. ``seniors``: tasks, beside those of that kind, that senior reviewers answered."""
        answers = [one.body for one in self.entries if isinstance(one.body, Answered) and one.body.case_id == case_id]
        return [Reading(one.verdict, one.violated, one.task_kind == "senior" or one.task_id in seniors, one.asked) for one in answers]

    @property
    def automatic(self) -> Verdict | None:
        """The verdict that stands with nobody asked; None where people spoke or will, or the decision was withdrawn."""
        spoken = any(isinstance(one.body, Resolved | Ruled | Withdrawn) for one in not_unwound(self.entries))
        return None if spoken or self.made.decision.verdict is Verdict.REVIEW else self.made.decision.verdict


def record(writing: Writing, decision_id: str) -> Record:
    """Including what this transaction appended. Raises NotFound when there is no such decision, or its content was erased."""
    writing.flush()
    entries = store.about(writing.connection, decision_id)
    for one in entries:
        if isinstance(one.body, DecisionMade):
            return Record(one.body, one.seq, entries)
    store.find(writing.connection, decision_id)
    raise NotFound(f"the content of decision {decision_id} was erased")


def source(connection: Any, task: Task) -> Source | None:
    """What the labels of a task's answer come from. None for golden tasks: they make no labels."""
    if task.kind == "golden":
        return None
    if task.kind == "appeal":
        return "appeal"
    if task.kind == "recheck":
        return "recheck"
    return "audit" if _is_audit(tasks.of_case(connection, task.case_id)) else "review"


def settle(writing: Writing, task: Task, known: Record, settings: ReviewSettings, now: datetime) -> Outcome:
    """After the answer to ``task`` was appended and the task was closed."""
    siblings = tasks.of_case(writing.connection, task.case_id)
    step = _step(known, siblings, task, settings)
    done = Outcome(task.task_id, answer_id(task.task_id))
    if isinstance(step, More):
        urgent = step.kind == "senior" or not (task.drawn or _is_audit(siblings))
        # What follows on a recheck is one, too: nothing that measures may take it for a second reading of an audit.
        again = step.kind == "again"
        kind = task.kind if step.kind == "again" or task.kind == "recheck" else step.kind
        senior, probability = (task.senior, task.probability) if again else (step.kind == "senior", step.probability)
        opened = follow_ups(task, kind, step.count, probability, settings, now, draws_of(writing.connection), urgent=urgent, senior=senior)
        tasks.add(writing.connection, opened)
        return Outcome(done.task_id, done.answer_id, opened=tuple(one.task_id for one in opened))
    if isinstance(step, Settle | Stand):
        tasks.withdraw(writing.connection, table.c.case_id == task.case_id, now)
        done = replace(done, opened=_ask_the_rest(writing, task, known, settings, now))
    if isinstance(step, Settle):
        by: Source = "recheck" if task.kind == "recheck" else "audit" if task.drawn or _is_audit(siblings) else "review"
        resolve(writing, task, step, by, now)
        return replace(done, settled=step.verdict, by=by)
    return done


def _ask_the_rest(writing: Writing, task: Task, known: Record, settings: ReviewSettings, now: datetime) -> tuple[str, ...]:
    """A task for the policies of a planned sample that no reading said anything of: who rejects an ad for one looks no further."""
    rest = unsaid(known.readings(task.case_id)) if task.drawn else ()
    if not rest:
        return ()
    opened = follow_ups(task, "sample", 1, task.probability, settings, now, draws_of(writing.connection), urgent=False, asked=rest)
    tasks.add(writing.connection, opened)
    return tuple(one.task_id for one in opened)


def resolve(writing: Writing, task: Task, settled: Settle, by: Source, now: datetime) -> None:
    """Append the resolution that the answer to ``task`` brought."""
    assert settled.verdict is not Verdict.REVIEW, "people approve or reject"
    body = Resolved(
        decision_id=task.about,
        ad_id=task.ad_id,
        advertiser_id=task.advertiser_id,
        market=task.market,
        verdict=settled.verdict,
        by=by,
        violated=settled.violated,
        task_id=task.task_id,
    )
    writing.append(resolution_id(task.task_id), body, now)


def answer_id(task_id: str) -> str:
    """So the chain itself refuses a second answer to a task."""
    return f"ans-{task_id}"


def resolution_id(task_id: str) -> str:
    return f"res-{task_id}"


def _step(known: Record, siblings: Sequence[Task], task: Task, settings: ReviewSettings) -> Step:
    pending = [one for one in siblings if one.state in tasks.UNFINISHED]
    senior = any(one.kind == "senior" for one in pending)
    readings = known.readings(task.case_id, {one.task_id for one in siblings if one.senior})
    if task.kind == "recheck":
        return recheck_step(known.verdict, readings, len(pending), senior or any(one.senior for one in pending))
    if task.drawn:
        return sample_step(known.automatic, readings, len(pending), senior)
    if _is_audit(siblings):
        automatic, chance = known.made.decision.verdict, draw("double audit", task.case_id)
        return audit_step(automatic, readings, len(pending), senior, chance, settings.double_share)
    return review_step(readings, len(pending), senior)


def _is_audit(siblings: Sequence[Task]) -> bool:
    return any(one.kind == "audit" and one.state != "withdrawn" for one in siblings)
