"""What is in force where, since when and by whom: read from the chain, as of any of its entries.

One active roll-out a market. A roll-out that was aborted, or is done, stays on record and decides nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import Connection

from adverdict.decisions.arms import Arms, InForce
from adverdict.decisions.rollout import another_model
from adverdict.domain.errors import NotFound
from adverdict.ledger.bodies.rollout import (
    ROLLOUT_KINDS,
    Aborted,
    Paused,
    PoliciesPut,
    Promotion,
    Proposed,
    Renewed,
    Signed,
    StageEntered,
)
from adverdict.ledger.entries import Entry
from adverdict.ledger.schema import entries
from adverdict.ledger.store import Ledger, entry_of, entry_query, recall

SALT = "rollout-salt"
"""Kind under which salts are kept."""
SECOND_NAME = timedelta(hours=24)
"""For a second person to sign what somebody began in an emergency."""
RolloutState = Literal["proposed", "refused", "under way", "aborted", "done"]


@dataclass(frozen=True, slots=True)
class Rollout:
    """One roll-out, as far as it has come."""

    rollout_id: str
    proposed_at: datetime
    proposal: Proposed
    signed: tuple[tuple[datetime, Signed], ...] = ()
    entered: tuple[tuple[datetime, StageEntered], ...] = ()
    """Its stages so far, in order."""
    until: datetime | None = None
    """End of the lease of the stage it is in; None: it has none."""
    paused: Paused | None = None
    aborted: tuple[datetime, Aborted] | None = None
    promoted: tuple[datetime, Promotion] | None = None

    @property
    def brings_model(self) -> bool:
        """Whether its candidate is another model, whatever its policies."""
        return another_model(self.proposal.base, self.proposal.candidate)

    @property
    def sources(self) -> tuple[tuple[str, str], ...]:
        """Bundle, and the registered model it is had from, of what is tried and of what it is tried against; () without another model."""
        both = (self.proposal.base, self.proposal.candidate) if self.brings_model else ()
        return tuple((one.bundle_version, one.model) for one in both if one.bundle_version and one.model)

    @property
    def stage(self) -> StageEntered | None:
        """The one it is in, or came to; None before the first."""
        return self.entered[-1][1] if self.entered else None

    @property
    def since(self) -> datetime | None:
        """When that was entered."""
        return self.entered[-1][0] if self.entered else None

    @property
    def state(self) -> RolloutState:
        if self.aborted:
            return "aborted"
        if self.stage is not None:
            return "done" if self.stage.stage is None else "under way"
        return "refused" if self.refusals else "proposed"

    @property
    def refusals(self) -> tuple[Signed, ...]:
        """The last signature for each role, of those that do not agree."""
        return tuple(one for one in {one.role: one for _, one in self.signed}.values() if not one.agrees)

    @property
    def second_name_until(self) -> datetime | None:
        """Until when somebody else than who entered a stage in an emergency has to sign; None: nobody has to, or has."""
        emergencies = [(at, one) for at, one in self.entered if one.emergency]
        if not emergencies:
            return None
        at, entered = emergencies[0]
        confirmed = any(one.by != entered.by for one in self.agreed().values())
        return None if confirmed else at + SECOND_NAME

    @property
    def on(self) -> bool:
        """Whether it holds its markets."""
        return self.state == "under way"

    @property
    def promoting(self) -> bool:
        """Whether it is done and its model not the champion yet: until then it decides for everybody as the candidate of an arm."""
        return self.state == "done" and self.brings_model and self.promoted is None

    def agreed(self) -> dict[str, Signed]:
        """Role -> the last signature for it, where that agrees."""
        last = {one.role: one for _, one in self.signed}
        return {role: one for role, one in last.items() if one.agrees}

    def arms(self, salt: bytes) -> Arms | None:
        """Those it has now; None: everybody is decided for as without it."""
        told, proposal = self.stage, self.proposal
        base, candidate = proposal.base, proposal.candidate
        bundles = (base.bundle_version, candidate.bundle_version, self.sources) if self.brings_model else (None, None, ())
        if self.promoting:
            everybody = (candidate.policies, candidate.policies, 1.0, 0.0, frozenset[str](), 0.0, None, None)
            return Arms(self.rollout_id, *everybody, salt, *bundles)
        if not self.on or told is None or told.stage is None or told.stage.share == 0:
            return None
        stage = told.stage
        return Arms(
            self.rollout_id,
            base.policies,
            candidate.policies,
            stage.share,
            stage.control,
            frozenset(proposal.markets),
            stage.audit_share,
            stage.audit_hours,
            self.until,
            salt,
            *bundles,
        )


@dataclass(frozen=True)
class Rollouts:
    """All of them, and the set of policies in force, as of one entry."""

    policies: str | None = None
    """Hash; None: the chain does not say."""
    put: tuple[tuple[datetime, PoliciesPut], ...] = ()
    """Every set that came into force, in order."""
    by_id: Mapping[str, Rollout] = field(default_factory=dict)

    def __getitem__(self, rollout_id: str) -> Rollout:
        """Raises NotFound."""
        if rollout_id not in self.by_id:
            raise NotFound(f"there is no roll-out {rollout_id}: 'adverdict rollout list' shows those on record")
        return self.by_id[rollout_id]

    @property
    def on(self) -> tuple[Rollout, ...]:
        return tuple(one for one in self.by_id.values() if one.on)

    @property
    def promoting(self) -> tuple[Rollout, ...]:
        """Those that are done and whose model is not the champion yet."""
        return tuple(one for one in self.by_id.values() if one.promoting)


def followed(before: Rollouts, told: Iterable[Entry]) -> Rollouts:
    """What holds after some more entries, in their order. Those of other kinds change nothing."""
    policies, put, by_id = before.policies, list(before.put), dict(before.by_id)
    for entry in told:
        body = entry.body
        if isinstance(body, PoliciesPut):
            policies = body.policies
            put.append((entry.at, body))
        elif isinstance(body, Proposed):
            by_id[entry.entry_id] = Rollout(entry.entry_id, entry.at, body)
        elif isinstance(body, Signed | StageEntered | Renewed | Paused | Aborted | Promotion) and body.rollout in by_id:
            by_id[body.rollout] = _moved(by_id[body.rollout], entry.at, body)
    return Rollouts(policies, tuple(put), by_id)


def _moved(one: Rollout, at: datetime, body: Signed | StageEntered | Renewed | Paused | Aborted | Promotion) -> Rollout:
    if isinstance(body, Promotion):
        return replace(one, promoted=(at, body))
    if isinstance(body, Signed):
        return replace(one, signed=(*one.signed, (at, body)))
    if isinstance(body, StageEntered):
        return replace(one, entered=(*one.entered, (at, body)), until=body.until, paused=None)
    if isinstance(body, Renewed):
        return replace(one, until=body.until) if one.stage and one.stage.number == body.number else one
    if isinstance(body, Paused):
        return replace(one, paused=body if body.paused else None)
    return replace(one, aborted=(at, body))


def rollouts_at(connection: Connection, until: int | None = None) -> Rollouts:
    """As of the entry ``until``; now when None."""
    query = entry_query().where(entries.c.kind.in_(ROLLOUT_KINDS)).order_by(entries.c.seq)
    rows = connection.execute(query if until is None else query.where(entries.c.seq <= until))
    return followed(Rollouts(), map(entry_of, rows))


def rollouts_now(ledger: Ledger) -> Rollouts:
    """Raises Unavailable."""
    with ledger.look() as connection:
        return rollouts_at(connection)


def in_force(connection: Connection, told: Rollouts) -> InForce:
    """What decides. Raises NotFound where a salt is not kept any more."""
    arms = (one.arms(recall(connection, SALT, one.proposal.salt)) for one in (*told.on, *told.promoting))
    return InForce(told.policies, tuple(one for one in arms if one is not None))


def in_force_at(connection: Connection, until: int | None = None) -> InForce:
    """The same as of the entry ``until``; now when None."""
    return in_force(connection, rollouts_at(connection, until))


def digest_of_salt(salt: bytes) -> str:
    return hashlib.sha256(salt).hexdigest()
