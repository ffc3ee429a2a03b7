"""Changes told to others: one worker at a time follows the chain, fills the outbox and sends what is due, every few seconds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from adverdict.delivery.channels import Channel
from adverdict.delivery.deliver import deliver
from adverdict.delivery.following import follow
from adverdict.delivery.outbox import Standing, standings
from adverdict.ledger.entropy import hexadecimal
from adverdict.ledger.leases import lease
from adverdict.ledger.store import Ledger, now
from adverdict.serving.worker.periodic import PeriodicWatch

WORK = "delivery"
EVERY = timedelta(seconds=5)
HELD = timedelta(seconds=60)
"""Longer than one message may take, so that two never send at once while both live; who stops is soon replaced."""


class DeliveryWatch(PeriodicWatch):
    """``tell`` hears how every receiver stands after each round of this worker's."""

    def __init__(
        self,
        ledger: Ledger,
        channels: Sequence[Channel],
        tell: Callable[[Sequence[Standing]], None] = lambda standings: None,
        clock: Callable[[], datetime] = now,
    ) -> None:
        super().__init__("delivery", "changes could not be told", EVERY)
        self._ledger, self._channels, self._tell, self._clock = ledger, channels, tell, clock
        self._holder = hexadecimal()

    def look(self) -> bool:
        """One round, unless another worker does it; whether there was one. Raises Unavailable."""
        if not self._mine():
            return False
        follow(self._ledger, self._clock)
        for channel in self._channels:
            deliver(self._ledger, channel, self._clock, self._mine)
        if self._channels:
            self._tell(standings(self._ledger))
        return True

    def _mine(self) -> bool:
        """Whether this worker may go on: it holds the lease, and holds it for a while longer now."""
        with self._ledger.change() as connection:
            return lease(connection, WORK, self._holder, self._clock(), HELD)
