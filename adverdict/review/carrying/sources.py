"""The verdict that an ad under review would get from its copies: that of the nearest which people have read."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from adverdict.certification.carrying import GRID
from adverdict.domain.errors import NotFound
from adverdict.domain.verdict import Verdict
from adverdict.ledger.bodies.copies import CarriedSide, Unwound
from adverdict.ledger.entries import Answered, Resolved, Ruled
from adverdict.ledger.schema import contents, entries
from adverdict.ledger.store import entry_of, entry_query, find
from adverdict.review.tasks.copies import near_copies
from adverdict.review.tasks.tasks import CHUNK, Task

FURTHEST = GRID[-1]


@dataclass(frozen=True)
class Source:
    """What people made of a copy by reading it."""

    decision_id: str
    resolution: str
    """The entry that says so."""
    task_id: str
    side: CarriedSide
    violated: tuple[str, ...]
    """Of the policies that the task asks about."""
    distance: float


def source_of(connection: Connection, task: Task, before: int | None = None) -> Source | None:
    """The nearest verdict, as of an entry (now when None); None where there is none, where it does not answer what the task asks, and
    where people have made the opposite of another copy: what divides them is for people."""
    near = {name: one for name, one in near_copies(connection, task).items() if one.distance <= FURTHEST + 1e-9}
    said = _said(connection, sorted(near), before)
    found = sorted((near[name].distance, name) for name in said)
    if not found or len({said[name][1].verdict for _, name in found}) > 1:
        return None
    for distance, name in found:
        entry_id, told = said[name]
        answer = _read_itself(connection, told.task_id)
        if answer is None:
            continue
        violated = tuple(policy for policy in task.policies if policy in told.violated)
        side: CarriedSide = "reject" if told.verdict is Verdict.REJECT else "approve"
        answers = bool(violated) if side == "reject" else set(task.policies) <= set(answer.asked)
        return Source(name, entry_id, told.task_id, side, violated, distance) if answers else None
    return None


def _said(connection: Connection, decisions: list[str], before: int | None) -> dict[str, tuple[str, Resolved]]:
    """The last thing that people made of each decision, where that stands and nobody has appealed against it with success."""
    found: dict[str, tuple[str, Resolved]] = {}
    kinds = (Resolved.kind, Ruled.kind, Unwound.kind)
    for start in range(0, len(decisions), CHUNK):
        query = entry_query().where(contents.c.about.in_(decisions[start : start + CHUNK]), entries.c.kind.in_(kinds))
        query = query if before is None else query.where(entries.c.seq < before)
        for entry in map(entry_of, connection.execute(query.order_by(entries.c.seq))):
            body = entry.body
            if isinstance(body, Resolved) and body.by in ("review", "appeal"):
                found[body.decision_id] = entry.entry_id, body
            elif isinstance(body, Unwound) or (isinstance(body, Ruled) and body.outcome == "overturned"):
                found.pop(body.decision_id, None)
    return found


def _read_itself(connection: Connection, task_id: str) -> Answered | None:
    """The answer that settled it; None where it was given to another copy, or is gone."""
    try:
        body = find(connection, f"ans-{task_id}").body
    except NotFound:
        return None
    return body if isinstance(body, Answered) and body.along_with is None else None
