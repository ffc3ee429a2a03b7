"""What entries say of alarms. ``alarm`` is the id of the entry that opened one.

alarm        something no longer is as it was promised; its figures, as of the entry they were computed from
alarm_state  what people made of it: seen, explained, acted on, closed
"""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

from pydantic import Field, JsonValue

from adverdict.domain.ad import Market, PolicyName, Text, Utc
from adverdict.ledger.bodies.body import EntryBody


class AlarmState(StrEnum):
    """Where an alarm is in its life. Closed is the end: from then on evidence begins anew."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    EXPLAINED = "explained"
    """By a known event, a roll-out, a launch."""
    ACTED = "acted"
    """A brake was put on, thresholds were solved, a model was trained."""
    CLOSED = "closed"


class AlarmOpened(EntryBody):
    """The entry's id is the alarm's."""

    kind: ClassVar[str] = "alarm"

    cell: str = Field(description="what rang: one alarm of it is open at a time")
    watched: str = Field(description="leakage, wrongful or calibration")
    policy: PolicyName
    markets: tuple[Market, ...]
    since: Utc = Field(description="from when on it is likeliest to have been so")
    says: Text
    proposal: Text = Field(description="what to do about it")
    figures: dict[str, JsonValue] = Field(description="what it rests on")
    examples: tuple[str, ...] = Field(default=(), description="decisions that turned out wrong since then")
    as_of: int = Field(description="last entry it was computed from")
    by: str


class AlarmMoved(EntryBody):
    kind: ClassVar[str] = "alarm_state"

    alarm: str
    state: AlarmState
    why: Text
    link: str | None = Field(default=None, description="what explains it or was done: an event, a roll-out, a brake, a model")
    by: str


AlarmBody = AlarmOpened | AlarmMoved
