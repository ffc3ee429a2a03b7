"""Notices of advertisers who try out what is approved: on record, and ended by people."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from adverdict.domain.errors import Conflict, InvalidInput, Mistake, NotFound
from adverdict.ledger.bodies.probing import ProbingEnded, ProbingNoticed
from adverdict.ledger.entropy import hexadecimal
from adverdict.ledger.schema import entries
from adverdict.ledger.store import Writing, entry_of, entry_query

OUTCOMES = ("evasion", "harmless")


@dataclass(frozen=True)
class Probing:
    """One notice, and what became of it."""

    probing_id: str
    at: datetime
    told: ProbingNoticed
    ended_at: datetime | None = None
    ended: ProbingEnded | None = None

    def holds(self, now: datetime) -> bool:
        """Whether the advertiser's ads are left to people because of it."""
        return self.ended is None and now < self.told.until


def notices(connection: Connection) -> list[Probing]:
    """Every notice whose advertiser was not erased, oldest first."""
    found: dict[str, Probing] = {}
    query = entry_query().where(entries.c.kind.in_((ProbingNoticed.kind, ProbingEnded.kind))).order_by(entries.c.seq)
    for entry in map(entry_of, connection.execute(query)):
        if isinstance(entry.body, ProbingNoticed):
            found[entry.entry_id] = Probing(entry.entry_id, entry.at, entry.body)
        elif isinstance(entry.body, ProbingEnded) and entry.body.probing in found:
            one = found[entry.body.probing]
            found[entry.body.probing] = Probing(one.probing_id, one.at, one.told, entry.at, entry.body)
    return list(found.values())


def notice(writing: Writing, told: ProbingNoticed, at: datetime) -> str | None:
    """The notice's id; None where one about the advertiser holds already, or people said within a week that it is harmless."""
    for one in notices(writing.connection):
        if one.told.advertiser_id != told.advertiser_id:
            continue
        harmless = one.ended is not None and one.ended.outcome == "harmless" and at < one.told.until
        if one.holds(at) or harmless:
            return None
    probing_id = f"prb-{hexadecimal()}"
    writing.append(probing_id, told, at)
    writing.flush()
    return probing_id


def end(writing: Writing, probing_id: str, outcome: str, why: str, by: str, at: datetime) -> int:
    """Say what it was; the advertiser's ads are decided as others' are from the next round on. The seq of the entry. Raises NotFound,
    Conflict, InvalidInput with every mistake."""
    wrong = [] if outcome in OUTCOMES else [Mistake("outcome", outcome, f"one of {', '.join(OUTCOMES)}")]
    if not why.strip():
        wrong.append(Mistake("why", why, "a reason: it stays on record"))
    if wrong:
        raise InvalidInput("the notice stays:", wrong)
    one = next((one for one in notices(writing.connection) if one.probing_id == probing_id), None)
    if one is None:
        raise NotFound(f"no notice {probing_id}: adverdict probing list shows them")
    if one.ended is not None:
        raise Conflict(f"notice {probing_id} is ended already")
    told = ProbingEnded(probing=probing_id, advertiser_id=one.told.advertiser_id, outcome=outcome, why=why, by=by)  # type: ignore[arg-type]
    return writing.append(f"pre-{hexadecimal()}", told, at)
