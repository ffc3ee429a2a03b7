"""What rings, is new, or opens, told to another system: from the chain to the outbox, from there signed to a receiver until it confirms.

A message names entries, policies, markets and numbers; no text of an ad, and no free text of a person, which may quote one.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select

from adverdict.delivery import outbox
from adverdict.delivery.channels import Channel
from adverdict.delivery.posting import Post, Receiver, tell
from adverdict.ledger import changes
from adverdict.ledger.bodies.alarm import AlarmMoved, AlarmOpened
from adverdict.ledger.bodies.emerging import CaseMoved, CaseOpened
from adverdict.ledger.bodies.launch import LaunchChecked, LaunchScored
from adverdict.ledger.entries import Entry
from adverdict.ledger.history import end_of
from adverdict.ledger.schema import projections
from adverdict.ledger.store import Ledger, now

CURSOR = "webhook"
"""Row of ``projections``: the last entry that was put into the outbox."""
NAME = "monitoring"
"""Of the receiver."""
KINDS = (AlarmOpened.kind, AlarmMoved.kind, CaseOpened.kind, CaseMoved.kind, LaunchChecked.kind, LaunchScored.kind)


def channel(receiver: Receiver, post: Post | None = None, clock: Callable[[], datetime] = now) -> Channel:
    """One message a POST. The first time nothing of the past is told."""

    def send(bodies: Sequence[str]) -> str:
        return tell(receiver, bodies[0].encode(), clock(), post)

    return Channel(NAME, send, fill, most=1)


def message(entry: Entry) -> dict[str, Any] | None:
    """What is told of an entry; None: nothing."""
    about: dict[str, Any] = {}
    body = entry.body
    match body:
        case AlarmOpened():
            about = {"alarm": entry.entry_id, "watched": body.watched, "policy": body.policy, "markets": body.markets, "state": "open"}
            about |= {"since": body.since.isoformat(), "figures": body.figures, "page": f"/console/alarms/{entry.entry_id}"}
        case AlarmMoved():
            about = {"alarm": body.alarm, "state": body.state, "page": f"/console/alarms/{body.alarm}"}
        case CaseOpened():
            about = {"case": entry.entry_id, "language": body.language, "markets": body.markets, "advertisers": body.advertisers}
            about |= {"ads": body.ads, "marked": body.marked, "state": "open", "page": "/console/emerging"}
        case CaseMoved():
            about = {"case": body.case, "state": body.state, "page": "/console/emerging"}
        case LaunchChecked():
            gates = {gate.name: gate.status for gate in body.gates}
            about = {"launch": entry.entry_id, "what": body.what, "markets": body.markets, "opens": body.opens.isoformat()}
            about |= {"outcome": body.outcome, "gates": gates, "page": "/console/launches"}
        case LaunchScored():
            about = {"launch": body.launch, "broke": len(body.broke), "unknown": len(body.unknown), "page": "/console/launches"}
        case _:
            return None
    return {"id": entry.entry_id, "event": body.kind, "at": entry.at.isoformat(), "seq": entry.seq, **about}


def fill(ledger: Ledger, at: datetime) -> None:
    """Put what is new into the outbox, unless somebody else just did."""
    row = select(projections.c.seq).where(projections.c.name == CURSOR)
    with ledger.look() as connection:
        begin, end = connection.execute(row).scalar_one_or_none(), end_of(connection)
    told = [] if begin is None else [(entry.seq, message(entry)) for entry in ledger.read(begin, end, KINDS)]
    if begin == end:
        return
    with ledger.change() as connection:
        if connection.execute(row.with_for_update()).scalar_one_or_none() != begin:
            return
        new = [(seq, _about(one), json.dumps(one, separators=(",", ":"))) for seq, one in told if one is not None]
        outbox.put(connection, NAME, new, at)
        changes.remember(connection, CURSOR, end)


def _about(told: dict[str, Any]) -> str:
    """An alarm, a case or a launch: its messages come in order."""
    return next(f"{name} {told[name]}" for name in ("alarm", "case", "launch") if name in told)
