"""Probing, looked for on record: decisions since the last look, and drafts that were checked, in the order in which they came; and
pictures that are others than before.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from sqlalchemy import delete, select

from adverdict.ledger.bodies.probing import ProbingNoticed
from adverdict.ledger.history import end_of
from adverdict.ledger.in_force.probing import notice
from adverdict.ledger.moments import micros, moment
from adverdict.ledger.schema import probes
from adverdict.ledger.store import Ledger, now
from adverdict.monitoring.creatives import CreativeWatch, Shown
from adverdict.monitoring.following.decided import DecidedAd, decisions_between
from adverdict.monitoring.probing import HOLD, WINDOW, Notice, ProbingDetector, Try
from adverdict.review.tasks.rechecking import Suspect

READ_BACK = 20_000
"""Entries that are read when somebody begins to look."""
OVERLAP = timedelta(seconds=5)
"""Drafts may be kept a little later than they say."""
BY = "monitor"
AT_ONCE = 20
"""Decisions that are read without a pause, which takes one or two thousandths of a second."""
Item = TypeVar("Item")


@dataclass(frozen=True)
class Found:
    """What one look has found."""

    notices: tuple[tuple[str, Notice], ...] = ()
    """With their ids."""
    changed: tuple[Suspect, ...] = ()
    """Ads whose creative is another picture now."""


class Prober:
    """Follows one ledger. What it knows is in memory, and read back when it begins.

    ``pause``: called every ``AT_ONCE`` decisions, so that others in this process, who answer ads meanwhile, need not share all of a look's
    time with it.
    """

    def __init__(
        self, ledger: Ledger, secret: bytes, clock: Callable[[], datetime] = now, pause: Callable[[], object] = lambda: None
    ) -> None:
        self._ledger, self._secret, self._clock, self._pause = ledger, secret, clock, pause
        self._detector = ProbingDetector()
        self._seq: int | None = None
        self._creatives = CreativeWatch()
        self._probed = clock() - WINDOW
        self._seen: set[str] = set()

    def look(self) -> Found:
        """What is noticed now; notices are on record. Raises Unavailable."""
        with self._ledger.look() as connection:
            end = end_of(connection)
        begin = max(0, end - READ_BACK) if self._seq is None else self._seq
        with self._ledger.look() as connection:
            written = decisions_between(connection, begin, end) if end > begin else []
        decided = [DecidedAd(seq, body) for seq, body in self._pausing(written)]
        changed, checked = self._changed(decided), list(self._checked())
        self._seq = end
        notices = []
        for told in self._noticed(decided, checked):
            if probing_id := self._noted(told, end):
                notices.append((probing_id, told))
        self._detector.forget(self._clock())
        return Found(tuple(notices), tuple(changed))

    def _noticed(self, decided: Sequence[DecidedAd], checked: Sequence[Try]) -> Iterator[Notice]:
        """In the order in which they came. Words are taken apart only of advertisers of whom something was stopped before."""
        came: list[DecidedAd | Try] = [*decided, *checked]
        for one in self._pausing(sorted(came, key=lambda one: one.at)):
            if isinstance(one, DecidedAd):
                if not one.stopped and not self._detector.watches(one.ad["advertiser_id"]):
                    continue
                one = one.as_try(self._secret)
            told = self._detector.see(one)
            if told is not None:
                yield told

    def _pausing(self, these: Sequence[Item]) -> Iterator[Item]:
        for number, one in enumerate(these, 1):
            yield one
            if number % AT_ONCE == 0:
                self._pause()

    def _changed(self, decided: Sequence[DecidedAd]) -> list[Suspect]:
        shown = [(one.seq, Shown(one.ad["ad_id"], one.ad.get("creative_id"), one.ad.get("creative_phash"))) for one in decided]
        if self._seq is None:
            for _, one in shown:
                self._creatives.remember(one)
            return []
        with self._ledger.look() as connection:
            return self._creatives.see(connection, shown)

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
