"""The clusters of copies, kept up to date from within the service: one worker at a time writes what it finds."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from adverdict.clusters.follower import ClusterFollower
from adverdict.ledger.entropy import hexadecimal
from adverdict.ledger.leases import lease
from adverdict.ledger.store import Ledger, now
from adverdict.serving.worker.periodic import EVERY, PeriodicWatch

WORK = "clusters"
HELD = 3 * EVERY


class ClusterWatch(PeriodicWatch):
    """Follows the ledger every minute. In memory it has about 1 KiB an ad, in the worker that holds the lease."""

    def __init__(self, ledger: Ledger, clock: Callable[[], datetime] = now) -> None:
        super().__init__("clusters", "the clusters of copies could not be followed")
        self._ledger, self._clock, self._holder = ledger, clock, hexadecimal()
        self._follower: ClusterFollower | None = None

    def look(self) -> bool:
        """One look, unless another worker does it; whether there was one. Raises Unavailable."""
        with self._ledger.change() as connection:
            held = lease(connection, WORK, self._holder, self._clock(), HELD)
        if not held:
            self._follower = None
            return False
        self._follower = (self._follower or ClusterFollower(self._ledger)).catch_up()
        return True
