"""What travels over HTTP beside ``Ad`` and ``Decision``: batches, errors, readiness. The OpenAPI document is made from these."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from adverdict.decisions.steering import BrakeSide
from adverdict.domain.ad import Ad, Id, Label, Market, OptionalWord, PolicyName, Text
from adverdict.domain.decision import Decision
from adverdict.domain.suitability import Suitability
from adverdict.domain.verdict import Verdict
from adverdict.ledger.changes import Change

MAX_BATCH = 256
MAX_LABELS = 1000


class MistakeBody(BaseModel):
    """One thing wrong with the request."""

    model_config = ConfigDict(frozen=True)

    field: str = Field(description="path of the field, e.g. title or keywords[3]")
    value: Any = Field(description="what came, shortened")
    expected: str


class ErrorDetail(BaseModel):
    """What went wrong. ``field``, ``value`` and ``expected`` are those of the first mistake, null when no field is at fault."""

    model_config = ConfigDict(frozen=True)

    code: str = Field(description="stable, for machines")
    message: str = Field(description="for people")
    field: str | None = None
    value: Any = None
    expected: str | None = None
    mistakes: tuple[MistakeBody, ...] = Field(default=(), description="every mistake found, at most 20")
    request_id: str | None = Field(default=None, description="quote it when asking for help")


class ErrorBody(BaseModel):
    """The one shape of every error."""

    model_config = ConfigDict(frozen=True)

    error: ErrorDetail


class BatchRequest(BaseModel):
    """Ads to decide on together."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ads: Annotated[list[Ad], Field(min_length=1, max_length=MAX_BATCH)]


class RefusedAd(BaseModel):
    """An ad of a batch that was not decided on, and why. The others of the batch were."""

    model_config = ConfigDict(frozen=True)

    ad_id: str | None = Field(description="null when the ad carries no usable id")
    error: ErrorDetail


class ScoredDecision(Decision):
    """A decision as it is answered: with the ad's tier, where a file of tiers is set."""

    suitability: Suitability | None = Field(default=None, description="absent where no file of tiers is set; it changes no verdict")


class BatchResult(BaseModel):
    """One result an ad, in the order of the request: a decision, or what was wrong with the ad."""

    model_config = ConfigDict(frozen=True)

    results: tuple[ScoredDecision | Decision | RefusedAd, ...]
    warnings: tuple[str, ...] = Field(default=(), description="what was noticed and did not stop anything, such as one id for two ads")


class LabelsRequest(BaseModel):
    """What people said about ads that were decided here."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    labels: Annotated[list[Label], Field(min_length=1, max_length=MAX_LABELS)]


class LabelsRecorded(BaseModel):
    """All of them are on record, or none."""

    model_config = ConfigDict(frozen=True)

    labels: int
    entries: tuple[str, ...] = Field(description="one an ad")


class AppealRequest(BaseModel):
    """An advertiser's objection to the rejection of its ad."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    decision_id: Id
    statement: Annotated[Text, Field(min_length=1, max_length=10_000)]


class AppealRecorded(BaseModel):
    """Somebody who has not seen the case before will decide."""

    model_config = ConfigDict(frozen=True)

    appeal_id: str
    decision_id: str


class BrakeRequest(BaseModel):
    """What is to be left to people from now on. A scope that is null or left out means everywhere."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    side: BrakeSide = Field(description="approve: nothing is approved automatically; reject: nothing is rejected; both: nothing is decided")
    policy: PolicyName | None = None
    market: Market | None = None
    surface: OptionalWord = None
    cluster: OptionalWord = Field(default=None, description="only copies of an ad: their cluster, or a decision or an ad in it")
    why: Annotated[Text, Field(min_length=1, max_length=1000)]


class ReleaseRequest(BaseModel):
    """A brake that may go."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    brake_id: Id
    why: Annotated[Text, Field(min_length=1, max_length=1000)]


class BrakeOn(BaseModel):
    """A brake that is on."""

    model_config = ConfigDict(frozen=True)

    brake_id: str
    seq: int = Field(description="place in the ledger's chain: decisions that know it obey")
    side: BrakeSide
    policy: str | None
    market: str | None
    surface: str | None
    cluster: str | None = Field(
        default=None, description="name of the cluster whose copies it is for, as of when it was put on; null: of all ads"
    )
    why: str
    by: str
    since: datetime


class BrakesOn(BaseModel):
    """All brakes that are on, oldest first."""

    model_config = ConfigDict(frozen=True)

    brakes: tuple[BrakeOn, ...]


class BrakeReleased(BaseModel):
    """From the entry on, what the brake stopped is decided automatically again."""

    model_config = ConfigDict(frozen=True)

    brake_id: str
    seq: int


class Standing(BaseModel):
    """What holds for the ad now."""

    model_config = ConfigDict(frozen=True)

    decision_id: str = Field(description="which decision it comes from: another one where the ad was decided again, or this was withdrawn")
    verdict: Verdict
    by: Literal["decision", "review", "audit", "appeal", "recheck", "copy"] = Field(
        description="decision: no person has said otherwise; copy: carried over from what people made of a copy of the ad"
    )
    at: datetime
    violated: tuple[str, ...] = Field(default=(), description="policies that people found violated")


class StepWithdrawn(BaseModel):
    """A rescoring step was undone: what it decided does not stand."""

    model_config = ConfigDict(frozen=True)

    at: datetime
    why: str


class AppealStanding(BaseModel):
    model_config = ConfigDict(frozen=True)

    appeal_id: str
    at: datetime
    outcome: Literal["upheld", "overturned"] | None = Field(description="of the decision; null while nobody has ruled")
    ruled_at: datetime | None = None


class DecisionRecord(BaseModel):
    """A decision as it is on record, and what became of it."""

    model_config = ConfigDict(frozen=True)

    decision: Decision = Field(description="with its reasons, which are made when somebody looks unless they were asked for before")
    reasons_missing: str | None = Field(default=None, description="why `decision` has no reasons, in words; null: nothing is missing")
    seq: int = Field(description="place in the ledger's chain")
    step: str | None = Field(default=None, description="the rescoring step that recorded it; null: it was asked for when it was made")
    withdrawn: StepWithdrawn | None = Field(default=None, description="null: its step was not undone")
    standing: Standing | None = Field(description="of this version of the ad; null: its decision was withdrawn, and no other stands")
    appeals: tuple[AppealStanding, ...] = ()
    statement_of_reasons: dict[str, Any] | None = Field(
        default=None, description="for a rejection: in the fields of the EU Digital Services Act's transparency database"
    )


class ChangesAnswer(BaseModel):
    """What has changed about what stands of ads."""

    model_config = ConfigDict(frozen=True)

    changes: tuple[Change, ...]
    next: int = Field(description="to be given as `after` when asking again")
    more: bool = Field(description="whether there are more already")


class ReportBody(BaseModel):
    """What a viewer says of an ad."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ad_id: Id
    reporter: Id = Field(description="the platform's id of the viewer; only a hash of it is kept")
    policy: PolicyName | None = Field(default=None, description="that the viewer thinks is broken; null: none fits, or none was named")
    statement: Annotated[Text, Field(max_length=2_000)] | None = None


class ReportsRequest(BaseModel):
    """Reports of viewers, on ads that were decided here."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reports: Annotated[list[ReportBody], Field(min_length=1, max_length=MAX_LABELS)]


class ReportTaken(BaseModel):
    model_config = ConfigDict(frozen=True)

    report_id: str
    counts: bool = Field(description="whether it adds anything: a viewer counts once about an ad")
    task_id: str | None = Field(description="the task that the ad is back in line with; null: none for now, or there was one already")


class ReportsTaken(BaseModel):
    """All of them are on record, or none. In the order of the request."""

    model_config = ConfigDict(frozen=True)

    reports: tuple[ReportTaken, ...]


class SignBody(BaseModel):
    """What the platform sees of a live ad."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ad_id: Id
    sign: Literal["impressions", "landing_page", "creative"] = Field(
        description="impressions: how often it was shown so far; landing_page: the page it leads to was edited; "
        "creative: another creative is shown under the same id"
    )
    impressions: float | None = Field(default=None, ge=0, description="so far; of that sign")


class SignsRequest(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    signals: Annotated[list[SignBody], Field(min_length=1, max_length=MAX_LABELS)]


class SignsTaken(BaseModel):
    """In the order of the request."""

    model_config = ConfigDict(frozen=True)

    tasks: tuple[str | None, ...] = Field(
        description="the task that an ad is back in line with; null: none, for it is no reason, or there is one already"
    )


class RuleMet(BaseModel):
    """A rule that a draft would meet."""

    model_config = ConfigDict(frozen=True)

    policy: str
    rule: str = Field(description="the sentence that an advertiser reads")
    words: tuple[str, ...] = Field(description="of the draft, those that meet it; empty: it is the whole rather than words")


class DraftChecked(BaseModel):
    """What an advertiser may know before submitting. No promise: the ad itself is decided when it is submitted."""

    model_config = ConfigDict(frozen=True)

    meets: tuple[RuleMet, ...] = Field(description="empty: no rule that could be told; people may still see it otherwise")
    left: int = Field(description="checks that this advertiser has left in this hour")
