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
from adverdict.serving.worker.dispatcher import LoopDispatcher
from adverdict.serving.worker.intake import Intake
from adverdict.serving.worker.metrics import Metrics
from adverdict.serving.worker.readiness import Readiness
from adverdict.serving.worker.scoring_queue import Answer

log = logging.getLogger("adverdict")


@dataclass(frozen=True)
class WorkerRuntime:
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
    dispatcher: LoopDispatcher[Answer] = field(default_factory=LoopDispatcher)
    """By which the intake's answers reach the event loop."""

    def readiness(self) -> Readiness:
        state = self.champion.state
        loaded = state.loaded
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
            checked_at=state.checked_at,
            degraded=tuple(str(degradation) for degradation in state.degraded),
            swaps=state.swaps,
            ledger=end,
        )

    def _status(self, recording: bool) -> Literal["ready", "starting", "no_model", "no_ledger"]:
        if not recording:
            return "no_ledger"
        if self.champion.starting or (self.champion.state.loaded and not self.intake.ready):
            return "starting"
        return "ready" if self.champion.state.loaded else "no_model"

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


class RuntimeSlot:
    """Where the service leaves its parts for the application in front of it; empty until the worker has started."""

    def __init__(self) -> None:
        self.runtime: WorkerRuntime | None = None
