"""What the console works with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from decisions.policy import PolicyBook
from ledger.store import Ledger, now
from review.queue import Queue
from serving.auth import ApiKey
from serving.champion import Champion


@dataclass(frozen=True)
class Parts:
    """A worker's parts. Nothing here belongs to one request."""

    ledger: Ledger
    queue: Queue
    book: PolicyBook
    champion: Champion
    api_keys: tuple[ApiKey, ...] = ()
    """None: whoever is on this machine may do everything."""
    registry: str = ""
    """Address of the MLflow server or database; only an http one can be linked to."""
    resolve: Callable[[str], str] | None = None
    """What a name such as ``models:/adjudicate@challenger`` stands for; raises NotFound or Unavailable. None: there is no registry."""
    clock: Callable[[], datetime] = now
    """Aware, UTC."""
