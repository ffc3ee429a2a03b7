"""What needs somebody: sentences, the most urgent first, each with where to go."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import Connection, func, select

from adverdict.decisions.markets import market_name
from adverdict.domain.formats import counted
from adverdict.ledger.entries import DecisionMade
from adverdict.ledger.in_force.alarms import Alarm
from adverdict.ledger.moments import micros
from adverdict.ledger.schema import contents, entries
from adverdict.rollout.ways import Way
from adverdict.serving.console.decisions.listing import first_after
from adverdict.serving.console.today.promised import Leakage
from adverdict.serving.console.today.waiting import Waiting
from adverdict.serving.console.words import between, missing, named, percent, span

PATH = "/console"
SOON = timedelta(days=7)
FEW = 0.05
"""Share of waiting tasks that repeat a creative below which it is not worth saying."""
Urgency = Literal["act", "look", "know"]
SIGNS: Mapping[Urgency, str] = {"act": "✕", "look": "!", "know": "i"}


@dataclass(frozen=True)
class Need:
    """``what`` is bold; ``link`` leads to ``href``."""

    urgency: Urgency
    what: str
    told: str
    link: str
    href: str

    @property
    def sign(self) -> str:
        return SIGNS[self.urgency]


@dataclass(frozen=True)
class Known:
    """All that is looked at."""

    now: datetime
    waiting: Waiting
    alarms: Sequence[Alarm]
    leakages: Sequence[Leakage]
    ways: Sequence[Way]
    ends: Sequence[datetime]
    """Of certificates in use."""
    strangers: Mapping[str, int]
    """Market without policies -> ads in the last week."""
    degraded: Sequence[str]
    """Of the service."""
    titles: Mapping[str, str]


def strangers(connection: Connection, known: Sequence[str], now: datetime) -> dict[str, int]:
    """Markets that no policy file tells of, with their ads of the last week, most first."""
    since = micros(now - SOON)
    query = select(contents.c.market, func.count().label("ads")).join(contents, contents.c.seq == entries.c.seq)
    query = query.where(entries.c.kind == DecisionMade.kind, entries.c.seq >= first_after(connection, since))
    rows = connection.execute(query.group_by(contents.c.market)).all()
    return {row.market: row.ads for row in sorted(rows, key=lambda row: -row.ads) if row.market not in known}


def needs(known: Known) -> tuple[Need, ...]:
    order: tuple[Urgency, ...] = ("act", "look", "know")
    return tuple(sorted(_all(known), key=lambda one: order.index(one.urgency)))


def _all(known: Known) -> Iterator[Need]:
    for cause in missing(known.degraded):
        yield Need("act", "The service is short of something:", cause, "see", f"{PATH}/models")
    for one in known.alarms:
        yield Need("act", f"Alarm: {_title(known, one.told.policy)}.", one.told.says, "look", f"{PATH}/alarms/{one.alarm_id}")
    yield from _missed(known)
    yield from _late(known)
    if known.strangers:
        first = ", ".join(f"{market_name(market)} {ads:,}" for market, ads in list(known.strangers.items())[:3])
        more = f" and {len(known.strangers) - 3} more" if len(known.strangers) > 3 else ""
        ads = sum(known.strangers.values())
        where = counted(len(known.strangers), "market")
        yield Need(
            "look",
            f"{counted(ads, 'ad')} in {where} without policies",
            f"({first}{more}) in a week: people read every one of them",
            "see",
            f"{PATH}/decisions?market={next(iter(known.strangers))}",
        )
    waiting = known.waiting
    if waiting.tasks and waiting.repeats > FEW * waiting.tasks:
        yield Need(
            "look",
            f"{waiting.repeats:,} of {counted(waiting.tasks, 'task')}",
            "repeat a creative that waits elsewhere, too",
            "see",
            f"{PATH}/queues",
        )
    yield from _certificates(known)


def _missed(known: Known) -> Iterator[Need]:
    for one in known.leakages:
        if one.value is None:
            continue
        interval = between(one.low, one.high)
        if one.state == "missed":
            said = f"{percent(one.value)} ({interval}) of the approved violate; the target is {percent(one.target)}"
            yield Need("act", f"{_title(known, one.policy)}:", said, "look", f"{PATH}/quality")
        elif one.state == "open" and one.value > one.target:
            said = f"leakage may exceed its target of {percent(one.target)} ({interval})"
            yield Need("look", f"{_title(known, one.policy)}:", said, "look", f"{PATH}/quality")


def _late(known: Known) -> Iterator[Need]:
    waiting = known.waiting
    if not waiting.late or waiting.oldest is None:
        return
    oldest = waiting.oldest
    age = span(known.now - oldest.opened_at)
    whose = "its" if waiting.late == 1 else "their"
    told = f"past the deadline of {whose} kind; the oldest waits {age}, {named(oldest.kind)} in {market_name(oldest.market)}"
    yield Need("act", counted(waiting.late, "task"), told, "see", f"{PATH}/decisions/{oldest.about}")


def _certificates(known: Known) -> Iterator[Need]:
    over = sum(end <= known.now for end in known.ends)
    soon = sum(known.now < end < known.now + SOON for end in known.ends)
    if over:
        yield Need("look", counted(over, "threshold"), "in use by a certificate that has expired", "see", f"{PATH}/models")
    if soon:
        yield Need(
            "look",
            counted(soon, "threshold"),
            "lose their certificate within a week" if soon > 1 else "loses its certificate within a week",
            "see",
            f"{PATH}/models",
        )
    if known.ways and not any(way.certified for way in known.ways):
        nearest = next((way for way in known.ways if way.needed), None)
        told = (
            f"Nearest: {_title(known, nearest.policy)} in {nearest.nearest}, {nearest.needed - nearest.labels:,} labels more."
            if nearest
            else ""
        )
        yield Need("know", "No threshold is certified.", told, "see", f"{PATH}/models")


def _title(known: Known, policy: str) -> str:
    return known.titles.get(policy, named(policy))
