"""Whatever reviewers do, and in whatever order: no task answered twice, no case read twice by one person, none lost."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from contextlib import suppress
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from adverdict.domain.errors import Conflict, InvalidInput
from adverdict.domain.verdict import Verdict
from adverdict.ledger.entries import Answered, Appealed, DecisionMade, Resolved, Ruled
from adverdict.ledger.store import Ledger
from adverdict.review.queue import LeasedTask
from adverdict.review.tasks.claims import may_take
from adverdict.review.tasks.routing import Reviewer
from adverdict.review.tasks.settings import ReviewSettings
from adverdict.review.tasks.tasks import Task, routing_key_of
from tests.effort import examples, part_of
from tests.review.desk import PLAIN, Desk

STAFF = (
    Reviewer("anna"),
    Reviewer("sweden", markets=("SE",)),
    Reviewer("german", languages=("de",)),
    Reviewer("boss", senior=True),
    Reviewer("chief", senior=True),
)
RELIEF = tuple(Reviewer(f"relief-{number}", senior=True) for number in range(6))
"""Enough for every case to be read to its end by people who have not read it."""
SOME = ReviewSettings(double_share=0.7, golden_share=0)


@cache
def _empty() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="adverdict-test-"))
    Ledger.open(f"sqlite:///{folder / 'ledger.db'}").close()
    return folder / "ledger.db"


def a_desk(folder: Path, settings: ReviewSettings) -> Desk:
    """On a new SQLite ledger: which database it is makes no difference to what is asked here, and this one is quick to make."""
    shutil.copy(_empty(), folder / "ledger.db")
    return Desk(Ledger.open(f"sqlite:///{folder / 'ledger.db'}", create=False), settings)


class QueueMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="adverdict-test-"))
        self.desk = a_desk(self.folder, SOME)
        self.desk.staff(*STAFF, *RELIEF)
        self.leases: list[LeasedTask] = []
        self.mades: list[DecisionMade] = []
        for verdict in (Verdict.REVIEW, Verdict.APPROVE, Verdict.REVIEW, Verdict.REJECT):
            self._decide(verdict)

    @rule(verdict=st.sampled_from(Verdict), ad=st.sampled_from((("SE", "sv", 3), ("DE", "de", 6), ("DE", None, 0))))
    def decide(self, verdict: Verdict, ad: tuple[str, str | None, int]) -> None:
        self._decide(verdict, *ad)

    @rule(who=st.sampled_from(STAFF))
    def claim(self, who: Reviewer) -> None:
        may = [task for task in self.desk.tasks() if self._may(who, task)]
        leased = self.desk.queue.claim(who.name)
        assert (leased is None) == (not may)
        if leased is not None:
            assert leased.task.due_at == min(task.due_at for task in may)
            self.leases.append(leased)

    @rule(who=st.sampled_from(STAFF[:2]), verdict=st.sampled_from(("approve", "reject", "unsure")))
    def claim_and_answer(self, who: Reviewer, verdict: str) -> None:
        self.claim(who)
        if self.leases and self.leases[-1].task.reviewer == who.name:
            self._answer(self.leases[-1], verdict)

    @precondition(lambda self: self.leases)
    @rule(data=st.data(), verdict=st.sampled_from(("approve", "reject", "unsure", "escalate", "unseen")))
    def answer(self, data: st.DataObject, verdict: str) -> None:
        """Under any lease there ever was, also one that has passed on or was answered already."""
        self._answer(data.draw(st.sampled_from(self.leases)), verdict)

    def _answer(self, leased: LeasedTask, verdict: str) -> None:
        task = self.desk.queue.task(leased.task.task_id)
        good = (task.state, task.token) == ("leased", leased.token)
        end = self.desk.ledger.end()
        try:
            self.desk.give(leased, verdict)
        except InvalidInput:
            assert good
            assert leased.task.senior
        except Conflict:
            assert not good
            assert self.desk.ledger.end() == end
        else:
            assert good or self.desk.ledger.end() == end

    @precondition(lambda self: self.leases)
    @rule(data=st.data(), renews=st.booleans())
    def renew_or_release(self, data: st.DataObject, renews: bool) -> None:
        leased = data.draw(st.sampled_from(self.leases))
        task = self.desk.queue.task(leased.task.task_id)
        change = self.desk.queue.renew if renews else self.desk.queue.release
        if (task.state, task.token) == ("leased", leased.token):
            change(task.task_id, leased.task.reviewer or "", leased.token)
        else:
            with pytest.raises(Conflict):
                change(task.task_id, leased.task.reviewer or "", leased.token)

    @rule(seconds=st.sampled_from((1.0, 500.0, 901.0)))
    def wait(self, seconds: float) -> None:
        self.desk.clock.on(seconds)

    @precondition(lambda self: self.mades)
    @rule(data=st.data())
    def appeal(self, data: st.DataObject) -> None:
        with suppress(InvalidInput, Conflict):
            self.desk.appeal(data.draw(st.sampled_from(self.mades)))

    @invariant()
    def every_task_is_answered_at_most_once_and_done_ones_are(self) -> None:
        answered = Counter(entry.body.task_id for entry in self.desk.ledger.read(kinds=["answer"]) if isinstance(entry.body, Answered))
        assert set(answered.values()) <= {1}
        assert set(answered) == {task.task_id for task in self.desk.tasks() if task.state == "done"}

    @invariant()
    def nobody_has_a_case_twice(self) -> None:
        readers = Counter((task.about, task.reviewer) for task in self.desk.tasks() if task.reviewer is not None)
        assert set(readers.values()) <= {1}

    @invariant()
    def nothing_is_lost(self) -> None:
        for made in self.mades:
            tasks = self.desk.tasks(made)
            under_way = {task.case_id for task in tasks if task.state in ("open", "leased")}
            if made.decision.verdict is Verdict.REVIEW:
                assert self.desk.entries(made, Resolved) or made.decision.decision_id in under_way
            if self.desk.entries(made, Appealed):
                assert self.desk.entries(made, Ruled) or any(case.startswith("app-") for case in under_way)

    def teardown(self) -> None:
        """Enough people read everything to its end."""
        try:
            for who in RELIEF:
                while (leased := self.desk.queue.claim(who.name)) is not None:
                    self.desk.give(leased, "approve")
            self.desk.clock.on(2 * self.desk.settings.lease_seconds)
            for who in RELIEF:
                while (leased := self.desk.queue.claim(who.name)) is not None:
                    self.desk.give(leased, "approve")
            assert {task.state for task in self.desk.tasks()} <= {"done", "withdrawn"}
        finally:
            self.desk.ledger.close()
            shutil.rmtree(self.folder)

    def _decide(self, verdict: Verdict, market: str = "SE", language: str | None = "sv", harm: int = 3) -> None:
        made = self.desk.decide(verdict, audited=0.5, market=market, language=language, impressions=10.0**harm, creative_id="cr")
        self.mades.append(made)

    def _may(self, who: Reviewer, task: Task) -> bool:
        free = task.state == "open" or (task.state == "leased" and task.lease_until is not None and task.lease_until <= self.desk.clock())
        others = [other for other in self.desk.tasks() if other.about == task.about and other.task_id != task.task_id]
        return free and may_take(who, routing_key_of(task)) and all(other.reviewer != who.name for other in others)


TestQueueMachine = QueueMachine.TestCase
TestQueueMachine.settings = examples(
    20, stateful_step_count=part_of(40, 0.5), suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)


@examples(5)
@given(calm=st.lists(st.floats(min_value=0, max_value=100), min_size=1, max_size=6))
def test_harmful_ads_that_keep_coming_never_starve_calm_ones(calm: list[float]) -> None:
    """One grave ad comes every minute and one reviewer answers one a minute: only ageing lets the calm ones through."""
    with tempfile.TemporaryDirectory(prefix="adverdict-test-") as folder:
        desk = a_desk(Path(folder), replace(PLAIN, review_deadline_hours=0.5))
        waiting = {desk.decide(impressions=impressions).decision.decision_id for impressions in calm}
        for _ in range(30 + 2 * len(calm) + 2):
            desk.decide(impressions=1e9)
            waiting.discard(desk.claim("rita").task.about)
            desk.give(desk.queue.held("rita")[0], "approve")
            desk.clock.on(60)
        desk.ledger.close()
    assert not waiting
