"""What rings, is new, or opens, told to another system: from the chain to an outbox, from there signed to a receiver until it confirms.

A message names entries, policies, markets and numbers; no text of an ad, and no free text of a person, which may quote one.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import HTTPRedirectHandler, Request, build_opener

from sqlalchemy import delete, func, insert, select, update

from adverdict.ledger.bodies.alarm import AlarmMoved, AlarmOpened
from adverdict.ledger.bodies.emerging import CaseMoved, CaseOpened
from adverdict.ledger.bodies.launch import LaunchChecked, LaunchScored
from adverdict.ledger.entries import Entry
from adverdict.ledger.history import end_of
from adverdict.ledger.moments import micros
from adverdict.ledger.schema import outbox, projections
from adverdict.ledger.store import Ledger, now

NAME = "webhook"
"""Row of ``projections``: the last entry that was put into the outbox."""
KINDS = (AlarmOpened.kind, AlarmMoved.kind, CaseOpened.kind, CaseMoved.kind, LaunchChecked.kind, LaunchScored.kind)
WAITS = (60, 300, 1800, 7200, 21_600, 43_200, 86_400)
"""Seconds to the next try, by how many failed; after the last it is given up."""
KEPT = timedelta(days=30)
"""For which what was sent stays in the outbox."""
PATIENCE = 10.0
"""Seconds for an answer."""
AT_ONCE = 50
Post = Callable[[str, Mapping[str, str], bytes], int]
"""Address, headers and body to the status of the answer. Raises OSError."""


@dataclass(frozen=True)
class Receiver:
    url: str
    secret: bytes


@dataclass(frozen=True)
class Sent:
    """What came of one round."""

    sent: int
    failed: int
    waiting: int
    """Still in the outbox."""
    given_up: int


def tell(ledger: Ledger, receiver: Receiver, post: Post | None = None, clock: Callable[[], datetime] = now) -> Sent:
    """Put what is new into the outbox, and send what is due. The first time nothing of the past is told. Raises Unavailable.

    Two who do it at once may send a message twice: its ``id`` is the same.
    """
    send = post or posted
    _fill(ledger, clock())
    done = failed = 0
    with ledger.look() as connection:
        query = select(outbox).where(outbox.c.due_at <= micros(clock())).order_by(outbox.c.seq).limit(AT_ONCE)
        due = connection.execute(query).all()
    for row in due:
        body = row.body.encode()
        try:
            status = send(receiver.url, signed(receiver.secret, body, clock()), body)
            said = f"answered {status}"
        except OSError as error:
            status, said = 0, type(error).__name__
        confirmed = 200 <= status < 300
        done, failed = done + confirmed, failed + (not confirmed)
        _note(ledger, row.seq, row.tries + 1, confirmed, said, clock())
    with ledger.look() as connection:
        waiting = connection.execute(select(func.count()).where(outbox.c.due_at.is_not(None))).scalar_one()
        given_up = connection.execute(select(func.count()).where(outbox.c.due_at.is_(None), outbox.c.sent_at.is_(None))).scalar_one()
    return Sent(done, failed, waiting, given_up)


def signed(secret: bytes, body: bytes, at: datetime) -> dict[str, str]:
    """Headers: the receiver computes HMAC-SHA256 of the time, a dot and the body with the secret, compares, and refuses what is old."""
    moment = str(int(at.timestamp()))
    digest = hmac.new(secret, moment.encode() + b"." + body, hashlib.sha256).hexdigest()
    return {"content-type": "application/json", "x-adverdict-timestamp": moment, "x-adverdict-signature": f"sha256={digest}"}


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


def posted(url: str, headers: Mapping[str, str], body: bytes) -> int:
    """Over the network, following no redirection: a signature is for one receiver."""
    request = Request(url, body, dict(headers), method="POST")  # the settings take https, and http of this machine
    try:
        with build_opener(_Nowhere).open(request, timeout=PATIENCE) as answer:
            return int(answer.status)
    except HTTPError as error:
        return error.code
    except URLError as error:
        raise OSError(str(error.reason)) from error


class _Nowhere(HTTPRedirectHandler):
    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


def _fill(ledger: Ledger, at: datetime) -> None:
    with ledger.look() as connection:
        begin = connection.execute(select(projections.c.seq).where(projections.c.name == NAME)).scalar_one_or_none()
        end = end_of(connection)
    told = [] if begin is None else [(entry.seq, message(entry)) for entry in ledger.read(begin, end, KINDS)]
    with ledger.change() as connection:
        held = select(projections.c.seq).where(projections.c.name == NAME).with_for_update()
        if connection.execute(held).scalar_one_or_none() != begin:
            return  # somebody else does it
        if begin is None:
            connection.execute(insert(projections).values(name=NAME, seq=end))
            return
        rows = [
            {"seq": seq, "body": json.dumps(one, separators=(",", ":")), "tries": 0, "due_at": micros(at), "said": "not sent yet"}
            for seq, one in told
            if one is not None
        ]
        if rows:
            connection.execute(insert(outbox), rows)
        connection.execute(update(projections).where(projections.c.name == NAME).values(seq=end))
        connection.execute(delete(outbox).where(outbox.c.sent_at < micros(at - KEPT)))


def _note(ledger: Ledger, seq: int, tries: int, confirmed: bool, said: str, at: datetime) -> None:
    again = None if confirmed or tries > len(WAITS) else micros(at + timedelta(seconds=WAITS[tries - 1]))
    with ledger.change() as connection:
        values = {"tries": tries, "due_at": again, "sent_at": micros(at) if confirmed else None, "said": said[:200]}
        connection.execute(update(outbox).where(outbox.c.seq == seq).values(values))
