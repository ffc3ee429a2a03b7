"""Advertisers who try out what is approved, and creatives that became others, looked for every few seconds by one worker at a time."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from adverdict.decisions.books import HasBook, book_of
from adverdict.decisions.policy import PolicyBook
from adverdict.ledger.bodies.signals import Sign
from adverdict.ledger.entropy import hexadecimal
from adverdict.ledger.leases import lease
from adverdict.ledger.store import Ledger, now
from adverdict.monitoring.prober import BY, Prober, forget_probes
from adverdict.review.tasks.rechecking import Suspect, put_back
from adverdict.review.tasks.settings import ReviewSettings
from adverdict.serving.worker.periodic import PeriodicWatch

log = logging.getLogger("adverdict.probing")

WORK = "probing"
EVERY = timedelta(seconds=5)
HELD = timedelta(seconds=30)
SWEEP = timedelta(hours=1)
"""Between looks for drafts that were checked long ago."""


class ProbingWatch(PeriodicWatch):
    """``secret`` gives the ledger's, by which words are hashed."""

    def __init__(
        self,
        ledger: Ledger,
        secret: Callable[[], bytes],
        policies: PolicyBook | HasBook,
        settings: ReviewSettings,
        clock: Callable[[], datetime] = now,
    ) -> None:
        super().__init__("probing", "nobody looked whether what is approved is tried out", EVERY)
        self._ledger, self._secret, self._policies, self._settings, self._clock = ledger, secret, policies, settings, clock
        self._holder, self._swept = hexadecimal(), clock()
        self._prober: Prober | None = None

    def look(self) -> bool:
        """One look, unless another worker does it; whether there was one. Raises Unavailable."""
        with self._ledger.change() as connection:
            mine = lease(connection, WORK, self._holder, self._clock(), HELD)
        if not mine:
            self._prober = None  # what it knew is old when this worker's turn comes again
            return False
        if self._prober is None:
            self._prober = Prober(self._ledger, self._secret(), self._clock, self.pause)
        found = self._prober.look()
        suspects = list(found.changed)
        for probing_id, told in found.notices:
            log.warning("an advertiser tries out what is approved (%s): %s", probing_id, told.says)
            suspects += [Suspect(ad, Sign.PROBING, told.says, {"notice": probing_id}, urgency=5.0) for ad in told.passed]
        if suspects:
            self._back_in_line(suspects)
        if self._clock() - self._swept > SWEEP:
            forget_probes(self._ledger, self._clock())
            self._swept = self._clock()
        return True

    def _back_in_line(self, suspects: Sequence[Suspect]) -> None:
        """What passed meanwhile, or shows another picture now, is read by people."""
        with self._ledger.write() as writing:
            put_back(writing, suspects, book_of(self._policies), self._settings, BY, self._clock())
