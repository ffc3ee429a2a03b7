"""The certificates in service, watched: one worker at a time looks at their audits, revokes what these speak against, tells the rest."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from adverdict.certification.certificate import Certificate
from adverdict.domain.errors import Unavailable
from adverdict.ledger.entropy import hexadecimal
from adverdict.ledger.leases import lease
from adverdict.ledger.store import Ledger, now
from adverdict.review.quality.standing import CertificateStanding
from adverdict.review.quality.watching import AuditLog, watch

log = logging.getLogger("adverdict.evidence")

WORK = "certificates"
EVERY = timedelta(minutes=1)
HELD = 3 * EVERY
"""So that who holds the lease keeps it from one look to the next, and who stops is soon replaced."""


class EvidenceWatch:
    """``certificates``: those in service now. ``tell`` hears how they stand after each look of this worker's."""

    def __init__(
        self,
        ledger: Ledger,
        certificates: Callable[[], Sequence[Certificate]],
        tell: Callable[[Sequence[CertificateStanding]], None],
        clock: Callable[[], datetime] = now,
    ) -> None:
        self._ledger = ledger
        self._certificates = certificates
        self._tell = tell
        self._clock = clock
        self._holder = hexadecimal()
        self._log = AuditLog()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="evidence", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Ask the thread to end, and wait a little."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout=2.0)

    def look(self) -> bool:
        """One look, unless another worker does it; whether there was one. Called by the thread. Raises Unavailable."""
        certificates = self._certificates()
        if not certificates:
            return False
        with self._ledger.change() as connection:
            if not lease(connection, WORK, self._holder, self._clock(), HELD):
                return False
        self._tell(watch(self._ledger, certificates, self._log, self._clock))
        return True

    def _run(self) -> None:
        while not self._stop.wait(EVERY.total_seconds()):
            try:
                self.look()
            except Unavailable as error:
                log.warning("%s", error)
            except Exception:
                # The thread's last line of defence: if it died, nothing would be revoked any more.
                log.exception("the certificates could not be watched; the next look is in %s s", EVERY.total_seconds())
