"""What entries say of launches. ``launch`` is the id of the entry of its check.

readiness        whether a market, a surface or a product may open: its gates, and what is claimed of its first weeks
readiness_score  what became of that, once the weeks were over
"""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from adverdict.domain.ad import Market, Text
from adverdict.ledger.bodies.body import EntryBody


class GateStatus(StrEnum):
    """How one gate stands."""

    OK = "ok"
    PEOPLE = "people"
    """It may open, and people decide what nothing else may."""
    TODO = "todo"
    """It may open without; somebody ought to see to it."""
    MISSING = "missing"
    """It must not open before."""


class LaunchVerdict(StrEnum):
    GO = "go"
    PEOPLE = "go with people deciding"
    NO_GO = "no go"


class GateTold(BaseModel):
    """One thing that has to be there."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    status: GateStatus
    says: Text
    needs: str | None = Field(default=None, description="what is missing, and the command for it")
    owner: str = Field(description="whose it is: policy, data, operations, workforce, legal")
    until: date | None = Field(default=None, description="by when, for the date to hold")
    cost: str | None = Field(default=None, description="of what it takes, in reviews, labels or people")


class LaunchChecked(EntryBody):
    """The entry's id is the launch's."""

    kind: ClassVar[str] = "readiness"

    what: Literal["market", "surface", "product"]
    name: str = Field(description="of the market, the surface or the product")
    markets: tuple[Market, ...]
    languages: tuple[str, ...]
    ads_per_day: float = Field(gt=0)
    opens: date
    outcome: LaunchVerdict
    gates: tuple[GateTold, ...]
    claims: dict[str, JsonValue] = Field(description="of its first four weeks: shares that are kept, reviews a day")
    as_of: int = Field(description="last entry it was computed from")
    by: str


class LaunchScored(EntryBody):
    kind: ClassVar[str] = "readiness_score"

    launch: str
    since: date
    until: date
    broke: tuple[str, ...] = Field(description="claims that did not hold, in words; empty: none is known to")
    unknown: tuple[str, ...] = Field(default=(), description="claims that too little was read to judge")
    figures: dict[str, JsonValue]
    by: str


LaunchBody = LaunchChecked | LaunchScored
