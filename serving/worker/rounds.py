"""One round of the intake: the next ads of those whose turn it is are scored in one go, and what is complete is recorded and answered.

Nobody suffers for somebody else: an ad that cannot be scored, an answer that cannot be read back, a request that cannot be recorded costs
its own caller the answer, and no other.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from adverdict.domain.ad import Ad
from adverdict.domain.decision import Decision, Reason
from adverdict.domain.degraded import Degradation
from adverdict.domain.errors import AdverdictError, Unavailable
from adverdict.domain.traces import trace
from adverdict.ledger.entries import DecisionMade
from adverdict.scoring.explaining import reasons_again
from adverdict.scoring.known import HistorySnapshot
from adverdict.scoring.recorder import DecidedRequest, Recorder
from adverdict.scoring.scorer import Explained, Scorer
from adverdict.serving.worker.admission import AdmissionControl, Depth
from adverdict.serving.worker.scoring_queue import Answer, MicroBatch, ScoringJob, grouped, micro_batches

log = logging.getLogger("adverdict.intake")


class RoundRunner:
    """``current``: the scorer to use now and what is to be said of it. ``watch`` hears of decisions that are on record.

    ``recorder`` None: nothing is recorded, and the model's own history is read. ``admission`` learns what a round takes.
    """

    def __init__(
        self,
        current: Callable[[], tuple[Scorer, tuple[Degradation, ...]]],
        recorder: Recorder | None,
        watch: Callable[[Sequence[Decision]], None],
        admission: AdmissionControl,
    ) -> None:
        self._current = current
        self._recorder = recorder
        self._watch = watch
        self._admission = admission
        self.ready = recorder is None
        """Whether the history has been read back, which takes about a minute for a million decisions; asking earlier waits."""
        self.unwritten: str | None = None
        """Why the last round could not be recorded."""

    def decide(self, turn: Sequence[ScoringJob]) -> None:
        """The next ads of those whose turn it is. Who is complete, or cannot be answered, has an answer or an error afterwards."""
        try:
            for job in turn:
                if job.scorer is None:
                    self._begin(job)
            for batch in micro_batches(turn, self._admission):
                self._decide(batch)
        except BaseException as error:
            # The thread's last line of defence: if it died, every request after would wait for ever. What a native library written in
            # Rust panics with is no Exception.
            _fail(turn, as_exception(error))

    def reasons(self, made: DecisionMade) -> tuple[Reason, ...] | None:
        """As ``scoring.explaining.reasons_again`` by the model in service; None without one, or where another decided."""
        scorer, _ = self._current()
        if scorer.model is None or scorer.model.version != made.decision.bundle_version:
            return None
        known = self._recorder.known(scorer) if self._recorder and made.decision.history_seq is not None else None
        return reasons_again(made, scorer.model, known.state if known else None)

    def check(self, ad: Ad, explain: Explained = "all") -> Decision:
        """What would be decided on an ad now, with reasons, put on no record."""
        scorer, degraded = self._current()
        known = self._recorder.known(scorer) if self._recorder else None
        [decision] = scorer.score([ad], explain=explain, degraded=degraded, known=known)
        return decision

    def _begin(self, job: ScoringJob) -> None:
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

    def _decide(self, batch: MicroBatch) -> None:
        began, ready, before = self._admission.clock(), self.ready, sum(len(job.decided) for job in batch.jobs)
        try:
            self._score(batch)
            done = [job for job in batch.jobs if len(job.decided) == len(job.ads)]
            self._record(done, batch.scorer)
            self.unwritten = None if any(job.ads for job in done) else self.unwritten
        except Unavailable as error:
            if str(error) != self.unwritten:
                log.error("not on record, so not answered: %s", error)
            self.unwritten = str(error)
            _fail(batch.jobs, error)
        ads = sum(len(job.decided) for job in batch.jobs) - before
        if ads and ready:  # reading the history back is no part of what an ad takes
            self._admission.learn(batch.depth, ads, self._admission.clock() - began)

    def _score(self, batch: MicroBatch) -> None:
        scorer, depth = batch.scorer, batch.depth
        known = self._recorder.known(scorer) if self._recorder else None
        self.ready = self.ready or known is not None
        for (degraded, explain), jobs in grouped(batch.jobs, lambda job: (job.degraded, job.explain)):
            portions = [(job, job.next_ads(batch.share)) for job in jobs]
            ads = [ad for _, portion in portions for ad in portion]
            try:
                decisions: Answer = [*scorer.score(ads, explain=explain, degraded=degraded, known=known, depth=depth)]
            except Unavailable:
                raise  # the ledger, asked about an advertiser: nobody can be answered now
            except BaseException as error:
                log.error("a round failed; its ads are tried one by one: %s", trace(error))
                decisions = [_alone(scorer, ad, explain, degraded, known, depth) for ad in ads]
            rest = iter(decisions)
            for job, portion in portions:
                job.decided += [next(rest) for _ in portion]

    def _record(self, done: Sequence[ScoringJob], scorer: Scorer) -> None:
        if not done:
            return
        if self._recorder is None or not any(job.ads for job in done):
            self._answer([(job, job.decided) for job in done])
            return
        try:
            recorded = self._recorder.record([DecidedRequest(job.ads, job.decided, job.request, job.caller) for job in done], scorer)
        except Unavailable:
            raise
        except Exception as error:
            if len(done) == 1:
                log.error("a request could not be recorded: %s", trace(error))
                done[0].answer.set_exception(error)
                return
            for job in done:  # the others need not suffer for one
                self._record([job], scorer)
            return
        answered = []
        for job, outcome in zip(done, recorded, strict=True):
            if isinstance(outcome, AdverdictError):
                job.answer.set_exception(outcome)
            else:
                answered.append((job, outcome))
        self._answer(answered)

    def _answer(self, answered: Sequence[tuple[ScoringJob, Answer]]) -> None:
        self._watch([decision for _, decided in answered for decision in decided if decision is not None])
        in_line = [job.queued for job, _ in answered if job.queued]
        self._admission.answered(len(in_line), sum(in_line))
        for job, decided in answered:
            job.queued = 0
            job.answer.set_result(decided)


def _alone(
    scorer: Scorer, ad: Ad, explain: Explained, degraded: tuple[Degradation, ...], known: HistorySnapshot | None, depth: Depth
) -> Decision | None:
    try:
        return scorer.score([ad], explain=explain, degraded=degraded, known=known, depth=depth)[0]
    except BaseException as error:
        log.error("an ad could not be scored: %s", trace(error))
        return None


def as_exception(error: BaseException) -> Exception:
    """What a caller can be told: an asyncio future takes no other."""
    return error if isinstance(error, Exception) else RuntimeError(f"{type(error).__name__}: {error}")


def _fail(jobs: Sequence[ScoringJob], error: Exception) -> None:
    if not isinstance(error, AdverdictError):
        log.error("deciding failed in a way nobody foresaw", exc_info=error)
    for job in jobs:
        if not job.answer.done():
            job.answer.set_exception(error)
