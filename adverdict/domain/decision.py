"""What was decided about an ad, and everything needed to say why."""

from __future__ import annotations

from datetime import datetime
from functools import cached_property
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from adverdict.domain.ad import Id, OptionalWord
from adverdict.domain.risk import RiskScore
from adverdict.domain.standing import Standing
from adverdict.domain.verdict import Verdict

RECORD = 2
"""What a decision made now can say. 2 brought ``unused_risks``, ``familiarity``, ``arm``, ``cluster`` and ``steered_seq``, the ``standing``
under a policy's verdict and the ``design`` of an audit. Each of them is null where a decision does not say it."""


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
    standing: Standing | None = Field(
        default=None, description="of the certificate under the thresholds looked at, used or not; null: none were, or it was not told"
    )


class Audit(BaseModel):
    """Whether an ad that no person would have seen goes to a reviewer all the same. The verdict stands meanwhile."""

    model_config = ConfigDict(frozen=True)

    probability: float = Field(ge=0, le=1, description="chance of being chosen, known before the draw; 1/probability is the ad's weight")
    chosen: bool = Field(description="whether a reviewer sees the ad")
    design: OptionalWord = Field(default=None, description="how ads are drawn, such as audit-1; null: it was not told")


class Arm(BaseModel):
    """The side of a roll-out that an ad's advertiser falls on."""

    model_config = ConfigDict(frozen=True)

    rollout: Annotated[str, StringConstraints(min_length=1, max_length=80)]
    side: Literal["control", "candidate", "outside"]
    bucket: float = Field(ge=0, lt=1, description="where the advertiser lies between all others, the same for the whole roll-out")
    share: float = Field(ge=0, le=1, description="of advertisers that the candidate decided for at that moment")
    took_ms: float | None = Field(
        default=None,
        ge=0,
        description="milliseconds that scoring took, by ad, of those of the same arm scored together; null: no model is tried",
    )


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
    unused_risks: tuple[RiskScore, ...] | None = Field(
        default=None, description="of policies that the models scored and that are not in force here, so have no verdict; null: not told"
    )
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
    familiarity: float | None = Field(
        default=None, ge=0, le=1, description="how much the ad is like those that the models learnt from; null: not measured"
    )
    arm: Arm | None = Field(default=None, description="side of the roll-out that was on; null: none was")
    cluster: Id | None = Field(default=None, description="of ads that belong together; null: not known")
    steered_seq: int | None = Field(
        default=None, description="last entry of the ledger whose brakes and revocations were known; null: as of ``history_seq``"
    )
    record: int = Field(default=1, ge=1, description="version of what a decision can say: fields that came with a later one are null")

    @cached_property
    def json_text(self) -> bytes:
        """As it is answered and put on record, in UTF-8: written once for both."""
        return self.model_dump_json().encode()

    def __copy__(self) -> Self:
        copy = super().__copy__()
        copy.__dict__.pop("json_text", None)  # it may be about to say something else
        return copy

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Self:
        copy = super().__deepcopy__(memo)
        copy.__dict__.pop("json_text", None)
        return copy

    @property
    def risks(self) -> dict[str, RiskScore]:
        """All that the models said, by policy; of a decision of record 1, only what they said of policies in force."""
        told = {one.policy: one.risk for one in self.policies if one.risk is not None}
        return told | {risk.policy: risk for risk in self.unused_risks or ()}
