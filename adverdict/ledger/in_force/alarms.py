"""Alarms on record: opened once a cell at a time, moved by people, and how each stands."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection

from adverdict.domain.errors import Conflict, InvalidInput, Mistake, NotFound
from adverdict.ledger.bodies.alarm import AlarmMoved, AlarmOpened, AlarmState
from adverdict.ledger.entropy import hexadecimal
from adverdict.ledger.schema import entries
from adverdict.ledger.store import Writing, entry_of, entry_query


@dataclass
class Alarm:
    """One alarm and what became of it, in order."""

    alarm_id: str
    opened_at: datetime
    told: AlarmOpened
    moves: list[tuple[datetime, AlarmMoved]] = field(default_factory=list)

    @property
    def state(self) -> AlarmState:
        return self.moves[-1][1].state if self.moves else AlarmState.OPEN

    @property
    def closed_at(self) -> datetime | None:
        return self.moves[-1][0] if self.state is AlarmState.CLOSED else None


def alarms(connection: Connection) -> list[Alarm]:
    """Every alarm, oldest first. There are few: their number has a budget."""
    kinds = (AlarmOpened.kind, AlarmMoved.kind)
    found: dict[str, Alarm] = {}
    for row in connection.execute(entry_query().where(entries.c.kind.in_(kinds)).order_by(entries.c.seq)):
        entry = entry_of(row)
        if isinstance(entry.body, AlarmOpened):
            found[entry.entry_id] = Alarm(entry.entry_id, entry.at, entry.body)
        elif isinstance(entry.body, AlarmMoved) and entry.body.alarm in found:
            found[entry.body.alarm].moves.append((entry.at, entry.body))
    return list(found.values())


def open_alarm(writing: Writing, told: AlarmOpened, at: datetime) -> str | None:
    """The new alarm's id; None where one of the same cell is open: that one tells it already."""
    if any(one.told.cell == told.cell and one.state is not AlarmState.CLOSED for one in alarms(writing.connection)):
        return None
    alarm_id = f"alm-{hexadecimal()}"
    writing.append(alarm_id, told, at)
    return alarm_id


def move_alarm(writing: Writing, told: AlarmMoved, at: datetime) -> int:
    """Say what became of an alarm: the seq of the entry. Raises NotFound, InvalidInput without a reason, Conflict once it is closed."""
    if not told.why.strip():
        raise InvalidInput("the alarm stays as it is:", [Mistake("why", told.why, "a reason: it stays on record")])
    if told.state is AlarmState.OPEN:
        expected = ", ".join(state for state in AlarmState if state is not AlarmState.OPEN)
        raise InvalidInput("the alarm stays as it is:", [Mistake("state", told.state, f"one of {expected}")])
    alarm = next((one for one in alarms(writing.connection) if one.alarm_id == told.alarm), None)
    if alarm is None:
        raise NotFound(f"no alarm {told.alarm}: adverdict monitor alarms shows them")
    if alarm.state is AlarmState.CLOSED:
        raise Conflict(f"alarm {told.alarm} is closed already")
    return writing.append(f"als-{hexadecimal()}", told, at)
