from __future__ import annotations

from dataclasses import replace

import pytest

from adverdict.domain.errors import Conflict, InvalidInput
from adverdict.domain.verdict import Verdict
from adverdict.ledger.entries import Answered, Resolved
from adverdict.review.tasks.routing import Reviewer
from tests.ledger.made import an_ad
from tests.review.desk import PLAIN, Desk, with_policies

BOSS = Reviewer("boss", senior=True)
DOUBLED = replace(PLAIN, double_share=1.0)


def test_an_unsure_reviewer_hands_the_case_to_a_senior_one_who_settles_it(desk: Desk) -> None:
    desk.staff(BOSS)
    made = desk.decide()
    outcome = desk.say("rita", "unsure")
    assert outcome.settled is None
    assert desk.queue.claim("sven") is None
    leased = desk.claim("boss")
    assert (leased.task.task_id, leased.task.kind, leased.task.senior) == (outcome.opened[0], "senior", True)
    with pytest.raises(InvalidInput, match="a senior reviewer decides"):
        desk.give(leased, "unsure")
    assert desk.give(leased, "reject").settled is Verdict.REJECT
    assert desk.entries(made, Answered)[0].labels == ()


def test_two_blind_readings_that_agree_settle_a_case_and_never_go_to_one_person(desk: Desk) -> None:
    desk.use(DOUBLED)
    made = desk.decide()
    assert [(task.kind, task.probability) for task in desk.tasks(made)] in (
        [("review", 1.0), ("double", 1.0)],
        [("double", 1.0), ("review", 1.0)],
    )
    first = desk.claim("rita")
    assert desk.queue.claim("rita") is None
    assert desk.give(first, "reject").settled is None
    assert desk.queue.claim("rita") is None
    assert desk.say("sven", "reject").settled is Verdict.REJECT
    assert len(desk.entries(made, Resolved)) == 1


def test_two_blind_readings_that_differ_go_to_a_senior_reviewer(desk: Desk) -> None:
    desk.use(DOUBLED)
    desk.staff(BOSS)
    made = desk.decide()
    desk.say("rita", "reject")
    outcome = desk.say("sven", "approve")
    assert [task.kind for task in desk.tasks(made) if task.state == "open"] == ["senior"]
    assert len(outcome.opened) == 1
    assert desk.say("boss", "approve").settled is Verdict.APPROVE


def test_a_reading_under_way_is_withdrawn_once_a_senior_reviewer_has_settled_the_case(desk: Desk) -> None:
    desk.use(DOUBLED)
    desk.staff(BOSS)
    desk.decide()
    late = desk.claim("rita")
    desk.say("sven", "escalate")
    desk.say("boss", "reject")
    with pytest.raises(Conflict, match="no longer needed"):
        desk.give(late, "approve")


def test_an_audit_that_agrees_changes_nothing(desk: Desk) -> None:
    made = desk.decide(Verdict.APPROVE, audited=0.25)
    [task] = desk.tasks(made)
    assert (task.kind, task.probability, task.shown_kind) == ("audit", 0.25, "review")
    assert desk.say("rita", "approve").settled is None
    assert desk.entries(made, Resolved) == []
    assert [one.source for one in desk.entries(made, Answered)[0].labels] == ["audit"]


def test_every_reading_of_an_audit_says_how_its_ad_was_drawn(desk: Desk) -> None:
    made = desk.decide(Verdict.APPROVE, audited=0.25, design="audit-1")
    for reviewer in ("rita", "sven", "tove"):
        desk.say(reviewer, "reject")
    labels = [label for given in desk.entries(made, Answered) for label in given.labels]
    assert [(one.design, one.inclusion_probability) for one in labels] == [("audit-1", 0.25)] * 3


def test_what_was_left_to_people_came_before_them_for_certain_and_by_no_design(desk: Desk) -> None:
    made = desk.decide(Verdict.REVIEW)
    desk.say("rita", "reject")
    [label] = desk.entries(made, Answered)[0].labels
    assert (label.design, label.inclusion_probability) == (None, 1.0)


def test_an_audit_whose_draw_named_no_design_makes_none_up(desk: Desk) -> None:
    made = desk.decide(Verdict.APPROVE, audited=0.25)
    desk.say("rita", "approve")
    [label] = desk.entries(made, Answered)[0].labels
    assert (label.design, label.inclusion_probability) == (None, 0.25)


def test_an_audit_that_contradicts_is_read_twice_more_and_the_majority_decides(desk: Desk) -> None:
    made = desk.decide(Verdict.APPROVE, audited=0.25)
    assert len(desk.say("rita", "reject").opened) == 2
    assert desk.queue.claim("rita") is None
    assert desk.say("sven", "approve").settled is None
    outcome = desk.say("tove", "reject")
    assert (outcome.settled, outcome.by) == (Verdict.REJECT, "audit")
    [resolution] = desk.entries(made, Resolved)
    assert (resolution.by, resolution.violated) == ("audit", ("deceptive",))
    assert {(task.kind, task.probability) for task in desk.tasks(made)} == {("audit", 0.25), ("double", 1.0)}


def test_an_audit_that_agrees_is_read_again_with_the_recorded_probability(desk: Desk) -> None:
    desk.use(replace(PLAIN, double_share=0.999))
    made = desk.decide(Verdict.APPROVE, audited=0.25)
    desk.say("rita", "approve")
    assert sorted((task.kind, task.probability) for task in desk.tasks(made)) == [("audit", 0.25), ("double", 0.999), ("double", 0.999)]


def test_audits_wait_alike_however_harmful_the_ad_is(desk: Desk) -> None:
    waits = {
        task.due_at - task.opened_at
        for impressions in (1.0, 1e9)
        for task in desk.tasks(desk.decide(Verdict.APPROVE, audited=0.25, impressions=impressions))
    }
    assert len(waits) == 1


def test_a_review_asks_about_what_stopped_the_ad_and_an_audit_about_everything(desk: Desk) -> None:
    for verdict, asked in ((Verdict.REVIEW, ("gambling",)), (Verdict.APPROVE, ("deceptive", "gambling"))):
        made = desk.decide(verdict, audited=0.25)
        decision = with_policies(made.decision, "deceptive", "gambling").model_copy(update={"decision_id": f"dec-{verdict}"})
        first, second = decision.policies
        first = first.model_copy(update={"verdict": Verdict.APPROVE})
        decision = decision.model_copy(update={"policies": (first, second)})
        again = desk.append(made.model_copy(update={"ad": an_ad(99), "decision": decision}))
        assert [task.policies for task in desk.tasks(again)] == [asked]


def test_approving_labels_every_policy_asked_and_rejecting_only_those_named(desk: Desk) -> None:
    for verdict, told in (("approve", {("deceptive", False), ("gambling", False)}), ("reject", {("gambling", True)}), ("unsure", set())):
        made = desk.decide()
        decision = with_policies(made.decision, "deceptive", "gambling").model_copy(update={"decision_id": f"dec-{verdict}"})
        with desk.ledger.change() as connection:
            connection.exec_driver_sql("DELETE FROM tasks")
        again = desk.append(made.model_copy(update={"decision": decision}))
        desk.say("rita", verdict, ("gambling",))
        [answer] = desk.entries(again, Answered)
        assert {(one.policy, one.violates) for one in answer.labels} == told
