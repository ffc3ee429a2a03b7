"""Probing, looked for on record: decisions since the last look, and drafts that were checked, in the order in which they came."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from sqlalchemy import delete, select

from adverdict.ledger.bodies.probing import ProbingNoticed
from adverdict.ledger.entries import DecisionMade
from adverdict.ledger.history import end_of
from adverdict.ledger.in_force.probing import notice
from adverdict.ledger.moments import micros, moment
from adverdict.ledger.schema import probes
from adverdict.ledger.store import Ledger, now
from adverdict.monitoring.probing import HOLD, WINDOW, Notice, ProbingDetector, Try, try_of

READ_BACK = 20_000
"""Entries that are read when somebody begins to look."""
OVERLAP = timedelta(seconds=5)
"""Drafts may be kept a little later than they say."""
BY = "monitor"


class Prober:
    """Follows one ledger. What it knows is in memory, and read back when it begins."""

    def __init__(self, ledger: Ledger, secret: bytes, clock: Callable[[], datetime] = now) -> None:
        self._ledger, self._secret, self._clock = ledger, secret, clock
        self._detector = ProbingDetector()
        self._seq: int | None = None
        self._probed = clock() - WINDOW
        self._seen: set[str] = set()

    def look(self) -> list[tuple[str, Notice]]:
        """What is noticed now, put on record; by id. Raises Unavailable."""
        with self._ledger.look() as connection:
            end = end_of(connection)
        begin = max(0, end - READ_BACK) if self._seq is None else self._seq
        tries = sorted([*self._decided(begin, end), *self._checked()], key=lambda one: one.at)
        self._seq = end
        found = []
        for one in tries:
            told = self._detector.see(one)
            if told is not None and (probing_id := self._noted(told, end)):
                found.append((probing_id, told))
        self._detector.forget(self._clock())
        return found

    def _decided(self, begin: int, end: int) -> Iterator[Try]:
        for entry in self._ledger.read(begin, end, [DecisionMade.kind]) if end > begin else ():
            made = entry.body
            if isinstance(made, DecisionMade) and made.step is None:
                yield try_of(made.decision, made.ad, self._secret)

    def _checked(self) -> Iterator[Try]:
        at = self._clock()
        with self._ledger.look() as connection:
            query = select(probes).where(probes.c.at > micros(self._probed - OVERLAP)).order_by(probes.c.at)
            last = connection.execute(query).all()
        rows, self._seen = [row for row in last if row.probe_id not in self._seen], {row.probe_id for row in last}
        self._probed = at
        for row in rows:
            yield Try(row.advertiser_id, moment(row.at), frozenset(json.loads(row.words)), row.level, row.level > 0)

    def _noted(self, told: Notice, end: int) -> str | None:
        at = self._clock()
        body = ProbingNoticed(
            advertiser_id=told.advertiser,
            until=at + HOLD,
            says=told.says,
            figures=told.figures,
            examples=told.examples,
            as_of=end,
            by=BY,
        )
        with self._ledger.write() as writing:
            return notice(writing, body, at)


def forget_probes(ledger: Ledger, at: datetime) -> int:
    """Drafts that were checked long ago; how many."""
    with ledger.change() as connection:
        return connection.execute(delete(probes).where(probes.c.at < micros(at - WINDOW))).rowcount
