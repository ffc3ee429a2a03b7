from __future__ import annotations

import pytest

from adverdict.domain.errors import Conflict, InvalidInput, NotFound
from adverdict.domain.verdict import Verdict
from adverdict.ledger.entries import Answered, Resolved
from adverdict.ledger.erase import erase
from adverdict.review.cases.answers import Answer
from tests.ledger.made import minutes
from tests.review.desk import Desk


def test_an_answer_is_recorded_with_its_labels_and_settles_the_case(desk: Desk) -> None:
    made = desk.decide()
    leased = desk.claim("rita")
    outcome = desk.queue.answer(leased.task.task_id, "rita", leased.token, Answer("reject", ("deceptive",), "extreme", "a scam", 12.5))
    [answer], [resolution] = desk.entries(made, Answered), desk.entries(made, Resolved)
    assert (outcome.settled, outcome.by) == (Verdict.REJECT, "review")
    assert (answer.reviewer, answer.token, answer.verdict, answer.asked) == ("rita", 1, "reject", ("deceptive",))
    assert [(one.policy, one.violates, one.rater_id, one.source, one.severity) for one in answer.labels] == [
        ("deceptive", True, "rita", "review", "extreme")
    ]
    assert (resolution.verdict, resolution.violated, resolution.by) == (Verdict.REJECT, ("deceptive",), "review")
    assert [task.state for task in desk.tasks()] == ["done"]


def test_two_reviewers_never_hold_the_same_task(desk: Desk) -> None:
    desk.decide()
    desk.claim("rita")
    assert desk.queue.claim("sven") is None


def test_a_task_whose_lease_ran_out_goes_to_the_next_and_the_first_holder_is_refused(desk: Desk) -> None:
    desk.decide()
    first = desk.claim("rita")
    desk.clock.on(desk.settings.lease_seconds)
    second = desk.claim("sven")
    assert (second.task.task_id, second.token) == (first.task.task_id, first.token + 1)
    with pytest.raises(Conflict, match="somebody else"):
        desk.give(first, "approve")
    assert desk.give(second, "approve").settled is Verdict.APPROVE


def test_a_lease_that_ran_out_is_still_good_while_nobody_else_has_the_task(desk: Desk) -> None:
    desk.decide()
    leased = desk.claim("rita")
    desk.clock.on(10 * desk.settings.lease_seconds)
    assert desk.give(leased, "approve").settled is Verdict.APPROVE


def test_a_renewed_lease_keeps_the_task(desk: Desk) -> None:
    desk.decide()
    leased = desk.claim("rita")
    desk.clock.on(desk.settings.lease_seconds - 1)
    renewed = desk.queue.renew(leased.task.task_id, "rita", leased.token)
    desk.clock.on(desk.settings.lease_seconds - 1)
    assert renewed.token == leased.token
    assert desk.queue.claim("sven") is None
    assert desk.queue.held("rita") == [renewed]


def test_a_released_task_is_open_to_everybody_again(desk: Desk) -> None:
    desk.decide()
    leased = desk.claim("rita")
    desk.queue.release(leased.task.task_id, "rita", leased.token)
    assert desk.queue.held("rita") == []
    assert desk.claim("sven").token == leased.token + 1
    for refused in (desk.queue.renew, desk.queue.release):
        with pytest.raises(Conflict):
            refused(leased.task.task_id, "rita", leased.token)


def test_an_answer_sent_again_says_the_same_and_changes_nothing(desk: Desk) -> None:
    desk.decide()
    leased = desk.claim("rita")
    first = desk.give(leased, "unsure")
    end = desk.ledger.end()
    assert first.opened
    assert desk.give(leased, "unsure") == first
    assert desk.ledger.end() == end


@pytest.mark.parametrize(("first", "again"), [("  ", "  "), (None, ""), ("\t", None), (" why ", " why ")])
def test_an_answer_sent_again_is_the_same_with_a_reason_that_is_recorded_alike(desk: Desk, first: str | None, again: str | None) -> None:
    desk.decide()
    leased = desk.claim("rita")
    told = desk.queue.answer(leased.task.task_id, "rita", leased.token, Answer("approve", reason=first))
    assert desk.queue.answer(leased.task.task_id, "rita", leased.token, Answer("approve", reason=again)) == told


@pytest.mark.parametrize(
    ("reviewer", "answer"),
    [
        ("rita", Answer("reject", ("deceptive",))),
        ("rita", Answer("approve", reason="another reason")),
        ("sven", Answer("approve")),
    ],
)
def test_another_answer_to_an_answered_task_is_a_conflict(desk: Desk, reviewer: str, answer: Answer) -> None:
    desk.decide()
    leased = desk.claim("rita")
    desk.give(leased, "approve")
    with pytest.raises(Conflict, match="answered already"):
        desk.queue.answer(leased.task.task_id, reviewer, leased.token, answer)


def test_every_mistake_of_an_answer_is_told_and_the_lease_stays(desk: Desk) -> None:
    desk.decide()
    leased = desk.claim("rita")
    wrong = Answer("approve", ("gambling",), "awful", "x" * 100_001, float("nan"))  # type: ignore[arg-type]
    with pytest.raises(InvalidInput) as error:
        desk.queue.answer(leased.task.task_id, "rita", leased.token, wrong)
    assert [mistake.field for mistake in error.value.mistakes] == ["violated", "severity", "violated", "severity", "seconds", "reason"]
    assert desk.give(leased, "approve").settled is Verdict.APPROVE


def test_a_rejection_names_a_policy(desk: Desk) -> None:
    desk.decide()
    leased = desk.claim("rita")
    with pytest.raises(InvalidInput, match="at least one policy"):
        desk.give(leased, "reject", ())


def test_an_unknown_task_is_not_found(desk: Desk) -> None:
    with pytest.raises(NotFound, match="tsk-none"):
        desk.queue.answer("tsk-none", "rita", 1, Answer("approve"))
    with pytest.raises(NotFound, match="tsk-none"):
        desk.queue.renew("tsk-none", "rita", 1)


def test_who_holds_a_task_whose_ad_is_erased_is_told_that_it_was_withdrawn(desk: Desk) -> None:
    made = desk.decide()
    leased = desk.claim("rita")
    erase(desk.ledger, advertiser=made.ad.advertiser_id, why="asked to", by="dora", now=minutes(9), rewrite=False)
    under = leased.task.task_id, "rita", leased.token
    for asks in (desk.queue.renew, desk.queue.release, lambda *told: desk.queue.answer(*told, Answer("approve"))):
        with pytest.raises(Conflict, match="withdrawn, as its ad was erased"):
            asks(*under)


def test_looking_ahead_tells_what_comes_next_and_leases_nothing(desk: Desk) -> None:
    for _ in range(3):
        desk.decide()
        desk.clock.on(1)
    held = desk.claim("rita")
    ahead = desk.queue.peek("rita", besides=held.task.task_id)
    assert ahead is not None
    assert ahead.state == "open"
    assert desk.claim("rita").task.task_id == ahead.task_id
    assert desk.queue.peek("rita", besides=desk.tasks()[2].task_id) is None
