"""The certificates in service, watched: one worker at a time looks at their audits, revokes what these speak against, tells the rest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from adverdict.certification.certificate import Certificate
from adverdict.ledger.entropy import hexadecimal
from adverdict.ledger.leases import lease
from adverdict.ledger.store import Ledger, now
from adverdict.review.quality.standing import CertificateStanding
from adverdict.review.quality.watching import AuditLog, watch
from adverdict.serving.worker.periodic import EVERY, PeriodicWatch

WORK = "certificates"
HELD = 3 * EVERY
"""So that who holds the lease keeps it from one look to the next, and who stops is soon replaced."""


class EvidenceWatch(PeriodicWatch):
    """``certificates``: those in service now. ``tell`` hears how they stand after each look of this worker's."""

    def __init__(
        self,
        ledger: Ledger,
        certificates: Callable[[], Sequence[Certificate]],
        tell: Callable[[Sequence[CertificateStanding]], None],
        clock: Callable[[], datetime] = now,
    ) -> None:
        super().__init__("evidence", "the certificates could not be watched, so none is revoked")
        self._ledger = ledger
        self._certificates = certificates
        self._tell = tell
        self._clock = clock
        self._holder = hexadecimal()
        self._audits = AuditLog()

    def look(self) -> bool:
        """One look, unless another worker does it; whether there was one. Raises Unavailable."""
        certificates = self._certificates()
        if not certificates:
            return False
        with self._ledger.change() as connection:
            if not lease(connection, WORK, self._holder, self._clock(), HELD):
                return False
        self._tell(watch(self._ledger, certificates, self._audits, self._clock))
        return True
