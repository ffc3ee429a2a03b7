"""What was decided about an ad, and everything needed to say why."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from adverdict.domain.risk import RiskScore
from adverdict.domain.verdict import Verdict


class Reason(BaseModel):
    """One thing that moved a risk, in words a reviewer reads."""

    model_config = ConfigDict(frozen=True)

    policy: str
    kind: Literal["phrase", "fact"]
    signal: str = Field(description="the n-gram, or the feature's name")
    text: str = Field(description="the same in words")
    effect: float = Field(description="log-odds added (positive: towards violating)")


class PolicyVerdict(BaseModel):
    """The verdict under one policy, with the risk and the thresholds that gave it."""

    model_config = ConfigDict(frozen=True)

    policy: str
    verdict: Verdict
    risk: RiskScore | None = Field(default=None, description="null when no model could score this policy")
    approve_below: float | None = None
    reject_at: float | None = None
    certificate_id: str | None = Field(default=None, description="null: the thresholds carry no guarantee")
    because: str = Field(description="the rule that gave the verdict, in words")
    advertiser_reason: str | None = Field(default=None, description="the sentence the advertiser reads; rejections only")


class Audit(BaseModel):
    """Whether an ad that no person would have seen goes to a reviewer all the same. The verdict stands meanwhile."""

    model_config = ConfigDict(frozen=True)

    probability: float = Field(ge=0, le=1, description="chance of being chosen, known before the draw; 1/probability is the ad's weight")
    chosen: bool = Field(description="whether a reviewer sees the ad")


class Decision(BaseModel):
    """The ad's decision: the most severe verdict over the policies in force."""

    model_config = ConfigDict(frozen=True)

    decision_id: str
    ad_id: str
    advertiser_id: str
    market: str
    surface: str | None
    decided_at: datetime
    verdict: Verdict
    policies: tuple[PolicyVerdict, ...]
    reasons: tuple[Reason, ...] = ()
    degraded: tuple[str, ...] = Field(default=(), description="what was missing or stale; empty when nothing was")
    uncertified: bool = Field(description="true when any threshold used carries no certificate, or an expired one")
    audit: Audit | None = Field(default=None, description="null when the verdict is review: a person sees the ad anyway")
    bundle_version: str | None = Field(description="null when no model was loaded")
    policy_hash: str = Field(description="sha256 of the policy files in force")
    threshold_set: str | None = Field(description="digest of the solved thresholds used; null when all came from files")
    history_seq: int | None = Field(default=None, description="last entry of the ledger the history knew; null: the bundle's own history")
    as_of: datetime | None = Field(default=None, description="moment as of which the ad was looked at again; null: as of its submission")
    exit: Literal["early", "full"] | None = Field(
        default=None, description="early: its verdicts were settled before the costly models ran; null: every model always runs"
    )
    exit_certificate: str | None = Field(default=None, description="which rule settles that; null: none is certified")
