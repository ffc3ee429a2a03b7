"""What a worker runs with, and whether it is ready."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

from starlette.types import ASGIApp

from adverdict.decisions.books import HasBook, book_of
from adverdict.decisions.policy import PolicyBook
from adverdict.decisions.steering import Steering
from adverdict.decisions.usable import nothing_usable
from adverdict.domain.degraded import Cause, Degradation
from adverdict.domain.errors import Unavailable
from adverdict.domain.settings import Settings
from adverdict.ledger.entries import DecisionMade
from adverdict.ledger.in_force.steering import steering_now
from adverdict.ledger.store import Ledger, now
from adverdict.scoring.explaining import Explanation, on_record
from adverdict.scoring.tiers import Grader
from adverdict.serving.attempts import Attempts
from adverdict.serving.worker.champion import Champion, LoadedModel
from adverdict.serving.worker.dispatcher import LoopDispatcher
from adverdict.serving.worker.intake import Intake
from adverdict.serving.worker.metrics import Metrics
from adverdict.serving.worker.periodic import Watch
from adverdict.serving.worker.planner import Planner
from adverdict.serving.worker.readiness import ArmReadiness, Readiness
from adverdict.serving.worker.scoring_queue import Answer
from adverdict.serving.worker.sets import SetsInForce
from adverdict.serving.worker.watches.record import RecordWatch

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
    policies: PolicyBook | HasBook
    console: ASGIApp | None = None
    """The pages for people; they need a ledger."""
    planner: Planner | None = None
    """What makes plans; it needs a ledger, too."""
    explain: Callable[[DecisionMade], Explanation] = on_record
    """Why a decision on record is what it is."""
    record: RecordWatch | None = None
    """What watches that the ledger is still the same; it needs one."""
    watches: tuple[Watch, ...] = ()
    """What looks at something every so often: certificates, roll-outs, promises, copies, whom to tell. They need a ledger, too."""
    grader: Grader | None = None
    """Says where ads may stand; None: no file of tiers is set."""
    dispatcher: LoopDispatcher[Answer] = field(default_factory=LoopDispatcher)
    """By which the intake's answers reach the event loop."""
    attempts: Attempts = field(default_factory=lambda: Attempts(now))
    """API keys that were wrong."""

    @property
    def book(self) -> PolicyBook:
        """The policies in force now."""
        return book_of(self.policies)

    def readiness(self) -> Readiness:
        state = self.champion.state
        loaded = state.loaded
        recording, end, steering = self._recording()
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
            degraded=tuple(map(str, (*state.degraded, *_nothing_decides(loaded, steering), *self._of_the_record()))),
            refused=self.champion.refused,
            arms=_arms(self.policies, loaded) if isinstance(self.policies, SetsInForce) and loaded else (),
            swaps=state.swaps,
            ledger=end,
        )

    def _status(self, recording: bool) -> Literal["ready", "starting", "no_model", "no_ledger", "stopped"]:
        if not recording:
            return "no_ledger"
        if not self.intake.alive and not self.champion.starting:
            return "stopped"
        if self.champion.starting or (self.champion.state.loaded and not self.intake.ready):
            return "starting"
        return "ready" if self.champion.state.loaded else "no_model"

    def _recording(self) -> tuple[bool, int | None, Steering]:
        """Whether decisions can be written down, the last entry, and what is out of automatic hands.

        Where writing failed last it is tried again here: nobody is sent to a service that is not ready, so no ad would try it.
        """
        if self.ledger is None:
            return True, None, Steering()
        if self.record is not None and self.record.trouble is not None:
            return False, None, Steering()
        try:
            if self.intake.unwritten is not None:
                self.ledger.try_write()
                self.intake.written()
            return True, self.ledger.end()[0], steering_now(self.ledger)
        except Unavailable as error:
            log.warning("%s", error)
            return False, None, Steering()

    def _of_the_record(self) -> tuple[Degradation, ...]:
        if self.record is None:
            return ()
        if self.record.trouble is not None:
            return (Degradation(Cause.LEDGER_REPLACED, self.record.trouble),)
        unwritten = self.intake.unwritten
        return self.record.standing() + (() if unwritten is None else (Degradation(Cause.LEDGER_UNWRITABLE, unwritten),))

    def close(self) -> None:
        if self.record is not None:
            self.record.note()
        if self.ledger is not None:
            self.ledger.close()


def _nothing_decides(loaded: LoadedModel | None, steering: Steering) -> tuple[Degradation, ...]:
    """That every ad goes to people although a model is in service, and why."""
    if loaded is None:
        return ()
    causes = nothing_usable(loaded.scorer.book, loaded.scorer.solved, datetime.now(UTC), steering)
    return (Degradation(Cause.NO_THRESHOLD, ",".join(causes)),) if causes else ()


def _arms(sets: SetsInForce, loaded: LoadedModel) -> tuple[ArmReadiness, ...]:
    """Both sides of every roll-out that has not ended."""
    sides: tuple[Literal["control", "candidate"], ...] = ("control", "candidate")
    found = []
    for one in sets.open:
        for side, told in zip(sides, (one.proposal.base, one.proposal.candidate), strict=True):
            bundle = told.bundle_version if one.brings_model else None
            known = told.policies == loaded.scorer.book.hash or told.policies in loaded.others
            why = None if known else "its policies are not loaded"
            if bundle is not None and why is None:
                why = sets.why_not(bundle)
            ready = ArmReadiness(
                rollout=one.rollout_id, side=side, policies=told.policies, bundle_version=bundle, loaded=why is None, why=why
            )
            found.append(ready)
    return tuple(found)


class RuntimeSlot:
    """Where the service leaves its parts for the application in front of it; empty until the worker has started."""

    def __init__(self) -> None:
        self.runtime: WorkerRuntime | None = None
