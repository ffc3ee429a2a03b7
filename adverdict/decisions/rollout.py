"""How something comes into force step by step: its stages, what is watched meanwhile, and who has to agree."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from adverdict.domain.ad import PolicyName

Role = Literal["policy", "operations", "legal", "data"]
"""On whose behalf somebody signs."""
GuardKind = Literal["leakage", "wrongful_rejection", "worse", "load", "appeals", "latency", "errors"]
StageName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,31}$")]
MOST_ON_TRIAL = 0.5
"""Share of advertisers that a candidate may have while a control twin of the same size is beside it."""


class _Plain(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Stage(_Plain):
    """One step of the way. Of advertisers ``share`` are decided for by the candidate, and as many make up its control."""

    name: StageName
    share: float = Field(ge=0, le=1, description="of advertisers that the candidate decides for; 0: it is only tried beside; 1: all")
    holdout: float = Field(default=0.0, ge=0, le=MOST_ON_TRIAL, description="of advertisers still decided for as before, at share 1")
    audit_share: float = Field(default=0.0, ge=0, le=1, description="of both arms' automatic decisions that a reviewer reads, at least")
    audit_hours: float = Field(default=4.0, gt=0, description="until such an audit is due")
    min_hours: float = Field(default=0.0, ge=0, description="before the next stage")
    max_days: float = Field(default=14.0, gt=0, description="after which a person decides; it ends by itself")
    readings: int = Field(default=0, ge=0, description="disagreements that people must have read before the next stage")
    needs: tuple[Role, ...] = Field(default=(), description="who must have signed before it is entered")

    @property
    def control(self) -> float:
        """Share of advertisers in the control."""
        return self.holdout if self.share > MOST_ON_TRIAL else self.share


class Guard(_Plain):
    """What is watched while the candidate is on trial, and how much it takes to end that."""

    kind: GuardKind
    policy: PolicyName | None = Field(default=None, description="null: whatever policy it is")
    limit: float | None = Field(
        default=None, gt=0, description="share of errors, or for 'load', 'appeals', 'latency' and 'errors' times the control's"
    )
    alpha: float = Field(gt=0, lt=1, description="chance that a harmless roll-out is ended by this guard, at most")
    heaviest: float = Field(default=1.0, ge=1, description="ads of one advertiser that count, in times the mean: so ads are weighed")
    by_ads: bool = Field(default=False, description="whether advertisers are weighed by their ads; else each counts once")

    @property
    def name(self) -> str:
        return self.kind if self.policy is None else f"{self.kind}:{self.policy}"


class Plan(_Plain):
    """The whole way."""

    name: str
    stages: tuple[Stage, ...] = Field(min_length=1)
    alpha: float = Field(default=0.05, gt=0, lt=1, description="chance that a harmless roll-out is ended, all guards together, at most")


class Versions(_Plain):
    """What decides: the digests that a signature is bound to."""

    policies: str = Field(description="sha256 of the policy set")
    thresholds: str | None = Field(default=None, description="digest of the solved thresholds; null: none were solved")
    bundle_version: str | None = Field(default=None, description="null: no model")
    model: str | None = Field(
        default=None,
        description="registered version that the bundle is had from, where a roll-out brings another; null: the champion decides",
    )


def another_model(base: Versions, candidate: Versions) -> bool:
    """Whether a roll-out from one to the other brings another model."""
    return candidate.model is not None and candidate.bundle_version != base.bundle_version
