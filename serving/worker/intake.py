"""Where requests wait to be decided: one thread takes what is waiting, scores it in one go and writes it down in one transaction.

So the cost of a commit is shared by whoever arrived meanwhile, and a large batch takes turns with single ads. Who would wait too long is
refused at the door; who said how long it waits gets, when its time is short, what can be said without the slow part of the model.
"""

from __future__ import annotations

import logging
import math
import queue
import threading
from collections import defaultdict, deque
from collections.abc import Callable, Hashable, Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TypeVar

from adverdict.domain.ad import Ad
from adverdict.domain.decision import Decision
from adverdict.domain.degraded import Degradation
from adverdict.domain.errors import AdverdictError, Unavailable
from adverdict.ledger.idempotency import Request
from adverdict.scoring.recorder import Decided, Recorder
from adverdict.scoring.scorer import Known, Scorer
from adverdict.serving.worker.pressure import DeadlineMissed, Depth, Pressure

log = logging.getLogger("adverdict.intake")

CHUNK = 16
"""Ads scored in one go, and requests that take a turn together: whoever comes waits for that many, then for those before in the line."""
LEAST_SHARE = 4
"""Ads of a batch that are scored in its turn, however many others there are: at one a turn it would never end beside many single ads."""
WARM_EVERY = 1.0
"""Seconds."""

Key = TypeVar("Key", bound=Hashable)
Answer = list[Decision | None]
"""One an ad, in order; None where scoring it failed."""


@dataclass(eq=False)
class Job:
    """One request on its way. It keeps the scorer it began with: all its ads are decided by the same bundle."""

    ads: Sequence[Ad]
    request: Request | None = None
    until: float | None = None
    """When its caller stops waiting, by the clock of ``Pressure``; None: it did not say."""
    answer: Future[Answer] = field(default_factory=Future)
    scorer: Scorer | None = None
    degraded: tuple[Degradation, ...] = ()
    depth: Depth = "cascade"
    """Of the round it takes part in."""
    decided: Answer = field(default_factory=list)
    in_line: int = 0
    """Its ads that ``Pressure`` counts."""

    @property
    def undecided(self) -> int:
        return 0 if self.answer.done() else len(self.ads) - len(self.decided)


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
        self._current = current
        self._recorder = recorder
        self._watch = watch
        self.pressure = Pressure(most, CHUNK)
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

    def ask(self, ads: Sequence[Ad], request: Request | None = None, until: float | None = None) -> Future[Answer]:
        """Its result raises Conflict, NotFound or Unavailable where there is no answer; then nothing is on record.

        ``until``: when the caller stops waiting, by the clock of ``pressure``. Raises Overloaded or DeadlineMissed where waiting is vain.
        """
        self.pressure.admit(len(ads), until)
        job = Job(ads, request, until, in_line=len(ads))
        self.pressure.joined(job.in_line)
        self._waiting.put(job)
        return job.answer

    def warm(self) -> None:
        """Read the history back now, not when the first ad comes."""
        self._waiting.put(Job(()))

    def _run(self) -> None:
        active: deque[Job] = deque()
        stopping = False
        while active or not stopping:
            while not (self._waiting.empty() and (active or stopping)):
                job = self._next()
                if job is None:
                    stopping = True
                elif job.answer.set_running_or_notify_cancel():
                    active.append(job)
                else:  # its caller has left
                    self._count([job])
            turn = [active.popleft() for _ in range(min(CHUNK, len(active)))]
            try:
                self._round(turn)
            except Exception as error:
                # The thread's last line of defence: if it died, every request after would wait for ever.
                _fail(turn, error)
            self._count(turn)
            active.extend(job for job in turn if not job.answer.done())

    def _next(self) -> Job | None:
        """Whoever comes next. Until the history is read, somebody comes every second to have it read: the ledger may have been away."""
        try:
            return self._waiting.get(timeout=None if self.ready else WARM_EVERY)
        except queue.Empty:
            return Job(())

    def _count(self, jobs: Sequence[Job]) -> None:
        """Tell how much shorter the line is."""
        gone = [job for job in jobs if job.answer.done() and job.in_line]
        self.pressure.left(len(gone), sum(job.in_line - job.undecided for job in jobs))
        for job in jobs:
            job.in_line = job.undecided

    def _round(self, turn: Sequence[Job]) -> None:
        for job in turn:
            if job.scorer is None:
                self._begin(job)
        waiting = [job for job in turn if not job.answer.done()]
        share = max(LEAST_SHARE, CHUNK // max(1, len(waiting)))
        waiting = [job for job in waiting if self._in_time(job, min(CHUNK, share * len(waiting)))]
        # Who is in a hurry goes first, with a transaction of its own: it has no time for the others' depth.
        for (_, depth), jobs in sorted(_alike(waiting, lambda job: (id(job.scorer), job.depth)), key=lambda one: one[0][1] != "early"):
            self._decide(jobs, depth, share)

    def _decide(self, jobs: Sequence[Job], depth: Depth, share: int) -> None:
        """About the next ads of these, which have the same scorer."""
        [scorer, *_] = [job.scorer for job in jobs if job.scorer]
        began, ready, before = self.pressure.clock(), self.ready, sum(len(job.decided) for job in jobs)
        try:
            self._score(jobs, scorer, depth, share)
            self._record([job for job in jobs if len(job.decided) == len(job.ads)], scorer)
        except Unavailable as error:
            _fail(jobs, error)
        ads = sum(len(job.decided) for job in jobs) - before
        if ads and ready:  # reading the history back is no part of what an ad takes
            self.pressure.learn(depth, ads, self.pressure.clock() - began)

    def _in_time(self, job: Job, ads: int) -> bool:
        """Whether its caller will still be there after a round of so many ads, and how much may be done until then."""
        try:
            job.depth = self.pressure.depth(max(ads, job.undecided), job.until)
        except DeadlineMissed as error:
            job.answer.set_exception(error)
            return False
        return True

    def _begin(self, job: Job) -> None:
        job.scorer, job.degraded = self._current()
        if self._recorder and job.request:
            try:
                before = self._recorder.answered(job.request)
            except Exception as error:
                # An answer on record that cannot be read, say: it is this caller's, and the others of the turn need not suffer for it.
                _fail([job], error)
            else:
                if before is not None:
                    job.answer.set_result([*before])

    def _score(self, jobs: Sequence[Job], scorer: Scorer, depth: Depth, share: int) -> None:
        known = self._recorder.known(scorer) if self._recorder else None
        self.ready = self.ready or known is not None
        for degraded, alike in _alike(jobs, lambda job: job.degraded):
            portions = [(job, job.ads[len(job.decided) : len(job.decided) + share]) for job in alike]
            ads = [ad for _, portion in portions for ad in portion]
            try:
                decisions: Answer = [*scorer.score(ads, degraded=degraded, known=known, depth=depth)]
            except Exception:
                log.exception("a round failed; its ads are tried one by one")
                decisions = [_alone(scorer, ad, degraded, known, depth) for ad in ads]
            rest = iter(decisions)
            for job, portion in portions:
                job.decided += [next(rest) for _ in portion]

    def _record(self, done: Sequence[Job], scorer: Scorer) -> None:
        if not done:
            return
        if self._recorder is None or not any(job.ads for job in done):
            self._answer([(job, job.decided) for job in done])
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
        answered = []
        for job, told in zip(done, recorded, strict=True):
            if isinstance(told, AdverdictError):
                job.answer.set_exception(told)
            else:
                answered.append((job, told))
        self._answer(answered)

    def _answer(self, answered: Sequence[tuple[Job, Answer]]) -> None:
        self._watch([decision for _, decided in answered for decision in decided if decision is not None])
        for job, decided in answered:
            job.answer.set_result(decided)


def _alike(jobs: Sequence[Job], of: Callable[[Job], Key]) -> Iterable[tuple[Key, list[Job]]]:
    """Those of the same key together, in the order they came."""
    found: defaultdict[Key, list[Job]] = defaultdict(list)
    for job in jobs:
        found[of(job)].append(job)
    return found.items()


def _alone(scorer: Scorer, ad: Ad, degraded: tuple[Degradation, ...], known: Known | None, depth: Depth) -> Decision | None:
    try:
        return scorer.score([ad], degraded=degraded, known=known, depth=depth)[0]
    except Exception:
        log.exception("an ad could not be scored")
        return None


def _fail(jobs: Sequence[Job], error: Exception) -> None:
    if not isinstance(error, AdverdictError):
        log.error("deciding failed in a way nobody foresaw", exc_info=error)
    for job in jobs:
        if not job.answer.done():
            job.answer.set_exception(error)
