"""What is on record of ads' creatives: which are wanted, what became of fetching them, and the pictures.

Only what people look at is fetched: ads with a task, golden items, and a decision somebody opens.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import ColumnElement, Connection, exists, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from adverdict.creatives.making import Creative
from adverdict.domain.ad import Ad
from adverdict.ledger.chain import plain_json
from adverdict.ledger.moments import micros, moment
from adverdict.ledger.schema import contents, creative_frames, creative_uses, creatives, entries, golden, tasks
from adverdict.ledger.store import Ledger

FRESH = timedelta(hours=24)
"""So long what lies at an address passes for the same: then it is fetched again, for the ads that come from then on."""
WAITS = (timedelta(minutes=1), timedelta(minutes=10), timedelta(hours=1), timedelta(hours=6))
"""After each try that failed in a way that may pass."""
LONGEST = 480
"""Characters of what is said to a reviewer."""
BATCH = 500
UNFINISHED = ("open", "leased")

State = Literal["none", "waiting", "kept", "refused"]


@dataclass(frozen=True)
class Shot:
    """One of the pictures kept of a creative."""

    number: int
    at: float | None
    """Seconds from the beginning."""


@dataclass(frozen=True)
class Kept:
    """What can be said of an ad's creative. ``content`` and what follows only where the state is ``kept``."""

    state: State
    said: str = ""
    """Why there is no picture (yet)."""
    content: str = ""
    kind: str = ""
    width: int = 0
    height: int = 0
    seconds: float | None = None
    told: str = ""
    text: str | None = None
    read_by: str = ""
    phash: str | None = None
    fetched_at: datetime | None = None
    shots: tuple[Shot, ...] = ()


@dataclass(frozen=True)
class Wanted:
    """An address that is to be fetched. ``tries``: so often it was tried."""

    uri: str
    tries: int


def address_of(uri: str) -> bytes:
    return hashlib.sha256(uri.encode()).digest()


def note(ledger: Ledger, now: datetime) -> int:
    """Note what the ads of tasks and golden items that nobody has looked at yet show; how many were looked at."""
    with ledger.look() as connection:
        noted = exists().where(creative_uses.c.about == tasks.c.about)
        asked = select(tasks.c.about).where(tasks.c.state.in_(UNFINISHED), tasks.c.kind != "golden", ~noted)
        abouts = list(connection.scalars(asked.distinct().limit(BATCH)))
        query = select(entries.c.entry_id, contents.c.body).join(contents, contents.c.seq == entries.c.seq)
        bodies = connection.execute(query.where(entries.c.entry_id.in_(abouts), entries.c.kind == "decision")).all()
        found = [(str(row.entry_id), _uri(plain_json(row.body)["ad"])) for row in bodies]  # type: ignore[index]  # what DecisionMade wrote
        items = connection.execute(
            select(golden.c.golden_id, golden.c.ad).where(~exists().where(creative_uses.c.about == golden.c.golden_id)).limit(BATCH)
        ).all()
        found += [(str(row.golden_id), _uri(json.loads(row.ad))) for row in items]
    if found:
        with ledger.write() as writing:
            want(writing.connection, found, now)
    return len(found)


def want(connection: Connection, found: Sequence[tuple[str, str | None]], now: datetime) -> None:
    """Have the creatives of these ads fetched (each with its address; None: it has none), unless they were lately or are noted already.

    In a transaction that holds the chain's end: an ad that is being erased must not be noted again.
    """
    there = {*_present(connection, [about for about, _ in found])}
    lately = _lately(connection, [uri for _, uri in found if uri], now)
    rows = []
    for about, uri in found:
        if about not in there:
            continue
        fresh: dict[str, object] = {"about": about, "uri": uri, "address": uri and address_of(uri), "tries": 0, "said": ""}
        fresh |= {"state": "waiting" if uri else "none", "due_at": micros(now) if uri else None, "content": None, "fetched_at": None}
        rows.append({**fresh, **(lately.get(uri, {}) if uri else {})})
    if rows:
        added = (postgresql if connection.dialect.name == "postgresql" else sqlite).insert(creative_uses)
        connection.execute(added.on_conflict_do_nothing(), rows)


def want_again(connection: Connection, now: datetime) -> int:
    """Try all that were refused once more, as after a change of the settings; how many."""
    values = {"state": "waiting", "tries": 0, "due_at": micros(now), "said": ""}
    return connection.execute(update(creative_uses).where(creative_uses.c.state == "refused").values(values)).rowcount


def due(connection: Connection, now: datetime, most: int) -> list[Wanted]:
    """Addresses to be fetched now, those first that people are waiting for."""
    waiting = (creative_uses.c.state == "waiting") & (creative_uses.c.due_at <= micros(now))
    asked = select(tasks.c.about).where(tasks.c.about == creative_uses.c.about, tasks.c.state.in_(UNFINISHED)).exists()
    query = select(creative_uses.c.uri, creative_uses.c.tries).where(waiting).order_by(asked.desc(), creative_uses.c.due_at).limit(most)
    found = {str(row.uri): row.tries for row in connection.execute(query)}
    return [Wanted(uri, tries) for uri, tries in found.items()]


def keep(ledger: Ledger, uri: str, content: str, made: Creative, now: datetime) -> bool:
    """Keep the pictures for all ads that wait for this address; whether they are new: kept before they stay, and an ad erased meanwhile
    waits for none."""
    with ledger.write() as writing:  # holds the chain's end: nothing is erased meanwhile
        connection = writing.connection
        values = {"state": "kept", "content": content, "fetched_at": micros(now), "due_at": None, "said": ""}
        if connection.execute(update(creative_uses).where(_waiting(uri)).values(values)).rowcount == 0:
            return False
        if connection.execute(select(creatives.c.content).where(creatives.c.content == content)).first() is not None:
            return False
        _add(connection, content, made, now)
    return True


def add_text(ledger: Ledger, content: str, made: Creative) -> None:
    """What a machine has read in pictures that are kept, if they still are."""
    values = {"ocr_text": made.text, "read_by": made.read_by[:40], "phash": made.phash}
    with ledger.change() as connection:
        connection.execute(update(creatives).where(creatives.c.content == content).values(values))


def give_up(ledger: Ledger, uri: str, why: str) -> None:
    """It is not fetched, for a reason that stays."""
    with ledger.change() as connection:
        values = {"state": "refused", "said": why[:LONGEST], "due_at": None}
        connection.execute(update(creative_uses).where(_waiting(uri)).values(values))


def put_off(ledger: Ledger, wanted: Wanted, why: str, now: datetime) -> None:
    """It may work later; after the last try it is given up."""
    if wanted.tries >= len(WAITS):
        give_up(ledger, wanted.uri, f"{why}; tried {wanted.tries + 1} times")
        return
    with ledger.change() as connection:
        values = {"tries": wanted.tries + 1, "due_at": micros(now + WAITS[wanted.tries]), "said": why[:LONGEST]}
        connection.execute(update(creative_uses).where(_waiting(wanted.uri)).values(values))


def kept(connection: Connection, about: str) -> Kept | None:
    """What is known of the creative of an ad on record (by its decision, or golden item); None: nobody has asked for it."""
    query = select(creative_uses, creatives.c.kind, creatives.c.width, creatives.c.height, creatives.c.seconds, creatives.c.told)
    query = query.add_columns(creatives.c.ocr_text, creatives.c.read_by, creatives.c.phash)
    joined = query.outerjoin(creatives, creatives.c.content == creative_uses.c.content).where(creative_uses.c.about == about)
    row = connection.execute(joined).one_or_none()
    if row is None:
        return None
    if row.state != "kept" or row.kind is None:
        return Kept("waiting" if row.state == "kept" else row.state, row.said)
    shots = select(creative_frames.c.number, creative_frames.c.at).where(creative_frames.c.content == row.content)
    found = tuple(Shot(*one) for one in connection.execute(shots.order_by(creative_frames.c.number)))
    about_it = (row.content, row.kind, row.width, row.height, row.seconds, row.told, row.ocr_text, row.read_by, row.phash)
    return Kept("kept", "", *about_it, moment(row.fetched_at), found)


def frame(connection: Connection, content: str, number: int) -> bytes | None:
    """A picture; None: there is none."""
    query = select(creative_frames.c.body).where(creative_frames.c.content == content, creative_frames.c.number == number)
    body = connection.execute(query).scalar_one_or_none()
    return None if body is None else bytes(body)


def counted(connection: Connection) -> dict[str, int]:
    """How many ads are in which state, how many files there are pictures of, and their bytes."""
    states = connection.execute(select(creative_uses.c.state, func.count()).group_by(creative_uses.c.state)).all()
    files = connection.execute(select(func.count()).select_from(creatives)).scalar_one()
    size = connection.execute(select(func.sum(func.length(creative_frames.c.body)))).scalar_one() or 0
    return {**dict.fromkeys(("none", "waiting", "kept", "refused"), 0), **{row[0]: row[1] for row in states}, "files": files, "bytes": size}


def refusals(connection: Connection, most: int) -> list[tuple[str, int]]:
    """Why creatives were refused, the commonest first, and how many ads it concerns."""
    query = select(creative_uses.c.said, func.count()).where(creative_uses.c.state == "refused").group_by(creative_uses.c.said)
    return [(row[0], row[1]) for row in connection.execute(query.order_by(func.count().desc(), creative_uses.c.said).limit(most))]


def _add(connection: Connection, content: str, made: Creative, now: datetime) -> None:
    values = {"content": content, "kind": made.kind, "width": made.width, "height": made.height, "seconds": made.seconds}
    values |= {
        "told": made.told[:LONGEST],
        "ocr_text": made.text,
        "read_by": made.read_by[:40],
        "phash": made.phash,
        "made_at": micros(now),
    }
    connection.execute(insert(creatives).values(values))
    shots = [{"content": content, "number": number, "at": one.at, "body": one.body} for number, one in enumerate(made.frames)]
    connection.execute(insert(creative_frames), shots)


def _present(connection: Connection, abouts: Sequence[str]) -> list[str]:
    """Those of them that are on record still."""
    decisions = select(contents.c.about).where(contents.c.about.in_(abouts)).distinct()
    items = select(golden.c.golden_id).where(golden.c.golden_id.in_(abouts))
    return [*connection.scalars(decisions), *connection.scalars(items)]


def _lately(connection: Connection, uris: Sequence[str], now: datetime) -> dict[str, dict[str, object]]:
    """What lies at addresses that were fetched a short while ago."""
    query = select(creative_uses.c.uri, creative_uses.c.content, creative_uses.c.fetched_at).where(creative_uses.c.state == "kept")
    query = query.where(creative_uses.c.address.in_([address_of(uri) for uri in uris]), creative_uses.c.fetched_at > micros(now - FRESH))
    return {
        row.uri: {"state": "kept", "content": row.content, "fetched_at": row.fetched_at, "due_at": None}
        for row in connection.execute(query.order_by(creative_uses.c.fetched_at))
    }


def _waiting(uri: str) -> ColumnElement[bool]:
    return (creative_uses.c.address == address_of(uri)) & (creative_uses.c.state == "waiting")


def uri_of(ad: Ad) -> str | None:
    """Where an ad says its creative lies; None: it does not say, or says what no database keeps."""
    return _uri({"creative_uri": ad.creative_uri})


def _uri(ad: dict[str, object]) -> str | None:
    told = str(ad.get("creative_uri") or "").strip()
    return told if told and "\0" not in told else None
