"""Changes of what stands about ads, in the order in which they are told. ``delivery.following`` makes them of the chain's entries.

An erasure alone is told by the transaction that erases: afterwards nothing on record says which ads they were. What had been kept for
telling about such an ad goes with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection, delete, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from adverdict.domain.ad import Id, Market, PolicyName, Utc
from adverdict.domain.verdict import Verdict
from adverdict.ledger.moments import micros
from adverdict.ledger.schema import changes, contents, outbox, projections

NAME = "changes"
"""Row of ``projections``: the last entry of which changes were made. Whoever adds changes holds it, so that their numbers have no gap."""
LAST = "changes-last"
"""The same: the number of the last change."""
ERASURE = "erasure"
PART = 500
"""Ids in one statement."""


class Change(BaseModel):
    """What stands about an ad since an entry, and what stood before."""

    model_config = ConfigDict(frozen=True)

    seq: int = Field(ge=1, description="its place among all changes, 1, 2, 3 …: of one ad, the last one counts")
    entry: int = Field(ge=1, description="place in the ledger's chain of what changed it")
    change: str = Field(
        description="what changed it: review, audit, appeal, copy (carried over from what people made of one), unwinding (what they had "
        "made of it was taken back), rescoring, repair, withdrawal (of a rescoring), erasure; others may come"
    )
    at: Utc
    ad_id: Id
    advertiser_id: Id | None = Field(default=None, description="null: it was erased")
    market: Market | None = None
    submitted_at: Utc | None = Field(default=None, description="of the ad: which version of it")
    decision_id: str | None = Field(default=None, description="what stands now: GET /v1/decisions/ID says why; null: nothing stands")
    before: Verdict | None = Field(description="null: nothing stood, or what did was erased")
    verdict: Verdict | None = Field(description="null: nothing stands any more, and the ad is to be asked about anew")
    by: str | None = Field(default=None, description="model or person; null: nothing stands")
    violated: tuple[PolicyName, ...] = Field(default=(), description="policies that people found violated, where people changed it")


def add(connection: Connection, new: Sequence[Mapping[str, Any]], cursor: int | None = None) -> int:
    """Number changes, given without ``seq``, and keep them; how many. The caller holds the row of ``NAME`` (see ``hold``), which moves to
    ``cursor``."""
    last = _last(connection)
    rows = []
    for number, told in enumerate(new, last + 1):
        change = Change(seq=number, **told)
        rows.append(
            {"seq": number, "entry": change.entry, "ad_id": change.ad_id, "at": micros(change.at), "body": change.model_dump_json()}
        )
    if rows:
        connection.execute(insert(changes), rows)
        remember(connection, LAST, rows[-1]["seq"])  # type: ignore[arg-type]
    if cursor is not None:
        remember(connection, NAME, cursor)
    return len(rows)


def about(ad_id: str) -> str:
    """How the outbox names an ad, which no alarm is named."""
    return f"ad {ad_id}"


def hold(connection: Connection) -> int | None:
    """Hold the row by which changes are numbered; up to which entry they were made. None: nobody has begun."""
    row = select(projections.c.seq).where(projections.c.name == NAME).with_for_update()
    return connection.execute(row).scalar_one_or_none()


def begin(connection: Connection, at_entry: int) -> None:
    """Nothing of the past is told."""
    remember(connection, NAME, at_entry)


def erased(connection: Connection, ads: Iterable[str], entry: int, at: datetime) -> int:
    """Forget what was kept about ads that are on record no more, and tell that they were erased; how many. In the transaction that has
    erased them. Nothing is told where nobody has begun to tell."""
    if hold(connection) is None:
        return 0
    gone = no_more_on_record(connection, ads)
    for start in range(0, len(gone), PART):
        some = gone[start : start + PART]
        connection.execute(delete(changes).where(changes.c.ad_id.in_(some)))
        connection.execute(delete(outbox).where(outbox.c.about.in_([about(ad) for ad in some])))
    told = [{"entry": entry, "change": ERASURE, "at": at, "ad_id": ad, "before": None, "verdict": None} for ad in gone]
    return add(connection, told)


def changes_after(connection: Connection, after: int, limit: int) -> list[Change]:
    """The next ones, in order."""
    query = select(changes.c.body).where(changes.c.seq > after).order_by(changes.c.seq).limit(limit)
    return [Change.model_validate_json(body) for body in connection.scalars(query)]


def span(connection: Connection) -> tuple[int, int]:
    """The first change that is kept, and the last there was; (1, 0) where there was none. The first is one more than the last where none is
    kept."""
    last = _last(connection)
    first = connection.execute(select(func.min(changes.c.seq))).scalar()
    return (last + 1 if first is None else first), last


def forget(connection: Connection, before: datetime) -> int:
    """Changes that were kept long enough; how many."""
    return connection.execute(delete(changes).where(changes.c.at < micros(before))).rowcount


def no_more_on_record(connection: Connection, wanted: Iterable[str]) -> list[str]:
    """Ads about which no decision is on record."""
    ads, left = sorted(set(wanted)), set[str]()
    for start in range(0, len(ads), PART):
        some = ads[start : start + PART]
        query = select(contents.c.ad_id).where(contents.c.ad_id.in_(some), contents.c.submitted_at.is_not(None)).distinct()
        left.update(connection.scalars(query))
    return [ad for ad in ads if ad not in left]


def _last(connection: Connection) -> int:
    """The number of the last change there was. Rows go when they are old, or with an erased ad; no number is given twice."""
    return connection.execute(select(projections.c.seq).where(projections.c.name == LAST)).scalar_one_or_none() or 0


def remember(connection: Connection, name: str, seq: int) -> None:
    """Move a row of ``projections``, which the caller holds or alone writes."""
    if connection.execute(update(projections).where(projections.c.name == name).values(seq=seq)).rowcount == 0:
        adding = (postgresql if connection.dialect.name == "postgresql" else sqlite).insert(projections)
        connection.execute(adding.values(name=name, seq=seq).on_conflict_do_nothing())
