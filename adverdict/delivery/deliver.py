"""One round: what is new goes into the outbox, what is due goes out, and what came of it is noted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from adverdict.delivery import outbox
from adverdict.delivery.channels import Channel
from adverdict.delivery.outbox import Message
from adverdict.delivery.posting import Away, NotTaken
from adverdict.ledger.store import Ledger, now

BATCHES = 50
"""In one round and to one receiver, so that the others have their turn."""


@dataclass(frozen=True)
class Delivered:
    """What came of a round."""

    sent: int = 0
    refused: int = 0
    """Messages that the receiver did not take this time."""
    away: bool = False
    """Whether the receiver does not answer, or is left alone for now."""


def deliver(ledger: Ledger, channel: Channel, clock: Callable[[], datetime] = now, proceed: Callable[[], bool] = lambda: True) -> Delivered:
    """At least once, and in order for each thing that is told about. ``proceed`` is asked between messages: who may not go on stops. Raises
    Unavailable.

    What was sent is noted after it was confirmed: who is killed in between sends it again.
    """
    channel.fill(ledger, clock())
    sent = refused = 0
    for _ in range(BATCHES):
        with ledger.look() as connection:
            until = outbox.away_until(connection, channel.name)
            messages = [] if until is not None and until > clock() else outbox.due(connection, channel.name, clock(), channel.most)
        if until is not None and until > clock():
            return Delivered(sent, refused, away=True)
        if not messages or not proceed():
            break
        try:
            more, less = _told(ledger, channel, messages, clock)
        except Away as error:
            with ledger.change() as connection:
                outbox.away(connection, channel.name, str(error), clock())
            return Delivered(sent, refused, away=True)
        sent, refused = sent + more, refused + less
    with ledger.change() as connection:
        outbox.forget(connection, channel.name, clock())
    return Delivered(sent, refused)


def _told(ledger: Ledger, channel: Channel, messages: Sequence[Message], clock: Callable[[], datetime]) -> tuple[int, int]:
    """How many were taken, and how many were not. Raises Away."""
    try:
        said = channel.send([one.body for one in messages])
    except NotTaken as error:
        if len(messages) == 1:
            with ledger.change() as connection:
                outbox.refused(connection, messages[0], str(error), clock())
            return 0, 1
        return _one_by_one(ledger, channel, messages, clock)
    with ledger.change() as connection:
        outbox.confirmed(connection, messages, said, clock())
    return len(messages), 0


def _one_by_one(ledger: Ledger, channel: Channel, messages: Sequence[Message], clock: Callable[[], datetime]) -> tuple[int, int]:
    """Which of several it does not take; what comes after such a one about the same thing waits."""
    sent, stopped = 0, set[str]()
    for one in messages:
        if one.about in stopped:
            continue
        more, less = _told(ledger, channel, [one], clock)
        sent += more
        stopped |= {one.about} if less else set()
    return sent, len(stopped)
