"""The platform: ads are decided by the scorer and recorded by the recorder that the service uses, and people work at its queue."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from adverdict.benchmarks.world.clock import SimulatedClock
from adverdict.benchmarks.world.people import Reviewing, Truth, market_seconds
from adverdict.domain.ad import Ad
from adverdict.domain.errors import Conflict, InvalidInput
from adverdict.domain.verdict import Verdict
from adverdict.ledger.store import Ledger
from adverdict.review.cases.answers import Answer
from adverdict.review.cases.appeals import appeal
from adverdict.review.queue import LeasedTask, Queue
from adverdict.review.tasks.routing import Reviewer, register
from adverdict.review.tasks.settings import ReviewSettings
from adverdict.scoring.recorder import DecidedRequest, Recorder
from adverdict.scoring.scorer import Scorer
from adverdict.simulation import tables
from adverdict.simulation.crew import Colleague
from adverdict.simulation.marketplace import Block, Marketplace
from adverdict.simulation.resubmissions import Rejections
from adverdict.simulation.world import DAY, MARKET_CODES, POLICIES, START, Stance

APPEALS_WRONGED, APPEALS_RIGHTLY = 0.5, 0.05
"""How often advertisers object to a rejection, where the ad violates nothing and where it does."""
APPEAL_DAYS = 2.0
SLOW = 6.0
"""Times the usual handling times: as many people have a sixth of the tasks to do."""


@dataclass(frozen=True)
class Submission:
    """Where a decision's ad stands in the marketplace."""

    block: Block
    row: int


class SimulatedPlatform:
    """Lives in simulated time. ``scorer_of`` makes the scorer that decides by its clock."""

    def __init__(
        self,
        ledger: Ledger,
        scorer_of: Callable[[SimulatedClock], Scorer],
        market: Marketplace,
        crew: Sequence[Colleague],
        review: ReviewSettings,
        seed: int,
        slow: float = SLOW,
    ) -> None:
        self.begin = float(START)
        self.clock, self.ledger, self.review = SimulatedClock(self.begin), ledger, review
        self.scorer = scorer_of(self.clock)
        self.queue = Queue(ledger, self.scorer.book, review, self.clock)
        self.submitted = self.rejected = self.came_back = 0
        """Ads; of them, rejected ones by model or people, and those that came back."""
        self.answers: Counter[str] = Counter()
        """By kind of task."""
        self._recorder = Recorder(ledger, review, self.clock)
        self._market, self._rng = market, np.random.default_rng([seed, 31])
        self._seconds = market_seconds(MARKET_CODES, slow, seed)
        self._made: dict[str, Submission] = {}
        self._rejections: list[Rejections] = []
        self._rejected: set[str] = set()
        self.people = [Reviewing(who, self, np.random.default_rng([seed, 37, number])) for number, who in enumerate(crew)]
        with ledger.change() as connection:
            for who in crew:
                register(connection, Reviewer(who.name, languages=who.team.languages, senior=who.team.senior))

    def live(self, days: int, advance: Callable[[], None] = lambda: None) -> None:
        """From the first day on."""
        ads = self._ads()
        self.clock.at(self.begin, lambda: self._next(ads))
        for one in self.people:
            self.clock.at(self.begin, lambda one=one: one.come(0))  # type: ignore[misc]
        for day in range(days):
            self.clock.run(self.begin + (day + 1) * DAY)
            advance()

    def rejections(self) -> Sequence[Rejections]:
        """What the marketplace asks for: this platform's verdicts."""
        told, self._rejections = self._rejections, []
        return told

    def truth(self, decision_id: str) -> Truth:
        """Of the version of the ad that was decided."""
        where = self._made[decision_id]
        violated = frozenset(POLICIES[number] for number in np.flatnonzero(where.block.truth[where.row]).tolist())
        return Truth(violated, bool(where.block.creatives.stance[where.row] == Stance.UNCLEAR))

    def usual_seconds(self, market: str, kind: str) -> float:
        return self._seconds[market, kind]

    def answered(self, task: LeasedTask, reviewer: str, answer: Answer) -> None:
        """Raises Conflict where the task has gone to somebody else."""
        outcome = self.queue.answer(task.task.task_id, reviewer, task.token, answer)
        self.answers[task.task.kind] += 1
        if outcome.settled is Verdict.REJECT:
            self._reject(task.task.about)
        if outcome.opened:
            self._wake()

    def _ads(self) -> Iterator[tuple[Submission, Ad]]:
        """One after the other; the marketplace makes a day of them at a time."""
        for block in self._market.blocks(self):
            rows = tables.ads_table(self._market, block).to_pylist()
            for row, (told, origin) in enumerate(zip(rows, block.ads.origin.tolist(), strict=True)):
                told["ad_id"] = f"ad-{origin:09d}"  # on a platform, an ad that was edited is still the same ad
                yield Submission(block, row), Ad.model_validate(told)

    def _next(self, ads: Iterator[tuple[Submission, Ad]]) -> None:
        """The next ad comes when it is submitted. Which ads a day brings is asked when the one before it is over."""
        following = next(ads, None)
        if following is not None:
            where, ad = following
            self.clock.at(ad.submitted_at.timestamp(), lambda: self._submit(where, ad, ads))

    def _submit(self, where: Submission, ad: Ad, ads: Iterator[tuple[Submission, Ad]]) -> None:
        block, row = where.block, where.row
        known = self._recorder.known(self.scorer)
        decisions = self.scorer.score([ad], explain="none", known=known)
        self._recorder.record([DecidedRequest([ad], decisions)], self.scorer)
        [decision] = decisions
        self.submitted += 1
        self.came_back += bool(block.ads.resubmitted[row])
        self._made[decision.decision_id] = where
        if decision.verdict is Verdict.REJECT:
            self._reject(decision.decision_id)
        elif decision.verdict is Verdict.REVIEW or (decision.audit is not None and decision.audit.chosen):
            self._wake()
        # The day's last ad asks for the next day's, which must know what was rejected until midnight.
        last = row + 1 == len(block.submitted_at)
        midnight = self.begin + DAY * ((self.clock.seconds - self.begin) // DAY + 1)
        self.clock.at(midnight if last else self.clock.seconds, lambda: self._next(ads))

    def _reject(self, decision_id: str) -> None:
        """Its advertiser learns of it: the ad may come back, or be appealed for."""
        if decision_id in self._rejected:
            return
        self._rejected.add(decision_id)
        self.rejected += 1
        where = self._made[decision_id]
        self._rejections.append(Rejections(where.block.ads, np.array([where.row]), np.array([int(self.clock.seconds)])))
        appeals = APPEALS_RIGHTLY if where.block.truth[where.row].any() else APPEALS_WRONGED
        if self._rng.random() < appeals:
            self.clock.after(float(self._rng.exponential(APPEAL_DAYS)) * DAY, lambda: self._appeal(decision_id))

    def _appeal(self, decision_id: str) -> None:
        statement, book = "Nothing in this ad is against the rules.", self.scorer.book
        with suppress(InvalidInput, Conflict):  # people have approved it meanwhile
            appeal(self.ledger, decision_id, statement, "advertisers", book=book, settings=self.review, now=self.clock())
        self._wake()

    def _wake(self) -> None:
        for one in self.people:
            one.wake()
