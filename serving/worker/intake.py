"""Where requests wait to be decided: one thread takes what is waiting, scores it in one go and writes it down in one transaction.

So the cost of a commit is shared by whoever arrived meanwhile, and a large batch takes turns with single ads. Who would wait too long is
refused at the door; who said how long it waits gets, when its time is short, what can be said without the slow part of the model.
Who is next is ``line``'s to say; scoring and recording are done in ``rounds``.
"""

from __future__ import annotations

import logging
import math
import queue
import signal
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

from adverdict.domain.ad import Ad
from adverdict.domain.decision import Decision, Reason
from adverdict.domain.degraded import Degradation
from adverdict.domain.traces import trace
from adverdict.ledger.entries import DecisionMade
from adverdict.ledger.idempotency import Request
from adverdict.scoring.recorder import Recorder
from adverdict.scoring.scorer import Explained, Scorer
from adverdict.serving.worker.admission import AdmissionControl
from adverdict.serving.worker.rounds import RoundRunner, as_exception
from adverdict.serving.worker.scoring_queue import CHUNK, Answer, ScoringJob, ScoringQueue

log = logging.getLogger("adverdict.intake")

WARM_EVERY = 1.0
"""Seconds."""


@dataclass(frozen=True, slots=True)
class _Look:
    """Somebody looks at a decision on record, and wants to know why."""

    made: DecisionMade
    answer: Future[tuple[Reason, ...] | None] = field(default_factory=Future)


@dataclass(frozen=True, slots=True)
class _Draft:
    """Somebody asks what would be decided, and nothing goes on record."""

    ad: Ad
    explain: Explained
    answer: Future[Decision] = field(default_factory=Future)


class Intake:
    """``current``: the scorer to use now and what is to be said of it. ``watch`` hears of decisions that are on record.

    ``recorder`` None: nothing is recorded, and the model's own history is read. ``most``: seconds that a request may have to wait.
    """

    def __init__(
        self,
        current: Callable[[], tuple[Scorer, tuple[Degradation, ...]]],
        recorder: Recorder | None,
        watch: Callable[[Sequence[Decision]], None] = lambda decisions: None,
        most: float = math.inf,
    ) -> None:
        self.admission = AdmissionControl(most, CHUNK)
        self._rounds = RoundRunner(current, recorder, watch, self.admission)
        self._queue = ScoringQueue(self.admission)
        self._waiting: queue.SimpleQueue[ScoringJob | _Look | _Draft | None] = queue.SimpleQueue()
        """Who has asked and is not in line yet; None: stop."""
        self._thread = threading.Thread(target=self._run, name="intake", daemon=True)

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    @property
    def ready(self) -> bool:
        """Whether the history has been read back; asking earlier waits for that."""
        return self._rounds.ready

    @property
    def unwritten(self) -> str | None:
        """Why the last round could not be recorded; None: it was, or somebody has written since."""
        return self._rounds.unwritten

    def written(self) -> None:
        """Somebody else could write to the ledger."""
        self._rounds.unwritten = None

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Answer what is waiting, then end."""
        self._waiting.put(None)
        if self._thread.is_alive():
            self._thread.join(timeout=10.0)

    def ask(
        self,
        ads: Sequence[Ad],
        request: Request | None = None,
        until: float | None = None,
        explain: Explained = "none",
        caller: str | None = None,
    ) -> Future[Answer]:
        """Its result raises Conflict, NotFound or Unavailable where there is no answer; then nothing is on record.

        ``explain``: which of the decisions carry reasons, on record, too.
        ``until``: when the caller stops waiting, by the clock of ``admission``. Raises Overloaded or DeadlineMissed where waiting is vain.
        """
        self.admission.admit(len(ads), until)
        job = ScoringJob(ads, request, until, explain=explain, queued=len(ads), caller=caller)
        self.admission.joined(job.queued)
        self._waiting.put(job)
        return job.answer

    def reasons(self, made: DecisionMade) -> Future[tuple[Reason, ...] | None]:
        """Of a decision that was made without any, by the model in service and what is known now; None where that leads to other risks.

        Its result raises what keeps the history from being read, or the model from scoring.
        """
        look = _Look(made)
        self._waiting.put(look)
        return look.answer

    def check(self, ad: Ad, explain: Explained = "all") -> Future[Decision]:
        """What would be decided on an ad now, with the reasons; nothing of it is on record. Its result raises what keeps the history from
        being read, or the model from scoring."""
        draft = _Draft(ad, explain)
        self._waiting.put(draft)
        return draft.answer

    def warm(self) -> None:
        """Read the history back now, not when the first ad comes."""
        self._waiting.put(ScoringJob(()))

    def _run(self) -> None:
        try:
            self._decide_until_stopped()
        except BaseException as error:
            # Nobody would decide any more, and every request would wait for ever: whoever keeps the service running starts another worker.
            log.critical("the deciding thread has ended; this worker ends, too: %s", trace(error))
            signal.raise_signal(signal.SIGTERM)

    def _decide_until_stopped(self) -> None:
        stopping = False
        while self._queue or not stopping:
            while not (self._waiting.empty() and (self._queue or stopping)):
                job = self._next()
                if job is None:
                    stopping = True
                elif isinstance(job, _Look):
                    self._explain(job)
                elif isinstance(job, _Draft):
                    self._check(job)
                else:
                    self._queue.join(job)
            turn = self._queue.turn()
            self._rounds.decide(turn)
            self._queue.back(turn)

    def _explain(self, look: _Look) -> None:
        """In between, before the next turn: with its reasons, one ad takes several times as long as without."""
        if not look.answer.set_running_or_notify_cancel():
            return
        try:
            look.answer.set_result(self._rounds.reasons(look.made))
        except BaseException as error:  # whoever looks hears of it, a panic of a native library too; the thread goes on deciding
            look.answer.set_exception(as_exception(error))

    def _check(self, draft: _Draft) -> None:
        """In between, too."""
        if not draft.answer.set_running_or_notify_cancel():
            return
        try:
            draft.answer.set_result(self._rounds.check(draft.ad, draft.explain))
        except Exception as error:  # whoever asks hears of it; the thread goes on deciding
            draft.answer.set_exception(error)

    def _next(self) -> ScoringJob | _Look | _Draft | None:
        """Whoever comes next. Until the history is read, somebody comes every second to have it read: the ledger may have been away."""
        try:
            return self._waiting.get(timeout=None if self.ready else WARM_EVERY)
        except queue.Empty:
            return ScoringJob(())
