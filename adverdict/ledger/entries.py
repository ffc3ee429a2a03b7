"""What an entry of the chain can say. One class a kind; its JSON, canonically written, is what the chain's digest covers.

decision     an ad and what was decided about it
label        labels on an ad, brought from outside
answer       a reviewer's answer to a task, with the labels it makes
resolution   what people made of a decision; the last one is the ad's verdict
appeal       an advertiser's objection to a decision
ruling       what became of an appeal; an overturned decision's labels no longer count
erasure      contents that were erased, and why
rescoring    a step that puts the decisions of a rescoring on record; they name it
withdrawal   of such a step: from then on its decisions do not stand
foundation   what was known before the first entry
brake        nothing of one side is decided automatically from then on, for a policy, a market, a surface, or everywhere
release      of a brake
plan         how many tasks, hours and people the next weeks were thought to need
score        what one week of a plan was worth, once it was over
event        days on which submissions will be, or were, other than usual
revocation   of a certificate: what its thresholds would decide is left to people from then on

What comes into force, and how, is told by the entries of ``ledger.bodies.rollout``; what rings, by those of ``ledger.bodies.alarm``;
what opens, by those of ``ledger.bodies.launch``; what is new, by those of ``ledger.bodies.emerging``; who tries out what is approved, by
those of ``ledger.bodies.probing``; what speaks against live ads, by those of ``ledger.bodies.signals``; what is carried to copies and taken
back, by those of ``ledger.bodies.copies``; whose strikes no longer count, by that of ``ledger.bodies.strikes``.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, ClassVar, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from adverdict.decisions.steering import BrakeSide
from adverdict.domain.ad import Ad, Id, Label, Market, OptionalText, OptionalWord, PolicyName, Text, Utc
from adverdict.domain.decision import Decision
from adverdict.domain.standing import Standing
from adverdict.domain.verdict import Verdict
from adverdict.ledger.bodies.alarm import AlarmBody
from adverdict.ledger.bodies.body import EntryBody
from adverdict.ledger.bodies.copies import CopiesBody
from adverdict.ledger.bodies.emerging import EmergingBody
from adverdict.ledger.bodies.launch import LaunchBody
from adverdict.ledger.bodies.probing import ProbingBody
from adverdict.ledger.bodies.rollout import RolloutBody
from adverdict.ledger.bodies.signals import SignalBody
from adverdict.ledger.bodies.strikes import StrikesLifted

MAX_LABELS = 100
"""On one ad in one request: policies times raters."""


class DecisionMade(EntryBody):
    kind: ClassVar[str] = "decision"

    ad: Ad
    decision: Decision
    thresholds: str | None = Field(default=None, description="digest of the solved thresholds at hand; for replaying the decision")
    first: bool = Field(description="whether this version of the ad had never been decided before: only then is it a submission")
    step: str | None = Field(default=None, description="the rescoring step that recorded it; null: it was asked for when it was made")
    caller: OptionalWord = Field(default=None, description="name of the API key that asked; null: it was not told")


class _AboutAd(EntryBody):
    """About an ad in the version that a decision was made on."""

    decision_id: str
    ad_id: Id
    advertiser_id: Id
    market: Market


class Labelled(_AboutAd):
    kind: ClassVar[str] = "label"

    labels: tuple[Label, ...] = Field(min_length=1, max_length=MAX_LABELS)
    by: str = Field(description="name of the API key that brought them")


class Answered(_AboutAd):
    """``decision_id`` is the golden item's id when the task was golden: such an answer is about the reviewer, not the ad."""

    kind: ClassVar[str] = "answer"

    task_id: str
    case_id: str
    task_kind: Literal["review", "audit", "sample", "double", "senior", "appeal", "recheck", "golden"]
    reviewer: str
    token: int = Field(description="of the lease under which it was given")
    verdict: Literal["approve", "reject", "unsure", "escalate", "unseen"]
    asked: tuple[PolicyName, ...]
    violated: tuple[PolicyName, ...] = Field(default=(), description="of those asked; rejections only")
    severity: Literal["mild", "moderate", "extreme"] | None = None
    reason: OptionalText = None
    seconds: float | None = Field(default=None, ge=0, description="from being shown to being answered")
    tier: OptionalWord = Field(
        default=None, description="of suitability, as low or CATEGORY:TIER; null: it was not said. No label of a policy"
    )
    labels: tuple[Label, ...] = ()
    along_with: str | None = Field(default=None, description="the task whose answer did for this copy, too; null: it was read by itself")


class Carried(BaseModel):
    """Where a verdict comes from that nobody gave for this ad."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    decision_id: str = Field(description="about the copy that people read")
    resolution: str = Field(description="the entry that says what they made of it")
    distance: float = Field(ge=0, le=1, description="of words: 1 less their likeness")
    certificate: str = Field(description="under which it was carried so far")


class Resolved(_AboutAd):
    kind: ClassVar[str] = "resolution"

    verdict: Literal[Verdict.APPROVE, Verdict.REJECT]
    by: Literal["review", "audit", "appeal", "recheck", "copy"] = Field(description="copy: carried from what people made of one")
    violated: tuple[PolicyName, ...] = ()
    task_id: str = Field(description="of the answer that settled it; carried: of the answer that settled the copy")
    carried: Carried | None = Field(default=None, description="from where, where it was carried; null: people read this ad")


class Appealed(_AboutAd):
    """The entry's id is the appeal's."""

    kind: ClassVar[str] = "appeal"

    statement: Text = Field(description="what the advertiser says")
    by: str = Field(description="name of the API key that brought it")


class Ruled(_AboutAd):
    kind: ClassVar[str] = "ruling"

    appeal_id: str
    outcome: Literal["upheld", "overturned"] = Field(description="what became of the decision")
    task_id: str
    reviewer: str
    reason: OptionalText = None
    retracted: tuple[str, ...] = Field(default=(), description="entries whose labels on the policies below no longer count")
    policies: tuple[PolicyName, ...] = Field(default=(), description="whose labels are retracted")


class Erased(EntryBody):
    kind: ClassVar[str] = "erasure"

    seqs: tuple[tuple[int, int], ...] = Field(description="first and last of each run of entries whose contents were erased")
    why: Text
    by: str
    history: str | None = Field(default=None, description="digest of the kept history from now on; null: as before")


class Founded(EntryBody):
    kind: ClassVar[str] = "foundation"

    history: str | None = Field(description="digest of the kept history snapshot; null: nothing was known")
    bundle_version: str | None = Field(description="whose snapshot it is")


class KnownHistory(BaseModel):
    """What decisions of a rescoring knew of advertisers; enough to find it again, or to know that it cannot be."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["folder", "ledger", "bundle"]
    digest: str = Field(description="of the frozen history that was used")
    seq: int | None = Field(default=None, description="last entry of the ledger it knew; null: it was not the ledger's")


class Rescored(EntryBody):
    """The entry's id is the step's. Its decisions follow it, in as many transactions as it takes."""

    kind: ClassVar[str] = "rescoring"

    run_id: str
    bundle_version: str | None
    policy_hash: str
    thresholds: str = Field(description="digest of the solved thresholds that decided")
    as_of: Utc = Field(description="the moment as of which ads were looked at again")
    history: KnownHistory
    markets: tuple[Market, ...] = Field(default=(), description="those it is limited to; empty: all")
    only: Verdict | None = Field(default=None, description="the new verdict it is limited to; null: any")
    by: str
    rollout: str | None = Field(default=None, description="the aborted roll-out whose approvals it decides again; null: it is another's")


class Withdrawn(EntryBody):
    """What people decided meanwhile about the step's decisions stays."""

    kind: ClassVar[str] = "withdrawal"

    step: str
    why: Text
    by: str


class Braked(EntryBody):
    """The entry's id is the brake's. A scope that is null means everywhere."""

    kind: ClassVar[str] = "brake"

    side: BrakeSide
    policy: PolicyName | None = None
    market: Market | None = None
    surface: OptionalWord = None
    cluster: OptionalWord = Field(default=None, description="name of a cluster: only copies of its ads")
    why: Text
    by: str


class Released(EntryBody):
    kind: ClassVar[str] = "release"

    brake: str
    why: Text
    by: str


class CertificateRevoked(EntryBody):
    kind: ClassVar[str] = "revocation"

    certificate_id: str
    why: Text
    evidence: dict[str, JsonValue] = Field(default_factory=dict, description="the figures that speak against it, and as of which entry")
    by: str


class CertificateMoved(EntryBody):
    """By its audits, short of being revoked. The last such entry about a certificate counts."""

    kind: ClassVar[str] = "standing"

    certificate_id: str
    standing: Literal[Standing.CERTIFIED, Standing.RENEWED, Standing.DOUBTED]
    until: Utc = Field(description="the end of its validity from now on")
    why: Text
    evidence: dict[str, JsonValue] = Field(default_factory=dict, description="the figures it rests on, and as of which entry")
    by: str


class PlannedCell(BaseModel):
    """One queue in one week."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    week: date = Field(description="first of its seven days, UTC")
    market: Market
    kind: str
    submissions: float = Field(ge=0, description="of its market")
    tasks: float = Field(ge=0)
    low: float = Field(ge=0, description="P10 of tasks")
    high: float = Field(ge=0, description="P90 of tasks")
    seconds: float = Field(ge=0, description="mean handling time of a task")


class PlannedWeek(BaseModel):
    """People of one week."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    week: date
    hours: float = Field(ge=0, description="of handling")
    fte: float = Field(ge=0, description="full-time people needed for the P90 of tasks")
    rostered: float = Field(ge=0)
    met: float | None = Field(
        default=None, ge=0, le=1, description="probability that the roster keeps the targets; null: nobody is rostered"
    )
    absence: float = Field(ge=0, lt=1, description="share of the rostered hours in which nobody answers tasks")


class PlanMade(EntryBody):
    """The entry's id is the plan's."""

    kind: ClassVar[str] = "plan"

    name: Text
    change: Text = Field(description="beside what stands; 'as planned': none")
    cells: tuple[PlannedCell, ...]
    weeks: tuple[PlannedWeek, ...]
    targets: dict[str, JsonValue] = Field(description="shares in time, occupancy and limits it was made for")
    operations: str = Field(description="digest of the operations folder")
    counted: int = Field(description="last entry it knew of")
    by: str


class PlanScored(EntryBody):
    """Of one week of a plan. Shares are relative to what came."""

    kind: ClassVar[str] = "score"

    plan: str
    week: date
    tasks: float = Field(description="that came")
    wape: float
    bias: float
    covered: int = Field(description="queues whose tasks lay between P10 and P90")
    queues: int
    fte_error: float = Field(description="people planned over people needed, less 1")
    by_cause: dict[str, float] = Field(description="what each part's error did to the people planned; they multiply to the whole")
    cause: str | None = Field(description="the largest; null: the error is small")
    absence: float | None = Field(description="that was; null: nobody can tell")
    by: str


class EventDeclared(EntryBody):
    """The last one of a name counts."""

    kind: ClassVar[str] = "event"

    name: Text
    event_kind: str = Field(description="such as sale: what is learnt of one is expected of the next of its kind")
    starts: date
    ends: date = Field(description="included")
    markets: tuple[Market, ...] = Field(default=(), description="empty: all")
    surfaces: tuple[str, ...] = Field(default=(), description="empty: all")
    expected_factor: float | None = Field(default=None, gt=0, description="times the usual submissions; null: as its kind did before")
    takes_place: bool = Field(default=True, description="false: it was called off")
    by: str


Body = (
    DecisionMade
    | Labelled
    | Answered
    | Resolved
    | Appealed
    | Ruled
    | Erased
    | Founded
    | Rescored
    | Withdrawn
    | Braked
    | Released
    | CertificateRevoked
    | CertificateMoved
    | RolloutBody
    | PlanMade
    | PlanScored
    | EventDeclared
    | AlarmBody
    | LaunchBody
    | EmergingBody
    | ProbingBody
    | SignalBody
    | CopiesBody
    | StrikesLifted
)
KINDS: dict[str, type[Body]] = {one.kind: one for one in get_args(Body)}


class Entry(BaseModel):
    """One link of the chain and what it stands for."""

    model_config = ConfigDict(frozen=True)

    seq: Annotated[int, Field(ge=1)]
    entry_id: str
    at: Utc
    body: Body | None
    """None: erased."""
