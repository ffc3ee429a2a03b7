"""A receiver that is dead for a day, by a clock that is moved: how soon after it answers again it knows everything."""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from adverdict.benchmarks.delivery.platform import START, Platform
from adverdict.benchmarks.delivery.receiver import Witness
from adverdict.delivery.channels import webhook
from adverdict.delivery.deliver import deliver
from adverdict.delivery.following import follow
from adverdict.delivery.outbox import standings
from adverdict.delivery.posting import Receiver
from adverdict.domain.progress import Progress
from adverdict.ledger.schema import changes
from adverdict.ledger.store import Ledger

EVERY = timedelta(seconds=60)
"""Between rounds."""
DAY = timedelta(days=1)
AFTER = timedelta(hours=2)
"""For which it is watched after it has come back."""
RATE = 0.35
"""Probability that something changes in a minute."""


def dead_for_a_day(url: str, seed: int, progress: Progress) -> dict[str, Any]:
    """Times in minutes of simulated time."""
    ledger, witness, draw = Ledger.open(url), Witness(), random.Random(seed)
    at, asked = START, 0
    dead = (START + timedelta(hours=1), START + timedelta(hours=1) + DAY)

    def clock() -> datetime:
        return at

    def post(_: str, __: Mapping[str, str], body: bytes) -> int:
        nonlocal asked
        if dead[0] <= at < dead[1]:
            asked += 1
            raise OSError("nobody there")
        witness.hear(body)
        return 200

    try:
        channel, platform, caught_up = webhook(Receiver("https://receiver.invalid", bytes(32)), post, clock), Platform(ledger, seed), None
        follow(ledger, clock)
        deliver(ledger, channel, clock)
        while at < dead[1] + AFTER:
            at += EVERY
            if draw.random() < RATE:
                platform.change(at)
            follow(ledger, clock)
            deliver(ledger, channel, clock)
            if at >= dead[1] and caught_up is None and not any(one.waiting for one in standings(ledger)):
                caught_up = at
            progress.advance()
        with ledger.look() as connection:
            kept = set(connection.scalars(select(changes.c.seq)))
    finally:
        ledger.close()
    return {
        "away_changes": len(kept),
        "away_lost": witness.lost(kept),
        "away_out_of_order": witness.out_of_order,
        "away_asked": asked,
        "away_minutes_to_catch_up": None if caught_up is None else (caught_up - dead[1]).total_seconds() / 60,
    }
