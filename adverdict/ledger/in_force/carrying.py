"""What verdicts are carried to copies now: how far, by which certificate."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from adverdict.ledger.bodies.copies import CarriedSide, CarryingBegun, CarryingEnded
from adverdict.ledger.moments import micros
from adverdict.ledger.schema import entries
from adverdict.ledger.store import entry_of, entry_query

KINDS = (CarryingBegun.kind, CarryingEnded.kind)


@dataclass(frozen=True)
class Carrying:
    """A certificate that was begun, and whether it holds."""

    certificate_id: str
    seq: int
    told: CarryingBegun
    ended: str | None
    """Why it holds no more; None: nobody has ended it."""

    def holds_at(self, at: datetime) -> bool:
        return self.ended is None and micros(at) < self.told.until


def carrying(connection: Connection) -> dict[CarriedSide, Carrying]:
    """The last certificate of each side that ever had one."""
    found: dict[CarriedSide, Carrying] = {}
    for entry in map(entry_of, connection.execute(entry_query().where(entries.c.kind.in_(KINDS)).order_by(entries.c.seq))):
        body = entry.body
        if isinstance(body, CarryingBegun):
            found[body.side] = Carrying(entry.entry_id, entry.seq, body, None)
        elif isinstance(body, CarryingEnded) and body.side in found:
            last = found[body.side]
            found[body.side] = Carrying(last.certificate_id, last.seq, last.told, body.why)
    return found


def in_force(connection: Connection, at: datetime) -> dict[CarriedSide, Carrying]:
    """Those that hold."""
    return {side: one for side, one in carrying(connection).items() if one.holds_at(at)}


def looks(connection: Connection, side: CarriedSide) -> int:
    """How often evidence of a side was looked at in vain or not, as far as the chain tells."""
    rows = connection.execute(entry_query().where(entries.c.kind.in_(KINDS)).order_by(entries.c.seq))
    bodies = [entry.body for entry in map(entry_of, rows)]
    return max((body.look for body in bodies if isinstance(body, CarryingBegun | CarryingEnded) and body.side == side), default=0)
