"""A ledger with decisions in it, a queue on top, and reviewers who do as they are told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from adverdict.decisions.policy import MarketRules, PolicyBook
from adverdict.domain.decision import Audit, Decision
from adverdict.domain.verdict import Verdict
from adverdict.ledger.entries import DecisionMade
from adverdict.ledger.schema import tasks as table
from adverdict.ledger.store import Ledger
from adverdict.review.cases import appeals
from adverdict.review.cases.answers import Answer, Outcome
from adverdict.review.queue import LeasedTask, Queue
from adverdict.review.tasks import routing
from adverdict.review.tasks.opening import open_tasks
from adverdict.review.tasks.routing import Reviewer
from adverdict.review.tasks.settings import ReviewSettings
from adverdict.review.tasks.tasks import Task, task_of
from tests.decisions.build import POLICY
from tests.ledger.keyed import with_known_key
from tests.ledger.made import START, a_decision, an_ad

MARKETS = ("SE", "DE", "BR")
POLICIES = ("deceptive", "gambling", "kids_unsuitable")
BOOK = PolicyBook(names=POLICIES, rules={market: MarketRules(tuple(replace(POLICY, name=name) for name in POLICIES)) for market in MARKETS})
PLAIN = ReviewSettings(double_share=0, golden_share=0)
"""Nothing left to chance."""


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def on(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


class Desk:
    """What the tests of this folder do, in short words."""

    def __init__(self, ledger: Ledger, settings: ReviewSettings = PLAIN) -> None:
        self.ledger = with_known_key(ledger)
        self.clock = Clock()
        self.decided = 0
        self.use(settings)

    def use(self, settings: ReviewSettings) -> None:
        self.settings = settings
        self.queue = Queue(self.ledger, BOOK, settings, self.clock)

    def staff(self, *who: Reviewer) -> None:
        with self.ledger.change() as connection:
            for one in who:
                routing.register(connection, one)

    def decide(
        self, verdict: Verdict = Verdict.REVIEW, *, audited: float | None = None, design: str | None = None, **ad: Any
    ) -> DecisionMade:
        """One decision with its tasks; ``audited``: drawn for the audit stream with this probability, by this ``design``."""
        self.decided += 1
        made_ad = an_ad(self.decided, **ad)
        decision = a_decision(made_ad, verdict, at=self.clock(), decision_id=f"dec-{self.decided:032x}")
        if verdict is not Verdict.REVIEW:
            decision = decision.model_copy(update={"audit": Audit(probability=audited or 0.1, chosen=audited is not None, design=design)})
        return self.append(DecisionMade(ad=made_ad, decision=decision, first=True))

    def append(self, *mades: DecisionMade) -> DecisionMade:
        with self.ledger.write() as writing:
            for made in mades:
                writing.append(made.decision.decision_id, made, made.decision.decided_at)
            open_tasks(writing, mades, BOOK, self.settings, self.clock())
        return mades[-1]

    def claim(self, reviewer: str) -> LeasedTask:
        leased = self.queue.claim(reviewer)
        assert leased is not None, f"nothing for {reviewer}"
        return leased

    def say(self, reviewer: str, verdict: str, violated: Sequence[str] = ("deceptive",)) -> Outcome:
        """Claim the next task and answer it."""
        leased = self.claim(reviewer)
        return self.give(leased, verdict, violated)

    def give(self, leased: LeasedTask, verdict: str, violated: Sequence[str] = ("deceptive",)) -> Outcome:
        answer = Answer(verdict, tuple(violated) if verdict == "reject" else ())  # type: ignore[arg-type]
        assert leased.task.reviewer is not None
        return self.queue.answer(leased.task.task_id, leased.task.reviewer, leased.token, answer)

    def appeal(self, made: DecisionMade, statement: str = "We only advise.") -> str:
        decision = made.decision.decision_id
        return appeals.appeal(self.ledger, decision, statement, "platform", book=BOOK, settings=self.settings, now=self.clock())

    def tasks(self, about: DecisionMade | None = None) -> list[Task]:
        query = select(table).order_by(table.c.opened_at, table.c.task_id)
        if about is not None:
            query = query.where(table.c.about == about.decision.decision_id)
        with self.ledger.look() as connection:
            return [task_of(row) for row in connection.execute(query)]

    def entries(self, made: DecisionMade, kind: type) -> list[Any]:
        return [one.body for one in self.ledger.about(made.decision.decision_id) if isinstance(one.body, kind)]


def with_policies(decision: Decision, *names: str) -> Decision:
    """The same verdict under these policies."""
    first = decision.policies[0]
    return decision.model_copy(update={"policies": tuple(first.model_copy(update={"policy": name}) for name in names)})
