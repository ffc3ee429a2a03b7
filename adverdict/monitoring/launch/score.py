"""What became of a launch four weeks after it opened: each claim beside what happened, or that too little was read to say."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import cast

from pydantic import JsonValue
from sqlalchemy import select

from adverdict.domain.errors import Conflict
from adverdict.domain.formats import percent
from adverdict.domain.identity import surface_key
from adverdict.ledger.bodies.launch import LaunchScored
from adverdict.ledger.entropy import hexadecimal
from adverdict.ledger.moments import micros
from adverdict.ledger.schema import contents, entries
from adverdict.ledger.schema import tasks as table
from adverdict.ledger.store import Ledger
from adverdict.monitoring.launch.record import LaunchOnRecord
from adverdict.monitoring.launch.words import WEEKS
from adverdict.review.quality.prevalence import AuditShare
from adverdict.review.quality.quality import quality

VOLUME = 1.5
"""Times as many ads a day as were stated, from which it is told: people and audits were planned for those."""
FEWEST = 50
"""Tasks that were due, before it is said whether they were in time."""


@dataclass(frozen=True)
class Happened:
    """What came of an opening. Shares are of what was due, or decided."""

    ads_per_day: float
    reviews_per_day: float
    due: int
    in_time: int
    leakage: dict[str, AuditShare | None]
    """By ``policy/market``; None: too little was audited."""


def score(ledger: Ledger, launch: LaunchOnRecord, today: date, by: str) -> LaunchScored:
    """Raises Conflict before the weeks are over, Unavailable."""
    since, until = launch.told.opens, launch.told.opens + timedelta(weeks=WEEKS)
    if today < until:
        raise Conflict(f"launch {launch.launch_id} opens on {since} and is scored from {until} on")
    return judged(launch, happened(ledger, launch, since, until), by)


def keep(ledger: Ledger, told: LaunchScored, at: datetime) -> None:
    with ledger.write() as writing:
        writing.append(f"lsc-{hexadecimal()}", told, at)


def judged(launch: LaunchOnRecord, seen: Happened, by: str) -> LaunchScored:
    """A claim is broken where the whole interval says so, and unknown where it does not say that it holds."""
    told, broke, unknown = launch.told, list[str](), list[str]()
    claims = cast("dict[str, object]", told.claims)
    promised = cast("dict[str, float]", claims.get("leakage", {}))
    for name, limit in promised.items():
        share = seen.leakage.get(name)
        if share is None or (share.low <= limit < share.high and share.value <= limit):
            unknown.append(
                f"leakage of {name}: {'too little was audited' if share is None else _said(share)}, at most {percent(limit)} may"
            )
        elif share.low > limit:
            broke.append(f"leakage of {name}: {_said(share)}, where at most {percent(limit)} may")
        elif share.value > limit:
            unknown.append(f"leakage of {name}: {_said(share)}, at most {percent(limit)} may")
    if "in_time" in claims:
        wanted = cast(float, claims["in_time"])
        if seen.due < FEWEST:
            unknown.append(f"reviews in time: {seen.due:,} were due")
        elif seen.in_time < wanted * seen.due:
            broke.append(f"reviews in time: {seen.in_time:,} of {seen.due:,}, where {percent(wanted)} were claimed")
    if seen.ads_per_day > VOLUME * told.ads_per_day:
        broke.append(f"{seen.ads_per_day:,.0f} ads a day came, where {told.ads_per_day:,.0f} were stated")
    figures: dict[str, JsonValue] = {
        "ads_per_day": seen.ads_per_day,
        "reviews_per_day": seen.reviews_per_day,
        "due": seen.due,
        "in_time": seen.in_time,
        "leakage": {name: [one.value, one.low, one.high, one.audited] if one else None for name, one in seen.leakage.items()},
    }
    since, until = told.opens, told.opens + timedelta(weeks=WEEKS)
    return LaunchScored(
        launch=launch.launch_id, since=since, until=until, broke=tuple(broke), unknown=tuple(unknown), figures=figures, by=by
    )


def happened(ledger: Ledger, launch: LaunchOnRecord, since: date, until: date) -> Happened:
    """Of what was decided in its markets meanwhile; of a surface, there alone. Leakage is of the whole market: certificates are."""
    told = launch.told
    begin, end = (datetime.combine(day, time(), UTC) for day in (since, until))
    days = (until - since).days
    query = select(contents.c.verdict, contents.c.surface).join(entries, entries.c.seq == contents.c.seq)
    query = query.where(contents.c.submission.is_not(None), contents.c.market.in_(told.markets))
    query = query.where(entries.c.at >= micros(begin), entries.c.at < micros(end))
    asked = select(table.c.due_at, table.c.closed_at).where(
        table.c.market.in_(told.markets), table.c.kind == "review", table.c.state != "withdrawn"
    )
    asked = asked.where(table.c.opened_at >= micros(begin), table.c.due_at < micros(end))
    with ledger.look() as connection:
        made = [
            row.verdict for row in connection.execute(query) if told.what != "surface" or surface_key(row.surface) == surface_key(told.name)
        ]
        due = connection.execute(asked).all()
    report = quality(ledger, begin, end, by_market=True)
    leakage = {f"{one.policy}/{one.market}": one.leakage for one in report.markets if one.market in told.markets}
    in_time = sum(row.closed_at is not None and row.closed_at <= row.due_at for row in due)
    return Happened(len(made) / days, sum(one == "review" for one in made) / days, len(due), in_time, leakage)


def _said(share: AuditShare) -> str:
    return f"{percent(share.value)} ({percent(share.low)} to {percent(share.high)}) of {share.audited:,} audited"
