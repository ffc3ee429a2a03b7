"""The clusters of copies, kept up to date from within the service, and verdicts carried to copies: by one worker at a time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from adverdict.clusters.follower import ClusterFollower
from adverdict.ledger.entropy import hexadecimal
from adverdict.ledger.leases import lease
from adverdict.ledger.store import Ledger, now
from adverdict.review.carrying.carry import carry
from adverdict.review.carrying.certifying import watch_carrying
from adverdict.serving.worker.periodic import EVERY, PeriodicWatch

WORK, BY = "clusters", "copies"
HELD = 3 * EVERY
JUDGED_EVERY = timedelta(hours=1)
"""Between looks at what was read blind since a certificate began: each takes about 10 ms a review."""


class ClusterWatch(PeriodicWatch):
    """Follows the ledger every minute, ends certificates that errors speak against, and carries what is certified.

    In memory it has about 1 KiB an ad, in the worker that holds the lease.
    """

    def __init__(self, ledger: Ledger, clock: Callable[[], datetime] = now) -> None:
        super().__init__("clusters", "the clusters of copies could not be followed")
        self._ledger, self._clock, self._holder = ledger, clock, hexadecimal()
        self._follower: ClusterFollower | None = None
        self._judged: datetime | None = None

    def look(self) -> bool:
        """One look, unless another worker does it; whether there was one. Raises Unavailable."""
        with self._ledger.change() as connection:
            held = lease(connection, WORK, self._holder, self._clock(), HELD)
        if not held:
            self._follower = None
            return False
        self._follower = (self._follower or ClusterFollower(self._ledger)).catch_up()
        if self._judged is None or self._clock() - self._judged >= JUDGED_EVERY:
            watch_carrying(self._ledger, BY, self._clock)
            self._judged = self._clock()
        carry(self._ledger, self._clock)
        return True
