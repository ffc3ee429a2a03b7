"""What becomes of tasks when a rescoring supersedes the decision they are about, and when the rescoring is undone.

Reviews of what has been decided otherwise are withdrawn. Audits are not: they measure decisions that were made, and a decision that a
later model corrects is more often wrong than others, so leaving it unread would make every estimate too good. Planned samples stay too:
they measure ads, whatever was decided. Appeals stay: an advertiser who objected is owed an answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, select, update

from adverdict.domain.verdict import Verdict
from adverdict.ledger.effective import effective_decisions
from adverdict.ledger.schema import contents
from adverdict.ledger.schema import tasks as table
from adverdict.review.tasks.tasks import CHUNK, withdraw

OF_REVIEW = ("review", "double", "senior")
"""Kinds of tasks of a case that was left to people."""


def withdraw_superseded(connection: Connection, superseded: Mapping[str, Verdict], at: datetime) -> int:
    """Close the unfinished reviews of decisions, given with their verdicts; how many. Holds the chain's end, as ``withdraw`` wants."""
    closed, ids = 0, sorted(superseded)
    for start in range(0, len(ids), CHUNK):
        some = ids[start : start + CHUNK]
        left = [one for one in some if superseded[one] is Verdict.REVIEW]
        closed += withdraw(connection, _reviews(left, [one for one in some if superseded[one] is not Verdict.REVIEW]), at)
    return closed


def withdraw_opened(connection: Connection, step: str, at: datetime) -> int:
    """Close the unfinished tasks about a step's decisions, audits too: they are decisions no more. How many. Appeals stay, and
    what a planned sample asks: chance has drawn its ads, and none may be left out."""
    theirs = select(contents.c.about).where(contents.c.step == step, contents.c.about.is_not(None))
    return withdraw(connection, table.c.about.in_(theirs) & (table.c.kind != "appeal") & table.c.drawn.is_(None), at)


def reopen_superseded(connection: Connection, step: str) -> int:
    """Open again what the step's decisions had withdrawn, where what they superseded stands again undecided by people; how many.

    After the step's withdrawal was written. Tasks keep their place in the queue; a reviewer who held one stays noted.
    """
    opened = 0
    withdrawn = _withdrawn_about_ads_of(connection, step)
    for start in range(0, len(withdrawn), CHUNK):
        some = withdrawn[start : start + CHUNK]
        effective = effective_decisions(connection, {ad_id for _, ad_id in some}).values()
        stands = {decision.decision_id: decision for decision in effective if decision.by == "model"}
        again = {decision_id: stands[decision_id].verdict for decision_id, _ in some if decision_id in stands}
        left = sorted(one for one, verdict in again.items() if verdict is Verdict.REVIEW)
        rows = (table.c.state == "withdrawn") & _reviews(left, sorted(again.keys() - set(left)))
        values = {"state": "open", "lease_until": None, "closed_at": None}
        opened += connection.execute(update(table).where(rows).values(values)).rowcount
    return opened


def _reviews(left_to_people: list[str], automatic: list[str]) -> ColumnElement[bool]:
    """Tasks that ask for a verdict. About an automatic one only those that an overturned appeal opened, or that put it back in line; its
    other ones are an audit's."""
    of_people = table.c.about.in_(left_to_people) & table.c.kind.in_(OF_REVIEW)
    return of_people | (table.c.about.in_(automatic) & table.c.kind.in_(("review", "recheck")))


def _withdrawn_about_ads_of(connection: Connection, step: str) -> list[tuple[str, str]]:
    """Decision and ad of withdrawn reviews about ads that the step decided."""
    own, other = contents.alias("own"), contents.alias("other")
    query = (
        select(table.c.about, other.c.ad_id)
        .distinct()
        .select_from(own.join(other, other.c.ad_id == own.c.ad_id))
        .join(table, table.c.about == other.c.about)
        .where(own.c.step == step, other.c.submitted_at.is_not(None), table.c.state == "withdrawn", table.c.kind.in_(OF_REVIEW))
        .order_by(table.c.about)
    )
    return [(row.about, row.ad_id) for row in connection.execute(query)]
