"""What a worker serves, for whoever asks whether it is ready."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class ArmReadiness(BaseModel):
    """Whether this worker can decide for one side of a roll-out from one round to the next."""

    model_config = ConfigDict(frozen=True)

    rollout: str
    side: Literal["control", "candidate"]
    policies: str = Field(description="sha256 of the set that decides for it")
    bundle_version: str | None = Field(description="null: whichever is the champion's")
    loaded: bool
    why: str | None = Field(default=None, description="it is not; null: it is")


class Readiness(BaseModel):
    """What this worker serves."""

    model_config = ConfigDict(frozen=True)

    status: Literal["ready", "starting", "no_model", "no_ledger", "stopped"] = Field(
        description="no_ledger: it does not answer, or cannot be written, so nothing is decided; stopped: nobody decides any more"
    )
    model: str = Field(description="what was asked for, e.g. models:/adverdict@champion")
    serving: str | None = Field(description="what that stood for when it was loaded, e.g. models:/adverdict/3")
    bundle_version: str | None
    certificates: str | None = Field(description="sha256 of the certificates in use; null: thresholds without any")
    certified_until: datetime | None = Field(description="when the first certificate in use expires; null: none is in use")
    policies: tuple[str, ...] = Field(description="policies the bundle scores")
    policy_hash: str = Field(description="sha256 of the policy files in force")
    since: datetime | None = Field(description="when this bundle began to serve")
    checked_at: datetime | None = Field(description="when the registry was last asked")
    degraded: tuple[str, ...] = Field(
        description="causes, as decisions carry them, and no_usable_threshold when every ad goes to people; empty when nothing is missing"
    )
    refused: str | None = Field(description="why the bundle that is asked for is not used; null: it is, or cannot be found")
    ledger: int | None = Field(description="last entry on record; null: nothing is recorded, or the ledger does not answer")
    arms: tuple[ArmReadiness, ...] = Field(default=(), description="of roll-outs that are proposed or under way")
    swaps: int = Field(description="bundles this worker has put into service since it started")
