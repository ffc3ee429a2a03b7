"""Bodies of requests and answers about running the service: people, plans, alarms, health and launches."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from adverdict.domain.ad import Market, Text
from adverdict.ledger.bodies.alarm import AlarmMoved, AlarmOpened, AlarmState
from adverdict.ledger.bodies.launch import LaunchChecked, LaunchScored
from adverdict.ledger.entries import PlanMade, PlanScored


class WorkforceOutlook(BaseModel):
    """The next weeks, as ``adverdict workforce forecast --json`` and ``staff --json`` write them."""

    model_config = ConfigDict(frozen=True)

    change: str = Field(description="beside what stands; 'as planned': none")
    counted: int = Field(description="last entry of the ledger that is counted")
    operations: str = Field(description="digest of the operations folder; empty: none is declared")
    rostered: bool = Field(description="whether anybody is on a roster; otherwise people are for shifts around the clock")
    wape: float | None = Field(description="error of a queue's week in earlier forecasts, as a share of its tasks; null: not known yet")
    wape_naive: float | None = Field(description="the same of repeating the last week")
    wape_floor: float | None = Field(description="what chance alone makes of it")
    weeks: tuple[dict[str, Any], ...] = Field(
        description="tasks, low (P10), high (P90), hours, people_needed, people_rostered, kept, queues"
    )


class SavePlanRequest(BaseModel):
    """A plan to be put on record."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Text = Field(min_length=1, max_length=200, pattern=r"\S", description="by which people will know it")
    weeks: int = Field(default=8, ge=1, le=26)


class DeclareEventRequest(BaseModel):
    """Days on which submissions will be, or were, other than usual. One of the same name is replaced."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Text = Field(min_length=1, max_length=200, pattern=r"\S", description="by which people will know it")
    kind: str = Field(description="small letters, digits and _, such as sale: what is learnt of one is expected of the next of its kind")
    starts: date
    ends: date = Field(description="included")
    markets: tuple[Market, ...] = Field(default=(), description="empty: all")
    surfaces: tuple[str, ...] = Field(default=(), description="empty: all")
    expected_factor: float | None = Field(
        default=None, gt=0, le=100, description="times the usual submissions, as its owner expects; null: as its kind did before"
    )
    takes_place: bool = Field(default=True, description="false: the event of this name that was declared here is called off")


class DeclaredEvent(BaseModel):
    model_config = ConfigDict(frozen=True)

    event_id: str


class WorkforceEvent(BaseModel):
    """A declared event."""

    model_config = ConfigDict(frozen=True)

    name: str
    kind: str
    starts: date
    ends: date
    markets: tuple[str, ...] = Field(description="empty: all")
    surfaces: tuple[str, ...] = Field(description="empty: all")
    expected_factor: float | None


class WorkforceEvents(BaseModel):
    model_config = ConfigDict(frozen=True)

    events: tuple[WorkforceEvent, ...] = Field(description="those of the operations folder, then those declared here")


class SavedPlan(BaseModel):
    model_config = ConfigDict(frozen=True)

    plan_id: str


class PlanOnRecord(BaseModel):
    """A plan, and what it was worth so far."""

    model_config = ConfigDict(frozen=True)

    plan_id: str
    at: datetime
    plan: PlanMade
    scores: tuple[PlanScored, ...]


class PlansOnRecord(BaseModel):
    model_config = ConfigDict(frozen=True)

    plans: tuple[PlanOnRecord, ...]


class AlarmOnRecord(BaseModel):
    """What rang, since when, and what people made of it."""

    model_config = ConfigDict(frozen=True)

    alarm_id: str
    opened_at: datetime
    closed_at: datetime | None = Field(description="null: it is not over")
    state: AlarmState
    alarm: AlarmOpened
    moves: tuple[AlarmMoved, ...]


class AlarmsOnRecord(BaseModel):
    model_config = ConfigDict(frozen=True)

    alarms: tuple[AlarmOnRecord, ...]


class DetectorStanding(BaseModel):
    """One promise that is watched."""

    model_config = ConfigDict(frozen=True)

    cell: str = Field(description="what is watched, policy and certificate or markets, as alarms have it")
    looked_at: datetime
    read: int = Field(description="answers that count")
    wrong: int = Field(description="of these")
    evidence: float | None = Field(description="against what is promised; null: too little was read to say anything")
    rings_at: float | None = Field(description="the evidence at which it rings; null: too little was read")
    rings: bool
    limit: float | None = Field(description="the share of errors that is promised; of what risks mean, the log-odds that are tolerated")
    false_alarms_a_year: float = Field(description="that it may ring, of the budget of all")


class HealthStanding(BaseModel):
    """How all detectors stood at the last look."""

    model_config = ConfigDict(frozen=True)

    detectors: tuple[DetectorStanding, ...]
    looked_at: datetime | None = Field(description="the last look; null: nobody has looked, or nothing is certified")
    followed_to: int = Field(description="last entry of the ledger that was counted")
    end: int = Field(description="last entry of the ledger")
    false_alarms: float = Field(description="a year, that all detectors may ring together")


class LaunchStanding(BaseModel):
    """The last check of what is to open, and what became of it."""

    model_config = ConfigDict(frozen=True)

    launch_id: str
    checked_at: datetime
    launch: LaunchChecked
    score: LaunchScored | None = Field(description="what happened in its first four weeks; null: not yet known")


class LaunchesOnRecord(BaseModel):
    model_config = ConfigDict(frozen=True)

    launches: tuple[LaunchStanding, ...]
