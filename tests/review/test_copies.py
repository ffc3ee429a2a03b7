"""Copies that wait are answered with one answer, each with an entry of its own; what is there to measure never is."""

from __future__ import annotations

from typing import Any

import pytest

from adverdict.clusters.follower import ClusterFollower
from adverdict.domain.verdict import Verdict
from adverdict.ledger.entries import Answered, DecisionMade, Resolved
from adverdict.review.cases.answers import Answer, Outcome
from adverdict.review.tasks.copies import BLIND, contradicted, earlier, read_blind, waiting
from adverdict.review.tasks.draws import draws_of
from adverdict.review.tasks.routing import Reviewer
from adverdict.review.tasks.settings import ReviewSettings
from tests.review.desk import Desk

WORDS = "Guaranteed profit without any work: ask our team how thousands of readers double their deposit every week"


def copy(desk: Desk, verdict: Verdict = Verdict.REVIEW, *, words: str = WORDS, blind: bool = False, **ad: Any) -> DecisionMade:
    """The next whose review would be read blind, or not."""
    with desk.ledger.look() as connection:
        draws = draws_of(connection)
    while (draws.draw("carried", draws.task_id(f"dec-{desk.decided + 1:032x}", 0)) < BLIND) is not blind:
        desk.decided += 1
    made = desk.decide(verdict, audited=ad.pop("audited", None), title="", body=f"{words} {desk.decided}", **ad)
    ClusterFollower(desk.ledger).catch_up()
    return made


def answer_all(desk: Desk, verdict: str = "reject", reviewer: str = "ann") -> Outcome:
    leased = desk.claim(reviewer)
    with desk.ledger.look() as connection:
        also = [one.task.task_id for one in waiting(connection, leased.task, Reviewer(reviewer))]
    given = Answer(verdict, ("deceptive",) if verdict == "reject" else (), seconds=12.0)  # type: ignore[arg-type]
    return desk.queue.answer(leased.task.task_id, reviewer, leased.token, given, copies=also)


def test_one_answer_does_for_copies_that_wait_each_with_its_own_entry(desk: Desk) -> None:
    first, second, third = copy(desk), copy(desk, advertiser_id="adv-8"), copy(desk)
    other = copy(desk, words="Fresh oat biscuits from the bakery round the corner, open late on Fridays and Saturdays")
    outcome = answer_all(desk)
    assert len(outcome.copies) == 2
    for made in (second, third):
        (answered,) = desk.entries(made, Answered)
        assert (answered.along_with, answered.seconds, answered.verdict) == (outcome.task_id, None, "reject")
        assert [label.violates for label in answered.labels] == [True]
        (resolved,) = desk.entries(made, Resolved)
        assert resolved.verdict is Verdict.REJECT
    (read,) = desk.entries(first, Answered)
    assert (read.along_with, read.seconds) == (None, 12.0)
    assert [task.state for task in desk.tasks(other)] == ["open"]
    assert desk.queue.claim("ann") is not None
    assert desk.queue.claim("ann") is None


@pytest.mark.parametrize("market", ["DE"])
def test_a_copy_in_another_market_is_a_question_of_its_own(desk: Desk, market: str) -> None:
    copy(desk)
    copy(desk, market=market)
    assert answer_all(desk).copies == ()


def test_audits_and_cases_read_twice_are_never_answered_along(desk: Desk) -> None:
    first = copy(desk)
    copy(desk, Verdict.APPROVE, audited=0.5)
    desk.use(ReviewSettings(double_share=1, golden_share=0))
    copy(desk)
    leased = next(one for one in (desk.claim("ann"), desk.claim("ann"), desk.claim("ann")) if one.task.about == first.decision.decision_id)
    with desk.ledger.look() as connection:
        assert waiting(connection, leased.task, Reviewer("ann")) == []


def test_the_reader_of_an_audit_is_told_nothing_of_copies(desk: Desk) -> None:
    copy(desk)
    desk.say("ann", "reject")
    copy(desk, Verdict.APPROVE, audited=0.5)
    leased = desk.claim("bob")
    with desk.ledger.look() as connection:
        assert leased.task.kind == "audit"
        assert earlier(connection, leased.task) == []
        assert waiting(connection, leased.task, Reviewer("bob")) == []


def test_an_answer_that_contradicts_what_people_made_of_a_copy_is_told(desk: Desk) -> None:
    first = copy(desk)
    desk.say("ann", "reject")
    copy(desk)
    leased = desk.claim("bob")
    with desk.ledger.look() as connection:
        (before,) = earlier(connection, leased.task)
    assert (before.verdict, before.violated, before.by, before.decision_id) == (
        Verdict.REJECT,
        ("deceptive",),
        "ann",
        first.decision.decision_id,
    )
    assert contradicted([before], "approve") == [before]
    assert contradicted([before], "reject") == []
    assert contradicted([before], "unsure") == []


def test_unsure_and_escalated_say_nothing_of_copies(desk: Desk) -> None:
    copy(desk)
    copy(desk)
    assert answer_all(desk, "unsure").copies == ()


def test_a_copy_that_somebody_has_just_taken_is_left_to_them(desk: Desk) -> None:
    copy(desk)
    copy(desk)
    mine, theirs = desk.claim("ann"), desk.claim("bob")
    given = Answer("reject", ("deceptive",))
    assert desk.queue.answer(mine.task.task_id, "ann", mine.token, given, copies=[theirs.task.task_id]).copies == ()
    assert desk.give(theirs, "approve").settled is Verdict.APPROVE


def test_a_fifth_is_read_by_itself_without_knowing_of_copies(desk: Desk) -> None:
    copy(desk)
    desk.say("ann", "reject")
    copy(desk, blind=True)
    copy(desk)
    both = desk.claim("bob"), desk.claim("bob")
    with desk.ledger.look() as connection:
        blind, other = sorted(both, key=lambda one: not read_blind(connection, one.task))
        assert (waiting(connection, blind.task, Reviewer("bob")), earlier(connection, blind.task)) == ([], [])
        assert len(earlier(connection, other.task)) == 1
