"""Everything ``adverdict benchmark delivery`` measures."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from adverdict.benchmarks.delivery.away import AFTER, DAY, EVERY, dead_for_a_day
from adverdict.benchmarks.delivery.kills import sender_kills
from adverdict.benchmarks.shared.databases import fresh, postgres_server
from adverdict.domain.errors import NotFound
from adverdict.domain.progress import Progress

KILLS, QUICK_KILLS = 200, 40


def run(quick: bool, seed: int, progress: Progress) -> dict[str, Any]:
    """All figures, ready for JSON; ``postgres`` is None where there is no server to be had."""
    kills = QUICK_KILLS if quick else KILLS
    progress.stage("senders killed, SQLite", kills)
    found: dict[str, Any] = {"sqlite": sender_kills(_sqlite, kills, seed, progress), "postgres": None}
    try:
        with postgres_server() as server:
            progress.stage("senders killed, PostgreSQL", kills)
            found["postgres"] = sender_kills(lambda: fresh(server), kills, seed, progress)
    except NotFound as error:
        found["postgres_missing"] = str(error)
    progress.stage("a receiver dead for a day", int((DAY + AFTER) / EVERY) + 60)
    with _sqlite() as url:
        found |= dead_for_a_day(url, seed, progress)
    both = [one for one in (found["sqlite"], found["postgres"]) if one]
    return found | {name: sum(one[name] for one in both) for name in ("kills", "lost", "out_of_order")}


@contextmanager
def _sqlite() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="adverdict-delivery-") as folder:
        yield f"sqlite:///{Path(folder) / 'ledger.db'}"
