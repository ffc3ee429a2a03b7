"""What people found about decisions, read from the ledger: audits and reviews, with the risks the models gave."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from adverdict.domain.decision import Decision
from adverdict.domain.verdict import Verdict
from adverdict.ledger.entries import DecisionMade, Entry, Resolved
from adverdict.ledger.history import end_of
from adverdict.ledger.moments import micros
from adverdict.ledger.schema import tasks as table
from adverdict.ledger.store import Ledger, withdrawn
from adverdict.review.period import about_each, decisions_of, pages
from adverdict.review.tasks.tasks import CHUNK, UNFINISHED

KINDS = ("review", "audit", "double", "senior")
"""Of tasks, those in which people say what an ad is."""


@dataclass(frozen=True, slots=True)
class ReadAd:
    """A decision that people were asked about."""

    decision: Decision
    open: bool
    """Whether somebody is still to read it."""
    verdict: Verdict | None = None
    """What people settled on; None: nothing yet."""
    violated: tuple[str, ...] = ()

    def violates(self, policy: str) -> bool | None:
        """What was settled about a policy; None: nothing was, as where the ad was rejected for another one."""
        if self.verdict is None or self.open:
            return None
        if policy in self.violated:
            return True
        return False if self.verdict is Verdict.APPROVE else None


@dataclass(frozen=True)
class ReadAds:
    """In the order they were decided, and the last entry that was read."""

    ads: tuple[ReadAd, ...]
    seq: int


def read_ads(ledger: Ledger, since: datetime) -> ReadAds:
    """First decisions on ads whose tasks were opened since then; none that was withdrawn or erased. Raises Unavailable."""
    with ledger.look() as connection:
        states, ended = _states(connection, since), withdrawn(connection)
        found: list[ReadAd] = []
        for page in pages(sorted(states), CHUNK):
            made = decisions_of(connection, page)
            said = about_each(connection, made, (Resolved.kind,))
            found += (_read(one, states[name], said.get(name, ())) for name, one in made.items() if one.first and one.step not in ended)
        return ReadAds(tuple(sorted(found, key=lambda one: (one.decision.decided_at, one.decision.decision_id))), end_of(connection))


def _states(connection: Connection, since: datetime) -> dict[str, set[str]]:
    """Decision -> the states of its tasks."""
    query = select(table.c.about, table.c.state).where(table.c.kind.in_(KINDS), table.c.drawn.is_(None), table.c.opened_at >= micros(since))
    states: dict[str, set[str]] = {}
    for row in connection.execute(query):
        states.setdefault(row.about, set()).add(row.state)
    return states


def _read(made: DecisionMade, states: set[str], said: Iterable[Entry]) -> ReadAd:
    settled = [entry.body for entry in said if isinstance(entry.body, Resolved) and entry.body.by in ("review", "audit")]
    if states & set(UNFINISHED):
        return ReadAd(made.decision, open=True)
    if not settled:
        # An audit in which people agree resolves nothing: the verdict stands.
        agreed = made.decision.verdict if made.decision.verdict is not Verdict.REVIEW and "done" in states else None
        violated = tuple(one.policy for one in made.decision.policies if one.verdict is Verdict.REJECT) if agreed is Verdict.REJECT else ()
        return ReadAd(made.decision, open=False, verdict=agreed, violated=violated)
    return ReadAd(made.decision, open=False, verdict=Verdict(settled[-1].verdict), violated=settled[-1].violated)
