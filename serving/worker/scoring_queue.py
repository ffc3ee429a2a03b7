"""Who is decided next: requests take turns, a large one some of its ads at a time, and whoever is in a hurry goes first.

No thread, no model at work and no ledger: what this says follows from who is in line and from what ``AdmissionControl`` has learnt.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Hashable, Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TypeVar

from adverdict.domain.ad import Ad
from adverdict.domain.decision import Decision
from adverdict.domain.degraded import Degradation
from adverdict.ledger.idempotency import Request
from adverdict.scoring.scorer import Explained, Scorer
from adverdict.serving.worker.admission import AdmissionControl, DeadlineMissed, Depth

CHUNK = 16
"""Ads scored in one go, and requests that take a turn together: whoever comes waits for that many, then for those before in the line."""
LEAST_SHARE = 4
"""Ads of a batch that are scored in its turn, however many others there are: at one a turn it would never end beside many single ads."""

Key = TypeVar("Key", bound=Hashable)
Of = TypeVar("Of")
Answer = list[Decision | None]
"""One an ad, in order; None where scoring it failed."""


@dataclass(eq=False)
class ScoringJob:
    """One request on its way. It keeps the scorer it began with: all its ads are decided by the same bundle."""

    ads: Sequence[Ad]
    request: Request | None = None
    until: float | None = None
    """When its caller stops waiting, by the clock of ``AdmissionControl``; None: it did not say."""
    answer: Future[Answer] = field(default_factory=Future)
    scorer: Scorer | None = None
    degraded: tuple[Degradation, ...] = ()
    explain: Explained = "none"
    """Which of its decisions are answered with reasons."""
    depth: Depth = "cascade"
    """Of the round it takes part in."""
    decided: Answer = field(default_factory=list)
    queued: int = 0
    """Its ads that ``AdmissionControl`` counts."""
    caller: str | None = None
    """Name of the API key."""

    @property
    def undecided(self) -> int:
        return 0 if self.answer.done() else len(self.ads) - len(self.decided)

    def next_ads(self, share: int) -> Sequence[Ad]:
        return self.ads[len(self.decided) : len(self.decided) + share]


@dataclass(frozen=True, slots=True)
class MicroBatch:
    """Requests whose next ads are decided in one go, and recorded in one transaction."""

    jobs: Sequence[ScoringJob]
    scorer: Scorer
    depth: Depth
    share: int
    """Ads of each, at most."""


class ScoringQueue:
    """Requests that have begun to wait. ``admission`` is told how much shorter the line has become."""

    def __init__(self, admission: AdmissionControl) -> None:
        self._admission = admission
        self._jobs: deque[ScoringJob] = deque()

    def __bool__(self) -> bool:
        return bool(self._jobs)

    def join(self, job: ScoringJob) -> None:
        """At its end. Whoever has left meanwhile does not join."""
        if job.answer.set_running_or_notify_cancel():
            self._jobs.append(job)
        else:
            self._count([job])

    def turn(self) -> list[ScoringJob]:
        """Whose turn it is now: the first of the line, who leave it."""
        turn = [self._jobs.popleft() for _ in range(min(CHUNK, len(self._jobs)))]
        self._admission.called(len(turn))
        return turn

    def back(self, turn: Sequence[ScoringJob]) -> None:
        """After their turn: whoever has no answer yet goes to the end."""
        self._admission.called(0)
        self._count(turn)
        self._jobs.extend(job for job in turn if not job.answer.done())

    def _count(self, jobs: Sequence[ScoringJob]) -> None:
        gone = [job for job in jobs if job.answer.done() and job.queued]
        self._admission.left(len(gone), sum(job.queued - job.undecided for job in jobs))
        for job in jobs:
            job.queued = job.undecided


def micro_batches(turn: Sequence[ScoringJob], admission: AdmissionControl) -> list[MicroBatch]:
    """Those of a turn who are decided together, in the order in which that is done.

    Who would no longer be there for the answer is told so, and takes no part.
    """
    waiting = [job for job in turn if not job.answer.done()]
    share = max(LEAST_SHARE, CHUNK // max(1, len(waiting)))
    ads = min(CHUNK, share * len(waiting))
    ready = [(job, job.scorer) for job in waiting if job.scorer is not None and _in_time(job, ads, admission)]
    batches = [
        MicroBatch([job for job, _ in group], group[0][1], depth, share)
        for (_, depth), group in grouped(ready, lambda pair: (id(pair[1]), pair[0].depth))
    ]
    # Who is in a hurry goes first, with a transaction of its own: it has no time for the others' depth.
    return sorted(batches, key=lambda batch: batch.depth != "early")


def _in_time(job: ScoringJob, ads: int, admission: AdmissionControl) -> bool:
    """Whether its caller will still be there after a round of so many ads, and how much may be done until then."""
    try:
        job.depth = admission.depth(max(ads, job.undecided), job.until)
    except DeadlineMissed as error:
        job.answer.set_exception(error)
        return False
    return True


def grouped(these: Iterable[Of], key: Callable[[Of], Key]) -> Iterable[tuple[Key, list[Of]]]:
    """Those of the same key together, in the order they came."""
    groups: defaultdict[Key, list[Of]] = defaultdict(list)
    for item in these:
        groups[key(item)].append(item)
    return groups.items()
