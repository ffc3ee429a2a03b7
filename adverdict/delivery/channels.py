"""Whom changes are told: a webhook of the platform's, and plug-ins. A channel is a name, how it is told, and how much at once."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from sqlalchemy import select

from adverdict.delivery import outbox
from adverdict.delivery.posting import Away, NotTaken, Post, Receiver, tell
from adverdict.domain.plugins import Sink
from adverdict.ledger import changes
from adverdict.ledger.changes import changes_after
from adverdict.ledger.schema import projections
from adverdict.ledger.store import Ledger, now

WEBHOOK = "changes"
"""The receiver of the platform's webhook."""
AT_ONCE = 100
"""Changes in one message."""
FILLED = 1_000
"""Changes put into the outbox in one transaction."""
Fill = Callable[[Ledger, datetime], None]
Send = Callable[[Sequence[str]], str]
"""Bodies, in order, all or none of them; what the receiver said. Raises NotTaken or Away."""


@dataclass(frozen=True)
class Channel:
    """One receiver."""

    name: str
    send: Send
    fill: Fill
    """Puts into the outbox what is new for it."""
    most: int = AT_ONCE


def webhook(receiver: Receiver, post: Post | None = None, clock: Callable[[], datetime] = now) -> Channel:
    """Changes by POST: ``{"changes": [...]}``, signed."""

    def send(bodies: Sequence[str]) -> str:
        return tell(receiver, f'{{"changes":[{",".join(bodies)}]}}'.encode(), clock(), post)

    return Channel(WEBHOOK, send, filler(WEBHOOK))


def plugged_in(name: str, sink: Sink) -> Channel:
    """Changes to a plug-in."""

    def send(bodies: Sequence[str]) -> str:
        try:
            sink.deliver([json.loads(body) for body in bodies])
        except ValueError as error:
            raise NotTaken(f"{type(error).__name__}: {error}") from error
        except Exception as error:  # somebody else's code: whatever it raises, what it did not take is told again
            raise Away(f"{type(error).__name__}: {error}") from error
        return "taken"

    receiver = f"sink {name}"
    return Channel(receiver, send, filler(receiver))


def filler(receiver: str) -> Fill:
    """From the changes to the outbox; a receiver that is new is told what comes from now on."""

    cursor = f"told {receiver}" if len(receiver) <= 35 else f"told {sha256(receiver.encode()).hexdigest()[:32]}"

    def fill(ledger: Ledger, at: datetime) -> None:
        row = select(projections.c.seq).where(projections.c.name == cursor)
        while True:
            with ledger.change() as connection:
                held = connection.execute(row.with_for_update()).scalar_one_or_none()
                if held is None:
                    changes.remember(connection, cursor, changes.span(connection)[1])
                    return
                new = changes_after(connection, held, FILLED)
                if not new:
                    return
                outbox.put(connection, receiver, [(one.seq, changes.about(one.ad_id), one.model_dump_json()) for one in new], at)
                changes.remember(connection, cursor, new[-1].seq)

    return fill
