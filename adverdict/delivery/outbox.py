"""The outbox: what each receiver is still to be told, in order for each thing that is told about.

waiting -> sent
        -> held      refused so often that people decide: what is about the same thing waits behind it
             -> waiting (retry) or dropped (let go)

A receiver that does not answer at all is left alone for a while, and nothing that waits for it is counted as tried: when it answers again,
everything follows at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Update, delete, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from adverdict.domain.errors import InvalidInput, Mistake, NotFound
from adverdict.ledger.moments import micros, moment
from adverdict.ledger.schema import outbox, receivers
from adverdict.ledger.store import Ledger

REFUSED_WAITS = (5, 30, 120, 600, 1800, 7200, 21_600, 43_200, 86_400)
"""Seconds to the next try of a message that was refused, by how often it was; after the last it is held."""
AWAY_WAITS = (5, 15, 60, 300, 900, 1800)
"""Seconds to the next try of a receiver that does not answer; the last for ever."""
KEPT = timedelta(days=30)
"""For which what was sent, or dropped, stays."""
SHOWN = 200
"""Characters of what is kept of an answer."""


@dataclass(frozen=True)
class Message:
    """One thing to tell one receiver."""

    receiver: str
    seq: int
    about: str
    body: str
    """JSON."""
    tries: int
    """That were refused."""
    said: str
    state: str = "waiting"
    due_at: datetime | None = None


@dataclass(frozen=True)
class Standing:
    """How a receiver stands."""

    receiver: str
    waiting: int
    held: int
    sent: int
    """Of the last 30 days."""
    away_since: datetime | None
    """When it stopped answering; None: it answers, or was never asked."""
    next_try: datetime | None
    said: str


def put(connection: Connection, receiver: str, told: Sequence[tuple[int, str, str]], at: datetime) -> None:
    """Add messages, given as seq, what they are about, and body; those that are there already stay as they are."""
    if not told:
        return
    adding = (postgresql if connection.dialect.name == "postgresql" else sqlite).insert(outbox)
    rest = {"receiver": receiver, "state": "waiting", "tries": 0, "due_at": micros(at), "said": "not sent yet"}
    rows = [{**rest, "seq": seq, "about": about, "body": body} for seq, about, body in told]
    connection.execute(adding.on_conflict_do_nothing(), rows)


def due(connection: Connection, receiver: str, at: datetime, most: int) -> list[Message]:
    """What may be sent now, in order: nothing whose turn comes after something about the same thing that is held, or not due yet."""
    earlier = outbox.alias("earlier")
    behind = (
        select(earlier.c.seq)
        .where(earlier.c.receiver == outbox.c.receiver, earlier.c.about == outbox.c.about, earlier.c.seq < outbox.c.seq)
        .where((earlier.c.state == "held") | ((earlier.c.state == "waiting") & (earlier.c.due_at > micros(at))))
        .exists()
    )
    query = select(outbox).where(outbox.c.receiver == receiver, outbox.c.state == "waiting", outbox.c.due_at <= micros(at), ~behind)
    return [_message(row) for row in connection.execute(query.order_by(outbox.c.seq).limit(most))]


def away_until(connection: Connection, receiver: str) -> datetime | None:
    """Until when it is left alone; None: it is asked at once."""
    row = connection.execute(select(receivers).where(receivers.c.name == receiver)).one_or_none()
    return None if row is None or row.tries == 0 else moment(row.due_at)


def confirmed(connection: Connection, messages: Sequence[Message], said: str, at: datetime) -> None:
    for one in messages:
        values = {"state": "sent", "sent_at": micros(at), "tries": one.tries + 1, "said": said[:SHOWN]}
        connection.execute(_row(one).values(values))
    if messages:
        _answers(connection, messages[0].receiver, said, at)


def refused(connection: Connection, message: Message, said: str, at: datetime) -> None:
    """It answers, and does not take this one."""
    last = message.tries >= len(REFUSED_WAITS)
    again = at if last else at + timedelta(seconds=REFUSED_WAITS[message.tries])
    values = {"state": "held" if last else "waiting", "tries": message.tries + 1, "due_at": micros(again), "said": said[:SHOWN]}
    connection.execute(_row(message).values(values))
    _answers(connection, message.receiver, said, at)


def away(connection: Connection, receiver: str, said: str, at: datetime) -> None:
    """It does not answer, or nothing that it could be told now would help."""
    row = connection.execute(select(receivers).where(receivers.c.name == receiver)).one_or_none()
    tries = row.tries if row else 0
    wait = AWAY_WAITS[min(tries, len(AWAY_WAITS) - 1)]
    since = micros(at) if row is None or row.since is None else row.since
    _stand(connection, receiver, {"tries": tries + 1, "since": since, "due_at": micros(at + timedelta(seconds=wait)), "said": said[:SHOWN]})


def standings(ledger: Ledger) -> list[Standing]:
    """Every receiver that was ever told something, by name. Raises Unavailable."""
    with ledger.look() as connection:
        counts: dict[str, dict[str, int]] = {}
        query = select(outbox.c.receiver, outbox.c.state, func.count()).group_by(outbox.c.receiver, outbox.c.state)
        for name, state, count in connection.execute(query):
            counts.setdefault(name, {})[state] = count
        known = {row.name: row for row in connection.execute(select(receivers))}
    return [_standing(name, counts.get(name, {}), known.get(name)) for name in sorted({*counts, *known})]


def undelivered(ledger: Ledger, *, held_only: bool = False, most: int = 200) -> list[Message]:
    """What is held, then what was refused at least once and is tried again; oldest first. Raises Unavailable."""
    with ledger.look() as connection:
        held, again = outbox.c.state == "held", (outbox.c.state == "waiting") & (outbox.c.tries > 0)
        which = held if held_only else held | again
        query = select(outbox).where(which).order_by(outbox.c.state, outbox.c.receiver, outbox.c.seq).limit(most)
        return [_message(row) for row in connection.execute(query)]


def retry(ledger: Ledger, receiver: str | None, seq: int | None, at: datetime) -> int:
    """Try again, at once, what is held or waits for its next try, and receivers that did not answer; how many messages. Raises NotFound."""
    with ledger.change() as connection:
        which = [outbox.c.state.in_(("held", "waiting")), *_which(receiver, seq)]
        done = connection.execute(update(outbox).where(*which).values(state="waiting", tries=0, due_at=micros(at))).rowcount
        if seq is None:
            whose = [receivers.c.name == receiver] if receiver else []
            connection.execute(update(receivers).where(*whose).values(due_at=micros(at)))
    if not done and seq is not None:
        raise NotFound(f"nothing waits for {receiver} with number {seq}: adverdict changes list --undelivered shows what does")
    return done


def drop(ledger: Ledger, receiver: str, seq: int, why: str, by: str, at: datetime) -> None:
    """Let one message go, so that what waits behind it is told. Raises InvalidInput without a reason, NotFound."""
    if not why.strip():
        raise InvalidInput("the message stays:", [Mistake("why", why, "a reason: it stays with the message")])
    with ledger.change() as connection:
        which = [outbox.c.state.in_(("held", "waiting")), *_which(receiver, seq)]
        said = f"let go by {by}: {why}"[:SHOWN]
        done = connection.execute(update(outbox).where(*which).values(state="dropped", sent_at=micros(at), said=said)).rowcount
    if not done:
        raise NotFound(f"nothing waits for {receiver} with number {seq}: adverdict changes list --undelivered shows what does")


def forget(connection: Connection, receiver: str, at: datetime) -> None:
    """What was sent, or let go, long enough ago."""
    gone = (outbox.c.receiver == receiver) & outbox.c.state.in_(("sent", "dropped")) & (outbox.c.sent_at < micros(at - KEPT))
    connection.execute(delete(outbox).where(gone))


def _which(receiver: str | None, seq: int | None) -> list[ColumnElement[bool]]:
    return [*([outbox.c.receiver == receiver] if receiver else []), *([outbox.c.seq == seq] if seq is not None else [])]


def _answers(connection: Connection, receiver: str, said: str, at: datetime) -> None:
    _stand(connection, receiver, {"tries": 0, "since": None, "due_at": micros(at), "said": said[:SHOWN]})


def _stand(connection: Connection, receiver: str, values: Mapping[str, object]) -> None:
    if connection.execute(update(receivers).where(receivers.c.name == receiver).values(values)).rowcount == 0:
        connection.execute(insert(receivers).values(name=receiver, **values))


def _row(message: Message) -> Update:
    """What is no longer waiting, for it was erased or let go meanwhile, stays as it is."""
    return update(outbox).where(outbox.c.receiver == message.receiver, outbox.c.seq == message.seq, outbox.c.state == "waiting")


def _message(row: Row[Any]) -> Message:
    return Message(row.receiver, row.seq, row.about, row.body, row.tries, row.said, row.state, moment(row.due_at))


def _standing(name: str, counts: Mapping[str, int], row: Row[Any] | None) -> Standing:
    failing = row is not None and row.tries > 0
    since = moment(row.since) if row is not None and failing and row.since is not None else None
    next_try = moment(row.due_at) if row is not None and failing else None
    said = row.said if row is not None else "not told anything yet"
    return Standing(name, counts.get("waiting", 0), counts.get("held", 0), counts.get("sent", 0), since, next_try, said)
