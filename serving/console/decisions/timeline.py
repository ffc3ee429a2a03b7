"""What happened to an ad from its decision on, as one line of events: what the model said, people, appeals, and what still waits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from adverdict.domain.decision import Decision
from adverdict.domain.verdict import Verdict
from adverdict.ledger.bodies.copies import Unwound
from adverdict.ledger.entries import Answered, Appealed, DecisionMade, Entry, Labelled, Resolved, Ruled, Withdrawn
from adverdict.review.reasons.marking import Piece, pieces
from adverdict.review.tasks.tasks import UNFINISHED, Task
from adverdict.serving.console.words import named, odds

KINDS = {
    "review": "a review",
    "audit": "an audit",
    "sample": "a labelling sample",
    "double": "a second reading",
    "senior": "a senior review",
    "appeal": "an appeal",
    "golden": "a golden task",
}
_BY = {"review": "after review", "audit": "by an audit", "appeal": "after the appeal", "recheck": "after another look"}
_SAID = {Verdict.APPROVE: "approved", Verdict.REVIEW: "left to people", Verdict.REJECT: "rejected"}
_ANSWERS = {
    "approve": "no violation",
    "reject": "violation",
    "unsure": "unsure",
    "escalate": "escalated",
    "unseen": "cannot see or read it",
}


@dataclass(frozen=True)
class Event:
    """``at``: when; of what still waits, when it is due. ``seq``: of its entry; None: it is no entry of the chain."""

    seq: int | None
    at: datetime
    what: str
    who: str = ""
    told: tuple[Piece, ...] = ()
    """What somebody wrote."""
    waits: bool = False
    due: datetime | None = None


def timeline(entries: Sequence[Entry], tasks: Sequence[Task], titles: Mapping[str, str]) -> tuple[Event, ...]:
    """In order; what waits comes last. ``titles``: what policies are called."""
    happened = [event for entry in entries if (event := _event(entry, titles)) is not None]
    waiting = [_waiting(task) for task in tasks if task.state in UNFINISHED]
    gone = [
        Event(None, task.closed_at, f"{KINDS[task.kind]} was no longer needed".capitalize())
        for task in tasks
        if task.state == "withdrawn" and task.closed_at is not None
    ]
    return (*sorted([*happened, *gone], key=lambda event: event.at), *waiting)


def _waiting(task: Task) -> Event:
    state = f"is being read by {task.reviewer}" if task.state == "leased" else "waits for a reader"
    drawn = f", drawn with a chance of {task.probability:.2g}" if task.probability < 1 else ""
    return Event(None, task.opened_at, f"{KINDS[task.kind].capitalize()} {state}{drawn}", waits=True, due=task.due_at)


def _event(entry: Entry, titles: Mapping[str, str]) -> Event | None:
    match entry.body:
        case DecisionMade() as body:
            return Event(entry.seq, entry.at, _decided(body.decision, titles))
        case Answered() as body:
            violated = f": {_called(body.violated, titles)}" if body.violated else ""
            extra = f", {body.severity}" if body.severity else ""
            said = {"approve": "overturn", "reject": "uphold"}.get(body.verdict) if body.task_kind == "appeal" else None
            what = f"{KINDS[body.task_kind].capitalize()} was answered “{said or _ANSWERS[body.verdict]}”{violated}{extra}"
            return Event(entry.seq, entry.at, what, body.reviewer, pieces(body.reason))
        case Labelled() as body:
            labels = ", ".join(f"{_called([one.policy], titles)} {'violated' if one.violates else 'not violated'}" for one in body.labels)
            return Event(entry.seq, entry.at, f"Labelled: {labels}", body.by, pieces("; ".join(_reasons(body))))
        case Resolved() as body:
            violated = f" for {_called(body.violated, titles)}" if body.violated else ""
            how = f"with a copy that people had read, {body.carried.decision_id}," if body.carried else f"by people {_BY[body.by]}"
            return Event(entry.seq, entry.at, f"{_SAID[Verdict(body.verdict)].capitalize()} {how}{violated}")
        case Unwound() as body:
            return Event(entry.seq, entry.at, "What people had made of it, or of a copy, was taken back", body.by, pieces(body.why))
        case Appealed() as body:
            return Event(entry.seq, entry.at, "Appealed against", body.by, pieces(body.statement))
        case Ruled() as body:
            return Event(entry.seq, entry.at, f"Appeal: the decision was {body.outcome}", body.reviewer, pieces(body.reason))
        case Withdrawn() as body:
            return Event(entry.seq, entry.at, "Withdrawn with its rescoring step", body.by, pieces(body.why))
    return None


def _reasons(body: Labelled) -> list[str]:
    return [one.reason for one in body.labels if one.reason]


def _called(policies: Sequence[str], titles: Mapping[str, str]) -> str:
    return ", ".join(titles.get(one, named(one)) for one in policies)


def _decided(decision: Decision, titles: Mapping[str, str]) -> str:
    first = min(decision.policies, key=lambda one: (-one.verdict.severity, -(one.risk.p if one.risk else -1.0)), default=None)
    about = f" for {_called([first.policy], titles)}" if first is not None and decision.verdict is not Verdict.APPROVE else ""
    risk = f", risk {odds(first.risk.p)}" if first is not None and first.risk is not None else ""
    who = "without a model" if decision.bundle_version is None else "by the model"
    return f"{_SAID[decision.verdict].capitalize()} {who}{about}{risk}"
