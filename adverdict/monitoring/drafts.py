"""Drafts that advertisers have checked before they submit: how many they may, what is told of one, and what is kept to notice probing.

What is told is coarse: which rules, and which words of the draft meet them; no risk, no threshold, no verdict. From where on a rule counts
as met lies below what is approved, by an amount that differs by advertiser, rule and week and that nobody outside can know: a draft of
which nothing is told mostly passes, and the edge of what passes cannot be read off.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b

from sqlalchemy import Connection, func, insert, select

from adverdict.decisions.policy import PolicyBook
from adverdict.domain.ad import Ad
from adverdict.domain.decision import Decision, Reason
from adverdict.ledger.entropy import hexadecimal
from adverdict.ledger.moments import micros, moment
from adverdict.ledger.schema import probes
from adverdict.ledger.store import Ledger
from adverdict.monitoring.probing import level_of, words_of

AN_HOUR, A_DAY = 20, 60
"""Checks of an advertiser."""
LOWEST = 0.5
"""Of ``approve_below``, the lowest risk from which a rule may count as met."""
UNSOLVED = 0.3
"""Risk from which a rule counts as met where no threshold is in use: then people read every ad."""
WORDS, SHORTEST = 3, 3
"""Told of one rule, and characters of each: what is shorter moves a risk in a text and says nothing by itself."""


@dataclass(frozen=True)
class Room:
    """How many checks an advertiser has left."""

    left: int
    again: datetime | None = None
    """When there is one again; None: there is one now."""


@dataclass(frozen=True)
class Met:
    """A rule that a draft meets."""

    policy: str
    rule: str
    words: tuple[str, ...]


def room(connection: Connection, advertiser: str, at: datetime) -> Room:
    """As of now."""
    free, waits = [], []
    for limit, span in ((AN_HOUR, timedelta(hours=1)), (A_DAY, timedelta(days=1))):
        its = (probes.c.advertiser_id == advertiser) & (probes.c.at > micros(at - span))
        count = connection.execute(select(func.count()).where(its)).scalar_one()
        free.append(limit - count)
        if count >= limit:
            query = select(probes.c.at).where(its).order_by(probes.c.at).offset(count - limit).limit(1)
            waits.append(moment(connection.execute(query).scalar_one()) + span)
    return Room(max(0, min(free)), max(waits, default=None))


def keep(ledger: Ledger, ad: Ad, decision: Decision, secret: bytes, at: datetime) -> None:
    """That it was checked: hashes of its words, and how near it was to what is stopped. Raises Unavailable."""
    row = {
        "probe_id": f"prb-{hexadecimal()}",
        "advertiser_id": ad.advertiser_id,
        "at": micros(at),
        "words": json.dumps(sorted(words_of(ad, secret))),
        "level": level_of(decision),
    }
    with ledger.change() as connection:
        connection.execute(insert(probes).values(row))


def rules_met(decision: Decision, ad: Ad, book: PolicyBook, secret: bytes, at: datetime) -> list[Met]:
    """By what would have been decided, in the order of the policies."""
    rules = {one.name: one.reason for one in book.in_force(ad.market, ad.surface)}
    found = []
    for one in decision.policies:
        if one.risk is None or one.policy not in rules:
            continue
        edge = UNSOLVED if not one.approve_below else one.approve_below
        if one.risk.p >= edge * _share(ad.advertiser_id, one.policy, secret, at):
            found.append(Met(one.policy, rules[one.policy], _words(decision.reasons, one.policy)))
    return found


def _share(advertiser: str, policy: str, secret: bytes, at: datetime) -> float:
    """In [``LOWEST``, 1): the same for a week, so that asking again tells nothing."""
    year, week, _ = at.isocalendar()
    digest = blake2b(json.dumps([advertiser, policy, year, week]).encode(), digest_size=8, key=secret[:32]).digest()
    return LOWEST + (1 - LOWEST) * (int.from_bytes(digest) / 2**64)


def _words(reasons: Sequence[Reason], policy: str) -> tuple[str, ...]:
    phrases = [one for one in reasons if one.policy == policy and one.kind == "phrase" and one.effect > 0 and len(one.signal) >= SHORTEST]
    phrases.sort(key=lambda one: -one.effect)
    return tuple(dict.fromkeys(one.signal for one in phrases))[:WORDS]


def seconds(until: datetime, at: datetime) -> int:
    return max(1, math.ceil((until - at).total_seconds()))
