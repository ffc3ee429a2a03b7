"""What entries say of how something comes into force. ``rollout`` is the id of the proposal's entry.

policies     a set of policies decides from then on
proposal     a roll-out: what is to come into force, how, and what is watched meanwhile
signoff      somebody agrees to a proposal, or does not
stage        a roll-out's next stage begins
renewal      its lease goes on
pause        nobody goes on by itself for now; or does so again
abort        the candidate decides nothing any more
promotion    the model that a roll-out brought is the champion
"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from pydantic import Field, JsonValue

from adverdict.decisions.rollout import Guard, Plan, Role, Stage, Versions
from adverdict.domain.ad import Market, PolicyName, Text, Utc
from adverdict.ledger.bodies.body import EntryBody

Why = Text


class PoliciesPut(EntryBody):
    """The set itself is kept beside the chain, with the files that it was read from."""

    kind: ClassVar[str] = "policies"

    policies: str = Field(description="sha256 of the set in force from now on")
    files: str | None = Field(default=None, description="sha256 of the files it was read from; null: it is kept without them")
    before: str | None = Field(description="of the one until now; null: the chain did not say")
    rollout: str | None = Field(default=None, description="that brought it; null: none did")
    why: Why
    by: str


class Proposed(EntryBody):
    """The entry's id is the roll-out's, and a digest of all this: a signature on it is one on exactly these versions and this plan."""

    kind: ClassVar[str] = "proposal"

    base: Versions
    candidate: Versions
    files: str = Field(description="sha256 of the files that the candidate's policies were read from")
    markets: tuple[Market, ...] = Field(default=(), description="where it is tried; empty: everywhere")
    plan: Plan
    guards: tuple[Guard, ...]
    salt: str = Field(description="sha256 of the salt by which advertisers fall on arms; it is kept, and secret")
    difference: tuple[str, ...] = Field(description="what changes, in words")
    severe: tuple[PolicyName, ...] = Field(default=(), description="policies of the two highest severities whose verdicts it may change")
    predicted: dict[str, JsonValue] = Field(default_factory=dict, description="what it was expected to do, and on what that rests")
    why: Why
    by: str


class _OfRollout(EntryBody):
    rollout: str


class Signed(_OfRollout):
    kind: ClassVar[str] = "signoff"

    role: Role
    agrees: bool
    note: Why
    by: str


class StageEntered(_OfRollout):
    """``stage`` null: it is done, and the candidate is what is in force."""

    kind: ClassVar[str] = "stage"

    number: int = Field(ge=0, description="from 0")
    stage: Stage | None
    until: Utc | None = Field(default=None, description="the candidate decides nothing from then on, unless this is renewed")
    evidence: dict[str, JsonValue] = Field(default_factory=dict, description="what the guards say, and as of which entry")
    emergency: bool = Field(default=False, description="entered without signatures, or during a freeze: a second person has to sign")
    why: Why
    by: str

    @property
    def name(self) -> str:
        return self.stage.name if self.stage else "done"


class Renewed(_OfRollout):
    kind: ClassVar[str] = "renewal"

    number: int = Field(ge=0, description="of the stage")
    until: Utc
    by: str


class Paused(_OfRollout):
    kind: ClassVar[str] = "pause"

    paused: bool
    why: Why
    by: str


class Aborted(_OfRollout):
    kind: ClassVar[str] = "abort"

    guard: str | None = Field(default=None, description="that ended it; null: a person did")
    evidence: dict[str, JsonValue] = Field(default_factory=dict, description="what the guards say, and as of which entry")
    why: Why
    by: str


class Promotion(_OfRollout):
    """From here on the registry's alias says who decides; until then everybody is decided for by the candidate."""

    kind: ClassVar[str] = "promotion"

    model: str = Field(description="the registered version that is the champion now")
    before: str | None = Field(description="the one that was until now; null: none")
    by: str


RolloutBody = PoliciesPut | Proposed | Signed | StageEntered | Renewed | Paused | Aborted | Promotion
ROLLOUT_KINDS: tuple[str, ...] = tuple(
    one.kind for one in (PoliciesPut, Proposed, Signed, StageEntered, Renewed, Paused, Aborted, Promotion)
)


def stage_id(rollout: str, number: int) -> str:
    """Of the entry that begins a stage: there is one a stage, which the chain itself sees to."""
    return f"stg-{rollout}-{number}"


def abort_id(rollout: str) -> str:
    """Of the entry that ends a roll-out early."""
    return f"abt-{rollout}"


def promotion_id(rollout: str) -> str:
    """Of the entry that says that its model is the champion."""
    return f"prm-{rollout}"


def as_utc(at: datetime) -> str:
    """For evidence, which is JSON."""
    return at.isoformat()
