"""What scoring knows of advertisers, and of what is in force, as of one entry of the ledger."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from adverdict.clusters.names import KnownCopies
from adverdict.decisions.arms import InForce
from adverdict.decisions.steering import Steering
from adverdict.decisions.strikes import KnownStrikes
from adverdict.domain.errors import NotFound

if TYPE_CHECKING:
    from adverdict.features.history.known import History


@dataclass(frozen=True, slots=True)
class HistorySnapshot:
    """The history that scoring reads."""

    state: History | None
    """None: what the model brings."""
    seq: int | None
    """The last entry of the ledger it knows; None where no ledger told it."""
    steering: Steering = field(default_factory=Steering)
    """The brakes that are on, and the certificates revoked, as of that entry."""
    steered_seq: int | None = None
    """The entry as of which ``steering`` and ``in_force`` are instead; None: it is that one."""
    in_force: InForce = field(default_factory=InForce)
    """The set of policies in force, and the roll-outs that have arms."""
    copies: KnownCopies | None = None
    """Who knows of copies; None: nobody, and decisions name no cluster."""
    strikes: KnownStrikes | None = None
    """Who knows of advertisers' strikes, as of the entry that steers; None: nobody, and none counts."""


def known_to(ledger_url: str | None, snapshot: bytes | None, stored: Path | None = None, *, copies: bool = False) -> HistorySnapshot | None:
    """What a ledger tells of advertisers now; None where there is none. Raises Unavailable.

    ``snapshot``: what the model knows. Where nobody has decided by the ledger yet, it is what was known before the ledger's entries, as
    the service would put it on record with its first decision. ``stored``: folder of the history store, where there may be one.
    ``copies``: know of copies, too.
    """
    from adverdict.clusters.online import CopiesOfUrl
    from adverdict.ledger.history import LedgerHistory
    from adverdict.ledger.in_force.strikes import StrikesOfUrl
    from adverdict.ledger.store import Ledger
    from adverdict.ledger.stored.folder import HistoryFolder

    try:
        ledger = Ledger.open(ledger_url, create=False) if ledger_url else None
    except NotFound:
        return None
    if ledger is None:
        return None
    try:
        history = LedgerHistory(ledger, snapshot, HistoryFolder(stored) if stored is not None else None)
        state = history.catch_up()
        strikes = StrikesOfUrl(ledger_url, history.seq) if ledger_url else None
        kin = CopiesOfUrl(ledger_url) if ledger_url and copies else None
        return HistorySnapshot(state, history.seq, history.steering, in_force=history.in_force, copies=kin, strikes=strikes)
    finally:
        ledger.close()
