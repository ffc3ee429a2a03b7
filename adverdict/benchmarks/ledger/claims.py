"""Many claims by 50 reviewers who stall, lose replies and ask again: no task may be decided twice, none lost, none wait past its bound.

Time is simulated: reviewers are events on one clock, which several threads work off at once, so that claims and answers meet in the
database as those of a busy shift would. Every reviewer keeps what it was told; afterwards that is held against the ledger.
"""

from __future__ import annotations

import heapq
import random
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, Literal

from sqlalchemy import select

from adverdict.benchmarks.shared.killable import MARKETS, POLICIES
from adverdict.decisions.policy import PolicyBook
from adverdict.domain.ad import Ad
from adverdict.domain.decision import Decision, PolicyVerdict
from adverdict.domain.errors import Conflict, Unavailable
from adverdict.domain.risk import RiskScore
from adverdict.domain.verdict import Verdict
from adverdict.ledger.entries import Answered, DecisionMade, Resolved
from adverdict.ledger.moments import moment
from adverdict.ledger.schema import tasks
from adverdict.ledger.store import Ledger
from adverdict.ledger.verify import verify
from adverdict.review.cases.answers import Answer
from adverdict.review.queue import LeasedTask, Queue
from adverdict.review.tasks.opening import open_tasks
from adverdict.review.tasks.routing import Reviewer, register
from adverdict.review.tasks.settings import ReviewSettings

START = datetime(2026, 3, 1, tzinfo=UTC)
REVIEWERS, SENIORS, ONE_MARKET = 50, 6, 10
THREADS = 4
HANDLING = 45.0
"""Seconds a task takes on average."""
LOAD = 0.33
"""Ads that come, as a share of the tasks that reviewers who never stall could answer. They do stall, and ads are read again: each answer
takes them some 88 s and each ad 1.2 answers, so about four fifths of them are always busy. With more, queues and waits would only grow."""
BACKLOG = 900.0
"""Seconds of everybody's work that lie there at the start."""
ARRIVALS = 120.0
"""Seconds between arrivals of new ads."""
SETTINGS = ReviewSettings(
    lease_seconds=240,
    double_share=0.05,
    golden_share=0.0,
    review_deadline_hours=2,
    audit_deadline_hours=6,
    double_deadline_hours=4,
    senior_deadline_hours=2,
)
PLANS = {"answer": 0.76, "answer twice": 0.06, "stall": 0.06, "lose the claim's reply": 0.04, "give back": 0.04, "renew": 0.04}
"""What reviewers do with a task, and how often."""

Figures = dict[str, Any]


@dataclass
class ToldReviewers:
    """What reviewers were told. Used by several threads."""

    claims: int = 0
    seen: Counter[str] = field(default_factory=Counter)
    accepted: dict[str, set[tuple[str, int]]] = field(default_factory=dict)
    """Reviewer and token of every answer that was accepted, by task."""
    contradicted: int = 0
    """Answers sent again that were told something else."""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, what: str) -> None:
        with self.lock:
            self.seen[what] += 1


def claims(ledger: Ledger, book: PolicyBook, number: int, seed: int, advance: Callable[[int], None] = lambda steps: None) -> Figures:
    """At least ``number`` claims, then until nothing is left to answer. ``ledger`` is empty, ``book`` that of
    ``benchmarks.shared.killable``."""
    shift = _Shift(ledger, book, number, seed, advance)
    with ledger.change() as connection:
        for place in range(REVIEWERS):
            markets = (MARKETS[place % 2],) if place < ONE_MARKET else ()
            register(connection, Reviewer(_name(place), markets=markets, senior=place >= REVIEWERS - SENIORS))
    shift.open(min(BACKLOG, number * HANDLING / REVIEWERS / 2))
    threads = [threading.Thread(target=shift.work, name=f"shift {place}") for place in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if shift.failed:
        raise shift.failed[0]
    return judge(ledger, shift.told)


Event = Callable[[datetime], None]


class _Shift:
    """The clock, and everybody's next step. Each reviewer and the arrivals are on the heap once, or in one thread's hands."""

    def __init__(self, ledger: Ledger, book: PolicyBook, number: int, seed: int, advance: Callable[[int], None]) -> None:
        self._ledger, self._book, self._number, self._advance = ledger, book, number, advance
        self._draw = random.Random(seed)
        self._queue = Queue(ledger, book, SETTINGS, clock=lambda: self._now)
        self._now = START
        self._order = count()
        self._ads = count(1)
        self._steps: list[tuple[datetime, int, Event]] = []
        self._under_way = 0
        self._changed = threading.Condition()
        self.told = ToldReviewers()
        self.failed: list[BaseException] = []
        self._put(START + timedelta(seconds=ARRIVALS), self._arrive)
        for place in range(REVIEWERS):
            self._put(START + timedelta(seconds=self._draw.uniform(0, HANDLING)), _Actor(self, _name(place), f"{seed} {place}").claim)

    def work(self) -> None:
        """What each thread does: take the earliest step, do it, until there is none."""
        while True:
            with self._changed:
                while not self._steps and self._under_way and not self.failed:
                    self._changed.wait(1.0)
                if not self._steps or self.failed:
                    self._changed.notify_all()
                    return
                at, _, step = heapq.heappop(self._steps)
                self._now = max(self._now, at)
                self._under_way += 1
            try:
                step(self._now)
            except Unavailable:  # nothing happened: everybody asks again a little later
                self.told.note("unavailable")
                self.after(5.0, step)
            except BaseException as error:
                self.failed.append(error)
            finally:
                with self._changed:
                    self._under_way -= 1
                    self._changed.notify_all()

    def after(self, seconds: float, step: Event) -> None:
        self._put(self._now + timedelta(seconds=seconds), step)

    def _put(self, at: datetime, step: Event) -> None:
        with self._changed:
            heapq.heappush(self._steps, (at, next(self._order), step))
            self._changed.notify()

    @property
    def closing(self) -> bool:
        """Whether no new ads come."""
        return self.told.claims >= self._number

    @property
    def queue(self) -> Queue:
        return self._queue

    def finished(self) -> bool:
        """Whether nothing is left to answer."""
        return self.closing and not any(depth.open or depth.leased for depth in self._queue.depths())

    def counted(self) -> None:
        with self.told.lock:
            self.told.claims += 1
        if self.told.claims <= self._number:
            self._advance(1)

    def open(self, seconds: float) -> None:
        """Decisions as many as reviewers could answer in that time, times the load; one in ten an audited approval."""
        wanted = max(1, round(seconds * LOAD * REVIEWERS / HANDLING))
        made = [self._decision(next(self._ads)) for _ in range(wanted)]
        with self._ledger.write() as writing:
            for one in made:
                writing.append(one.decision.decision_id, one, self._now)
            open_tasks(writing, made, self._book, SETTINGS, self._now)

    def _arrive(self, now: datetime) -> None:
        if not self.closing:
            self.open(ARRIVALS)
            self.after(ARRIVALS, self._arrive)

    def _decision(self, number: int) -> DecisionMade:
        draw = self._draw
        audited = draw.random() < 0.1
        p = draw.uniform(0.4, 0.6) if not audited else 0.01
        verdict = Verdict.APPROVE if audited else Verdict.REVIEW
        ad = Ad(
            ad_id=f"ad-{number}",
            advertiser_id=f"adv-{draw.randrange(500)}",
            market=draw.choice(MARKETS),
            submitted_at=self._now,
            title=f"Offer {number}",
            impressions=float(round(10 ** draw.uniform(1, 7))),
        )
        risk = RiskScore(policy=POLICIES[0], p=p, p_low=p, p_high=p)
        ruling = PolicyVerdict(policy=POLICIES[0], verdict=verdict, risk=risk, because="simulated")
        decision = Decision(
            decision_id=f"dec-{number}",
            ad_id=ad.ad_id,
            advertiser_id=ad.advertiser_id,
            market=ad.market,
            surface=None,
            decided_at=self._now,
            verdict=verdict,
            policies=(ruling,),
            uncertified=True,
            audit={"probability": 0.1, "chosen": True} if audited else None,  # type: ignore[arg-type]  # pydantic makes it one
            bundle_version=None,
            policy_hash=self._book.hash,
            threshold_set=None,
        )
        return DecisionMade(ad=ad, decision=decision, first=True)


class _Actor:
    """One reviewer: claims, and does with each task what was drawn."""

    def __init__(self, shift: _Shift, name: str, seed: str) -> None:
        self._shift, self._name = shift, name
        self._draw = random.Random(seed)

    def claim(self, now: datetime) -> None:
        leased = self._shift.queue.claim(self._name)
        if leased is None:
            if not self._shift.finished():
                self._shift.after(60.0, self.claim)
            return
        self._shift.counted()
        plan = self._draw.choices([*PLANS], [*PLANS.values()])[0]
        self._shift.told.note(plan)
        handling, lease = self._draw.expovariate(1 / HANDLING), SETTINGS.lease_seconds
        match plan:
            case "lose the claim's reply":
                self._shift.after(30.0, self.claim)
            case "give back":
                self._shift.after(min(handling, lease * 0.9), lambda _: self._give_back(leased))
            case "stall":
                self._shift.after(lease * self._draw.uniform(1.01, 2.5), lambda _: self._answer(leased, plan))
            case "renew":
                self._shift.after(lease * 0.8, lambda _: self._renew(leased))
            case _:
                self._shift.after(min(handling, lease * 0.95), lambda _: self._answer(leased, plan))

    def _give_back(self, leased: LeasedTask) -> None:
        try:
            self._shift.queue.release(leased.task.task_id, self._name, leased.token)
        except Conflict:
            self._shift.told.note("refused: give back")
        self._shift.after(1.0, self.claim)

    def _renew(self, leased: LeasedTask) -> None:
        try:
            renewed = self._shift.queue.renew(leased.task.task_id, self._name, leased.token)
        except Conflict:
            self._shift.told.note("refused: renew")
            self._shift.after(1.0, self.claim)
        else:
            self._shift.after(SETTINGS.lease_seconds * 0.5, lambda _: self._answer(renewed, "renew"))

    def _answer(self, leased: LeasedTask, plan: str) -> None:
        told, answer = self._shift.told, self._reading(leased)
        task_id = leased.task.task_id
        try:
            outcome = self._shift.queue.answer(task_id, self._name, leased.token, answer)
        except Conflict:
            told.note(f"refused: {plan}")
        else:
            told.note(f"accepted: {plan}")
            with told.lock:
                told.accepted.setdefault(task_id, set()).add((self._name, leased.token))
            if plan == "answer twice" and self._shift.queue.answer(task_id, self._name, leased.token, answer) != outcome:
                told.contradicted += 1
        self._shift.after(1.0, self.claim)

    def _reading(self, leased: LeasedTask) -> Answer:
        kinds: dict[Literal["approve", "reject", "unsure", "escalate"], float] = {"approve": 0.55, "reject": 0.4}
        if not leased.task.senior:
            kinds |= {"unsure": 0.03, "escalate": 0.02}
        verdict = self._draw.choices([*kinds], [*kinds.values()])[0]
        answer = Answer(verdict, seconds=HANDLING)
        if verdict != "reject":
            return answer
        return replace(answer, violated=leased.task.policies[:1], severity="mild", reason="simulated")


def judge(ledger: Ledger, told: ToldReviewers) -> Figures:
    """What the ledger says, held against what reviewers were told."""
    answers = [entry.body for entry in ledger.read(kinds=("answer",)) if isinstance(entry.body, Answered)]
    resolutions = Counter(entry.body.decision_id for entry in ledger.read(kinds=("resolution",)) if isinstance(entry.body, Resolved))
    with ledger.look() as connection:
        rows = connection.execute(select(tasks)).all()
    by_task = Counter(one.task_id for one in answers)
    recorded = {(one.task_id, one.reviewer, one.token) for one in answers}
    accepted = {(task_id, *who) for task_id, all_of_them in told.accepted.items() for who in all_of_them}
    twice = {task_id for task_id, times in by_task.items() if times > 1} | {one for one, by in told.accepted.items() if len(by) > 1}
    done = {row.task_id for row in rows if row.state == "done"}
    asked = {row.about for row in rows if row.kind == "review"}
    waits = [(row.closed_at - row.opened_at) / 1e6 / SETTINGS.deadline_seconds(row.kind) for row in rows if row.state == "done"]
    return {
        "claims": told.claims,
        "tasks": len(rows),
        "answers": len(answers),
        "double_decided": len(twice) + sum(times > 1 for times in resolutions.values()),
        "tasks_lost": sum(row.state in ("open", "leased") for row in rows) + len(done ^ set(by_task)) + len(asked - set(resolutions)),
        "answers_lost": len(accepted ^ recorded),
        "contradicted": told.contradicted,
        "overdue": sum(wait > 1 for wait in waits),
        "longest_wait_of_bound": max(waits, default=0.0),
        "chain_errors": verify(ledger).found,
        "simulated_hours": (max((moment(row.closed_at) for row in rows if row.closed_at), default=START) - START).total_seconds() / 3600,
        "happened": dict(sorted(told.seen.items())),
    }


def _name(place: int) -> str:
    return f"reviewer-{place:02d}"
