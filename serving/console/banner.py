"""What every page says while a brake is on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select

from adverdict.domain.degraded import Cause
from adverdict.domain.formats import moment
from adverdict.ledger.entries import DecisionMade
from adverdict.ledger.in_force.rollouts import Rollout, rollouts_at
from adverdict.ledger.in_force.steering import brakes_on, scope_in_words
from adverdict.ledger.schema import entries
from adverdict.ledger.store import Ledger, entry_of, entry_query
from adverdict.rescoring.applying.repair import repair_id


@dataclass(frozen=True)
class BrakeShown:
    """A brake that is on, as the pages tell of it."""

    brake_id: str
    scope: str
    """In words: what is stopped, and where."""
    why: str
    by: str
    since: datetime
    seq: int


@dataclass(frozen=True)
class Notice:
    """What every page says of a roll-out: that it was aborted and what it approved still runs, or that a second name is missing."""

    rollout_id: str
    told: str
    why: str
    by: str
    since: datetime


ABORTED_FOR = timedelta(days=7)
"""Since an abort that nobody has repaired; after that it is no news."""


def notices(ledger: Ledger, at: datetime) -> tuple[Notice, ...]:
    """Oldest first. Raises Unavailable."""
    with ledger.look() as connection:
        told = list(rollouts_at(connection).by_id.values())
        aborted = [(one, *one.aborted) for one in told if one.aborted and has_decided(one) and at - one.aborted[0] < ABORTED_FOR]
        ids = {repair_id(one.rollout_id): one.rollout_id for one, _, _ in aborted}
        rows = connection.scalars(select(entries.c.entry_id).where(entries.c.entry_id.in_(sorted(ids)))) if ids else ()
        repaired = {ids[entry_id] for entry_id in rows}
    found = [
        Notice(one.rollout_id, "Aborted, and what it approved still runs until it is repaired", body.why, body.by, when)
        for one, when, body in aborted
        if one.rollout_id not in repaired
    ]
    for one in told:
        until = one.second_name_until if one.on else None
        if until is not None and one.stage is not None and one.since is not None:
            said = f"Begun in an emergency: a second person has to sign by {moment(until)}"
            found.append(Notice(one.rollout_id, said, one.stage.why, one.stage.by, one.since))
    return tuple(sorted(found, key=lambda one: one.since))


def repaired(ledger: Ledger, one: Rollout) -> str | None:
    """The step in which what it approved was decided again; None: it was not. Raises Unavailable."""
    step = repair_id(one.rollout_id)
    with ledger.look() as connection:
        return connection.execute(select(entries.c.entry_id).where(entries.c.entry_id == step)).scalar_one_or_none()


def has_decided(one: Rollout) -> bool:
    """Whether its candidate was ever to decide for anybody."""
    return any(entered.stage is None or entered.stage.share > 0 for _, entered in one.entered)


LOOKED_AT = 5_000
"""Decisions since the first brake was put on: the last ones."""


def held_back(ledger: Ledger, brakes: Sequence[BrakeShown]) -> tuple[dict[str, int], int]:
    """Brake -> ads left to people by it, among so many decisions since the first was put on, ``LOOKED_AT`` at most. Raises Unavailable."""
    if not brakes:
        return {}, 0
    with ledger.look() as connection:
        query = entry_query().where(entries.c.kind == DecisionMade.kind, entries.c.seq > min(one.seq for one in brakes))
        rows = connection.execute(query.order_by(entries.c.seq.desc()).limit(LOOKED_AT)).all()
    told = [body.decision.degraded for body in (entry_of(row).body for row in rows) if isinstance(body, DecisionMade)]
    return {one.brake_id: sum(f"{Cause.BRAKE.value}:{one.brake_id}" in degraded for degraded in told) for one in brakes}, len(told)


def brakes_shown(ledger: Ledger) -> tuple[BrakeShown, ...]:
    """Those that are on, oldest first. Raises Unavailable."""
    with ledger.look() as connection:
        return tuple(
            BrakeShown(entry.entry_id, scope_in_words(on), on.why, on.by, entry.at, entry.seq) for entry, on in brakes_on(connection)
        )
