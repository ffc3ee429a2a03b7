"""The secret by which ads are drawn for the audit stream: made once, kept beside the chain for replays, told to nobody.

Whoever knows it can tell which ads will be audited. It names no ad and no advertiser, so erasing leaves it where it is.
"""

from __future__ import annotations

import os
from datetime import datetime

from adverdict.decisions.audit import KEYED, SECRET_BYTES
from adverdict.domain.errors import NotFound
from adverdict.ledger.store import Ledger

_KIND = "audit"


def make_audit_secret(ledger: Ledger, at: datetime) -> bytes:
    """The ledger's, made if it has none: of several who make one at once, one wins. Raises Unavailable."""
    ledger.keep(_KIND, KEYED, lambda: os.urandom(SECRET_BYTES), at)
    return ledger.recall(_KIND, KEYED)


def audit_secret(ledger: Ledger) -> bytes | None:
    """The ledger's; None: it has none, as nothing was decided with it since there are any. Raises Unavailable."""
    try:
        return ledger.recall(_KIND, KEYED)
    except NotFound:
        return None
