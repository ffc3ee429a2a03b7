"""Where requests wait to be decided: one thread takes what is waiting, scores it in one go and writes it down in one transaction.

So the cost of a commit is shared by whoever arrived meanwhile, and a large batch takes turns with single ads.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

from domain.ad import Ad
from domain.decision import Decision
from domain.errors import AdjudicateError, Conflict, NotFound, Unavailable
from ledger.idempotency import Request
from serving.recorder import Decided, Recorder
from serving.scorer import Known, Scorer

log = logging.getLogger("adjudicate.intake")

CHUNK = 16
"""Ads scored in one go, and requests that take a turn together: whoever comes waits for that many, then for those before in the line."""
WARM_EVERY = 1.0
"""Seconds."""

Answer = list[Decision | None]
"""One an ad, in order; None where scoring it failed."""


@dataclass(eq=False)
class Job:
    """One request on its way. It keeps the scorer it began with: all its ads are decided by the same bundle."""

    ads: Sequence[Ad]
    request: Request | None
    answer: Future[Answer] = field(default_factory=Future)
    scorer: Scorer | None = None
    degraded: tuple[str, ...] = ()
    decided: Answer = field(default_factory=list)


class Intake:
    """``current``: the scorer to use now and what is to be said of it. ``watch`` hears of decisions that are on record.

    ``recorder`` None: nothing is recorded, and the model's own history is read.
    """

    def __init__(
        self,
        current: Callable[[], tuple[Scorer, tuple[str, ...]]],
        recorder: Recorder | None,
        watch: Callable[[Sequence[Decision]], None] = lambda decisions: None,
    ) -> None:
        self._current = current
        self._recorder = recorder
        self._watch = watch
        self.ready = recorder is None
        """Whether the history has been read back, which takes about a minute for a million decisions; asking earlier waits."""
        self._waiting: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="intake", daemon=True)

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Answer what is waiting, then end."""
        self._waiting.put(None)
        if self._thread.is_alive():
            self._thread.join(timeout=10.0)

    def ask(self, ads: Sequence[Ad], request: Request | None = None) -> Future[Answer]:
        """Its result raises Conflict, NotFound or Unavailable where there is no answer; then nothing is on record."""
        job = Job(ads, request)
        self._waiting.put(job)
        return job.answer

    def warm(self) -> None:
        """Read the history back now, not when the first ad comes."""
        self._waiting.put(Job((), None))

    def _run(self) -> None:
        active: deque[Job] = deque()
        stopping = False
        while active or not stopping:
            while not (self._waiting.empty() and (active or stopping)):
                job = self._next()
                if job is None:
                    stopping = True
                elif job.answer.set_running_or_notify_cancel():  # its caller has not left
                    active.append(job)
            turn = [active.popleft() for _ in range(min(CHUNK, len(active)))]
            try:
                self._round(turn)
            except Exception as error:
                # The thread's last line of defence: if it died, every request after would wait for ever.
                _fail(turn, error)
            active.extend(job for job in turn if not job.answer.done())

    def _next(self) -> Job | None:
        """Whoever comes next. Until the history is read, somebody comes every second to have it read: the ledger may have been away."""
        try:
            return self._waiting.get(timeout=None if self.ready else WARM_EVERY)
        except queue.Empty:
            return Job((), None)

    def _round(self, active: Sequence[Job]) -> None:
        for job in active:
            if job.scorer is None:
                self._begin(job)
        waiting = [job for job in active if not job.answer.done()]
        for scorer in {id(job.scorer): job.scorer for job in waiting if job.scorer}.values():
            jobs = [job for job in waiting if job.scorer is scorer]
            try:
                self._score(jobs, scorer, CHUNK // len(waiting))
                self._record([job for job in jobs if len(job.decided) == len(job.ads)], scorer)
            except Unavailable as error:
                _fail(jobs, error)

    def _begin(self, job: Job) -> None:
        job.scorer, job.degraded = self._current()
        if self._recorder and job.request:
            try:
                before = self._recorder.answered(job.request)
            except (Conflict, NotFound, Unavailable) as error:
                job.answer.set_exception(error)
            else:
                if before is not None:
                    job.answer.set_result([*before])

    def _score(self, jobs: Sequence[Job], scorer: Scorer, share: int) -> None:
        known = self._recorder.known(scorer) if self._recorder else None
        self.ready = self.ready or known is not None
        portions = [(job, job.ads[len(job.decided) : len(job.decided) + max(1, share)]) for job in jobs]
        if len({job.degraded for job in jobs}) == 1:
            try:
                decisions = scorer.score([ad for _, ads in portions for ad in ads], degraded=jobs[0].degraded, known=known)
            except Exception:
                log.exception("a round failed; its ads are tried one by one")
            else:
                rest = iter(decisions)
                for job, ads in portions:
                    job.decided += [next(rest) for _ in ads]
                return
        for job, ads in portions:
            job.decided += [_alone(scorer, ad, job.degraded, known) for ad in ads]

    def _record(self, done: Sequence[Job], scorer: Scorer) -> None:
        if not done:
            return
        if self._recorder is None or not any(job.ads for job in done):
            for job in done:
                self._answer(job, job.decided)
            return
        try:
            recorded = self._recorder.record([Decided(job.ads, job.decided, job.request) for job in done], scorer)
        except Unavailable:
            raise
        except Exception as error:
            if len(done) == 1:
                log.exception("a request could not be recorded")
                done[0].answer.set_exception(error)
                return
            for job in done:  # the others need not suffer for one
                self._record([job], scorer)
            return
        for job, told in zip(done, recorded, strict=True):
            if isinstance(told, AdjudicateError):
                job.answer.set_exception(told)
            else:
                self._answer(job, told)

    def _answer(self, job: Job, decided: Answer) -> None:
        self._watch([decision for decision in decided if decision is not None])
        job.answer.set_result(decided)


def _alone(scorer: Scorer, ad: Ad, degraded: tuple[str, ...], known: Known | None) -> Decision | None:
    try:
        return scorer.score([ad], degraded=degraded, known=known)[0]
    except Exception:
        log.exception("an ad could not be scored")
        return None


def _fail(jobs: Sequence[Job], error: Exception) -> None:
    if not isinstance(error, AdjudicateError):
        log.error("deciding failed in a way nobody foresaw", exc_info=error)
    for job in jobs:
        if not job.answer.done():
            job.answer.set_exception(error)
