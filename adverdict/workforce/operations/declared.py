"""Events that were declared through a door and not in ``events.csv``: they are on record, and plans know them as they know the file's."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import datetime

from adverdict.domain.errors import InvalidInput, NotFound
from adverdict.ledger.entries import EventDeclared
from adverdict.ledger.entropy import hexadecimal
from adverdict.ledger.store import Ledger
from adverdict.workforce.operations.events import Event, mistakes_of
from adverdict.workforce.operations.read import Operations


def declare(ledger: Ledger, event: Event, by: str, at: datetime) -> str:
    """The entry's id; one of the same name is replaced. Raises InvalidInput with every mistake, or Unavailable."""
    mistakes = mistakes_of(event)
    if mistakes:
        raise InvalidInput("the event was not declared:", mistakes)
    return _put(ledger, event, by, at, takes_place=True)


def call_off(ledger: Ledger, name: str, by: str, at: datetime) -> str:
    """The entry's id. Raises NotFound where no event of this name is on record."""
    there = {one.name: one for one in on_record(ledger)}
    if name not in there:
        raise NotFound(f"no event {name} is on record: one in events.csv is called off there")
    return _put(ledger, there[name], by, at, takes_place=False)


def on_record(ledger: Ledger) -> tuple[Event, ...]:
    """Those that take place, or did, in the order in which they were declared. Raises Unavailable."""
    found: dict[str, EventDeclared] = {}
    for entry in ledger.read(kinds=[EventDeclared.kind]):
        if isinstance(entry.body, EventDeclared):
            found.pop(entry.body.name, None)
            if entry.body.takes_place:
                found[entry.body.name] = entry.body
    return tuple(
        Event(one.name, one.event_kind, one.starts, one.ends, one.markets, one.surfaces, one.expected_factor) for one in found.values()
    )


def with_declared(operations: Operations, ledger: Ledger) -> Operations:
    """The folder's events and those on record; where both have a name, the folder's counts."""
    names = {one.name for one in operations.events}
    more = tuple(one for one in on_record(ledger) if one.name not in names)
    if not more:
        return operations
    digest = hashlib.sha256(f"{operations.digest} {more!r}".encode()).hexdigest()
    return replace(operations, events=(*operations.events, *more), digest=digest)


def _put(ledger: Ledger, event: Event, by: str, at: datetime, *, takes_place: bool) -> str:
    event_id = f"evt-{hexadecimal()}"
    body = EventDeclared(
        name=event.name.strip(),
        event_kind=event.kind,
        starts=event.starts,
        ends=event.ends,
        markets=event.markets,
        surfaces=event.surfaces,
        expected_factor=event.expected_factor,
        takes_place=takes_place,
        by=by,
    )
    with ledger.write() as writing:
        writing.append(event_id, body, at)
    return event_id
