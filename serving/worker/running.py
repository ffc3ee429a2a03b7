"""What a worker runs with, and whether it is ready."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import Literal

from starlette.types import ASGIApp

from adverdict.decisions.policy import PolicyBook
from adverdict.domain.errors import Unavailable
from adverdict.domain.settings import Settings
from adverdict.ledger.store import Ledger
from adverdict.serving.worker.champion import Champion
from adverdict.serving.worker.intake import Intake
from adverdict.serving.worker.line import Answer
from adverdict.serving.worker.metrics import Metrics
from adverdict.serving.worker.post import Post
from adverdict.serving.worker.readiness import Readiness

log = logging.getLogger("adverdict")


@dataclass(frozen=True)
class Running:
    """What a worker runs with."""

    settings: Settings
    champion: Champion
    intake: Intake
    ledger: Ledger | None
    """None: nothing is recorded."""
    metrics: Metrics
    book: PolicyBook
    console: ASGIApp | None = None
    """The pages for people; they need a ledger."""
    post: Post[Answer] = field(default_factory=Post)
    """By which the intake's answers reach the event loop."""

    def readiness(self) -> Readiness:
        standing = self.champion.standing
        loaded = standing.loaded
        recording, end = self._recording()
        model = loaded.scorer.model if loaded else None
        return Readiness(
            status=self._status(recording),
            model=self.champion.model,
            serving=loaded.source if loaded else None,
            bundle_version=model.version if model else None,
            certificates=loaded.certificates if loaded else None,
            certified_until=loaded.scorer.certified_until if loaded else None,
            policies=model.policies if model else (),
            policy_hash=self.book.hash,
            since=loaded.since if loaded else None,
            checked_at=standing.checked_at,
            degraded=tuple(str(one) for one in standing.degraded),
            swaps=standing.swaps,
            ledger=end,
        )

    def _status(self, recording: bool) -> Literal["ready", "starting", "no_model", "no_ledger"]:
        if not recording:
            return "no_ledger"
        if self.champion.starting or (self.champion.standing.loaded and not self.intake.ready):
            return "starting"
        return "ready" if self.champion.standing.loaded else "no_model"

    def _recording(self) -> tuple[bool, int | None]:
        """Whether decisions can be written down, as far as reading tells, and the last entry."""
        if self.ledger is None:
            return True, None
        try:
            return True, self.ledger.end()[0]
        except Unavailable as error:
            log.warning("%s", error)
            return False, None

    def close(self) -> None:
        if self.ledger is not None:
            self.ledger.close()


class Desk:
    """Where the service leaves its parts for the application in front of it; empty until the worker has started."""

    def __init__(self) -> None:
        self.running: Running | None = None
