"""A live ad back in line: approved, and read again because something speaks against it.

Such ads are chosen for a reason. Their tasks are of a kind of their own (*recheck*), their labels say so (``source: recheck``), and
nothing that measures looks at either: certificates and prevalence stand on audits and planned samples alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pydantic import JsonValue
from sqlalchemy import Connection, select

from adverdict.decisions.policy import PolicyBook
from adverdict.domain.identity import language_key
from adverdict.domain.verdict import Verdict
from adverdict.ledger.bodies.signals import PutBack, Sign
from adverdict.ledger.effective import effective_decisions
from adverdict.ledger.entries import DecisionMade
from adverdict.ledger.entropy import hexadecimal
from adverdict.ledger.moments import moment
from adverdict.ledger.schema import entries
from adverdict.ledger.schema import tasks as table
from adverdict.ledger.store import Writing, entry_of, entry_query
from adverdict.review.tasks import tasks
from adverdict.review.tasks.draws import Draws, draws_of
from adverdict.review.tasks.opening import in_question
from adverdict.review.tasks.priority import due, harm_if_shown
from adverdict.review.tasks.settings import ReviewSettings
from adverdict.review.tasks.tasks import UNFINISHED, Task

RESTED = timedelta(days=7)
"""After people have read it again, for which the same sign does not put it back once more."""


@dataclass(frozen=True)
class Suspect:
    """An ad, and what speaks against it."""

    ad_id: str
    sign: Sign
    says: str
    figures: Mapping[str, JsonValue] = field(default_factory=dict)
    urgency: float = 1.0
    """Times the harm by its risks."""


def put_back(
    writing: Writing, suspects: Sequence[Suspect], book: PolicyBook, settings: ReviewSettings, by: str, now: datetime
) -> dict[str, str]:
    """Open a task for each ad that is approved now and that nobody is about to read again, and say so on record: ad -> task. Ads that are
    not approved, are in line already, or were read again for the same sign lately stay as they are."""
    connection = writing.connection
    wanted = {one.ad_id: one for one in reversed(suspects)}
    live = {ad: one for ad, one in effective_decisions(connection, wanted).items() if one.verdict is Verdict.APPROVE}
    made = _made(connection, [one.decision_id for one in live.values()])
    opened: dict[str, str] = {}
    for ad_id, stands in live.items():
        suspect, decided = wanted[ad_id], made.get(stands.decision_id)
        before = _before(connection, stands.decision_id)
        if decided is None or any(state in UNFINISHED for _, state, _ in before):
            continue
        if any(sign is suspect.sign and closed is not None and now - closed < RESTED for sign, _, closed in before):
            continue
        task = _task(decided, suspect, len(before), book, settings, now, draws_of(connection))
        tasks.add(connection, [task])
        told = PutBack(
            decision_id=task.about,
            ad_id=ad_id,
            advertiser_id=task.advertiser_id,
            market=task.market,
            sign=suspect.sign,
            says=suspect.says,
            figures=dict(suspect.figures),
            task_id=task.task_id,
            by=by,
        )
        writing.append(f"put-{hexadecimal()}", told, now)
        opened[ad_id] = task.task_id
    return opened


def _task(
    made: DecisionMade, suspect: Suspect, number: int, book: PolicyBook, settings: ReviewSettings, now: datetime, draws: Draws
) -> Task:
    decision, asked = made.decision, in_question(made, book)
    harm = suspect.urgency * harm_if_shown(made.ad, decision, asked, book, settings)
    case = f"rck-{decision.decision_id}-{number}"
    return Task(
        task_id=draws.task_id(case, 0),
        case_id=case,
        kind="recheck",
        about=decision.decision_id,
        ad_id=made.ad.ad_id,
        advertiser_id=made.ad.advertiser_id,
        market=made.ad.market,
        language=language_key(made.ad.language),
        policies=asked,
        senior=False,
        probability=1.0,
        harm=harm,
        opened_at=now,
        due_at=due(now, "recheck", harm, settings),
    )


def _made(connection: Connection, ids: Sequence[str]) -> dict[str, DecisionMade]:
    found = {}
    for start in range(0, len(ids), tasks.CHUNK):
        for row in connection.execute(entry_query().where(entries.c.entry_id.in_(ids[start : start + tasks.CHUNK]))):
            body = entry_of(row).body
            if isinstance(body, DecisionMade):
                found[row.entry_id] = body
    return found


def _before(connection: Connection, decision_id: str) -> list[tuple[Sign | None, str, datetime | None]]:
    """Of earlier rechecks of a decision: why, how its last task stands, and when that was closed."""
    rows = connection.execute(
        select(table.c.case_id, table.c.task_id, table.c.state, table.c.closed_at)
        .where(table.c.about == decision_id, table.c.kind == "recheck")
        .order_by(table.c.opened_at)
    ).all()
    signs = {one.task_id: one.sign for one in _put_back(connection, decision_id)}
    found: dict[str, tuple[Sign | None, str, datetime | None]] = {}
    for row in rows:
        before = found.get(row.case_id)
        sign = signs.get(row.task_id) or (before[0] if before else None)
        state = row.state if row.state in UNFINISHED or before is None else before[1] if before[1] in UNFINISHED else row.state
        found[row.case_id] = (sign, state, moment(row.closed_at) if row.closed_at is not None else None)
    return list(found.values())


def _put_back(connection: Connection, decision_id: str) -> list[PutBack]:
    from adverdict.ledger.schema import contents

    query = entry_query().where(contents.c.about == decision_id, entries.c.kind == PutBack.kind)
    return [one.body for one in map(entry_of, connection.execute(query)) if isinstance(one.body, PutBack)]
