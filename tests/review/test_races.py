"""What may happen at once, on real threads. Each test ends: nothing deadlocks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier

import pytest

from adverdict.domain.errors import AdverdictError, Conflict
from adverdict.domain.verdict import Verdict
from adverdict.ledger.entries import Answered, Appealed, Resolved
from adverdict.ledger.verify import verify
from adverdict.review.cases.answers import Answer, Outcome
from adverdict.review.tasks.draws import draw
from adverdict.review.tasks.routing import Reviewer
from adverdict.review.tasks.settings import ReviewSettings
from tests.ledger.made import erase_rows
from tests.review.desk import PLAIN, Desk


def at_once(*calls: Callable[[], object]) -> list[object]:
    """What each returned, or the error it raised on purpose."""
    ready = Barrier(len(calls))

    def run(call: Callable[[], object]) -> object:
        ready.wait()
        try:
            return call()
        except AdverdictError as error:
            return error

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def of_kind(results: Sequence[object], kind: type) -> int:
    return sum(isinstance(one, kind) for one in results)


def test_a_task_claimed_at_once_goes_to_one(desk: Desk) -> None:
    desk.decide()
    results = at_once(*[lambda name=name: desk.queue.claim(name) for name in ("rita", "sven", "tove", "ugo")])
    assert sum(one is not None for one in results) == 1


def test_the_same_reviewer_in_two_windows_never_gets_both_readings_of_a_case(desk: Desk) -> None:
    desk.use(replace(PLAIN, double_share=1.0))
    desk.decide()
    results = at_once(*[lambda: desk.queue.claim("rita")] * 4)
    assert sum(one is not None for one in results) == 1


def test_one_answer_sent_twice_at_once_is_recorded_once(desk: Desk) -> None:
    made = desk.decide()
    leased = desk.claim("rita")
    results = at_once(*[lambda: desk.give(leased, "approve")] * 3)
    assert of_kind(results, Outcome) == 3
    assert len(set(map(repr, results))) == 1
    assert len(desk.entries(made, Answered)) == len(desk.entries(made, Resolved)) == 1


def test_of_two_answers_at_once_one_counts(desk: Desk) -> None:
    made = desk.decide()
    leased = desk.claim("rita")
    results = at_once(lambda: desk.give(leased, "approve"), lambda: desk.give(leased, "reject"))
    assert (of_kind(results, Outcome), of_kind(results, Conflict)) == (1, 1)
    assert len(desk.entries(made, Answered)) == 1


def test_two_readings_that_finish_together_settle_the_case_once(desk: Desk) -> None:
    desk.use(replace(PLAIN, double_share=1.0))
    for _ in range(5):
        made = desk.decide()
        leases = [desk.claim("rita"), desk.claim("sven")]
        results = at_once(*[lambda one=one: desk.give(one, "approve") for one in leases])
        assert sorted(one.settled or "" for one in results if isinstance(one, Outcome)) == ["", Verdict.APPROVE]
        assert len(desk.entries(made, Resolved)) == 1


def test_an_expired_lease_claimed_while_its_holder_answers_is_decided_once(desk: Desk) -> None:
    for _ in range(5):
        made = desk.decide()
        leased = desk.claim("rita")
        desk.clock.on(desk.settings.lease_seconds + 1)
        answered, claimed = at_once(lambda leased=leased: desk.give(leased, "approve"), lambda: desk.queue.claim("sven"))
        assert isinstance(answered, Outcome) == (claimed is None)
        if claimed is not None:
            assert isinstance(answered, Conflict)
            desk.give(claimed, "approve")  # type: ignore[arg-type]
        assert len(desk.entries(made, Answered)) == 1


def test_appeals_brought_at_once_are_one(desk: Desk) -> None:
    made = desk.decide(Verdict.REJECT)
    results = at_once(*[lambda: desk.appeal(made)] * 3)
    assert (of_kind(results, str), of_kind(results, Conflict)) == (1, 2)
    assert len(desk.entries(made, Appealed)) == len(desk.tasks(made)) == 1


def test_an_overturning_answer_and_an_audit_reading_at_once_leave_one_verdict(desk: Desk) -> None:
    for _ in range(5):
        made = desk.decide(Verdict.REJECT, audited=0.5)
        desk.appeal(made)
        leases = sorted((desk.claim("rita"), desk.claim("sven")), key=lambda one: one.task.kind)
        at_once(lambda leases=leases: desk.give(leases[0], "approve"), lambda leases=leases: desk.give(leases[1], "reject"))
        assert [one.verdict for one in desk.entries(made, Resolved)] == [Verdict.APPROVE]
        assert {task.state for task in desk.tasks(made)} <= {"done", "withdrawn"}


def test_a_task_whose_ad_was_erased_is_withdrawn_from_the_queue_and_from_its_holder(desk: Desk) -> None:
    held_made, open_made, kept = desk.decide(), desk.decide(), desk.decide()
    held = desk.claim("rita")
    assert held.task.about == held_made.decision.decision_id
    erase_rows(desk.ledger, 1, 2)
    with pytest.raises(Conflict, match="erased"):
        desk.give(held, "approve")
    assert desk.claim("sven").task.about == kept.decision.decision_id
    assert [task.state for task in desk.tasks(open_made)] == ["withdrawn"]


def test_many_reviewers_at_once_answer_everything_once_and_nothing_is_lost(desk: Desk) -> None:
    desk.use(ReviewSettings(double_share=0.3, golden_share=0))
    seniors = ("boss", "chief", "head", "lead")  # more than read a case before it is a senior one's
    desk.staff(*[Reviewer(name, senior=True) for name in seniors])
    mades = [desk.decide(verdict, audited=0.5) for verdict in (Verdict.REVIEW, Verdict.APPROVE, Verdict.REJECT) * 8]
    verdicts = ("approve", "reject", "unsure")

    def work(name: str) -> int:
        answered = 0
        while (leased := desk.queue.claim(name)) is not None:
            allowed = verdicts[: 2 if leased.task.senior else 3]
            verdict = allowed[int(draw("answer", name, leased.task.task_id) * len(allowed))]
            violated = leased.task.policies if verdict == "reject" else ()
            try:
                desk.queue.answer(leased.task.task_id, name, leased.token, Answer(verdict, violated))  # type: ignore[arg-type]
                answered += 1
            except Conflict as error:
                if "no longer needed" not in str(error):  # others settled the case meanwhile
                    raise
        return answered

    names = ("rita", "sven", *seniors)
    answered = 0
    while now := sum(int(str(one)) for one in at_once(*[lambda name=name: work(name) for name in names])):
        answered += now  # what opens after somebody went home waits for the next round
    answers = [entry.body for entry in desk.ledger.read(kinds=["answer"])]
    assert answered == len(answers)
    assert {task.state for task in desk.tasks()} <= {"done", "withdrawn"}
    read = [(one.reviewer, one.decision_id) for one in answers if isinstance(one, Answered)]
    assert len(read) == len(set(read))
    assert all(desk.entries(made, Resolved) for made in mades if made.decision.verdict is Verdict.REVIEW)
    assert not verify(desk.ledger).problems
