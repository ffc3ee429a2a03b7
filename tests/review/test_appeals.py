from __future__ import annotations

import pytest
from sqlalchemy import Connection, event

from adverdict.domain.errors import Conflict, InvalidInput, NotFound
from adverdict.domain.verdict import Verdict
from adverdict.ledger.entries import Answered, Appealed, Resolved, Ruled
from adverdict.ledger.store import Ledger
from adverdict.review.cases import appeals
from adverdict.review.tasks.routing import Reviewer
from tests.ledger.made import START, labelled
from tests.review.desk import BOOK, PLAIN, Desk


def test_an_appeal_goes_to_somebody_who_has_not_read_the_case(desk: Desk) -> None:
    made = desk.decide()
    desk.say("rita", "reject")
    desk.appeal(made)
    assert desk.queue.claim("rita") is None
    task = desk.claim("sven").task
    assert (task.kind, task.policies, task.probability) == ("appeal", ("deceptive",), 1.0)


def test_an_upheld_appeal_leaves_the_verdict(desk: Desk) -> None:
    made = desk.decide()
    desk.say("rita", "reject")
    appeal_id = desk.appeal(made)
    outcome = desk.say("sven", "reject")
    [ruling] = desk.entries(made, Ruled)
    assert (outcome.ruling, outcome.settled) == ("upheld", None)
    assert (ruling.appeal_id, ruling.outcome, ruling.reviewer, ruling.retracted, ruling.policies) == (appeal_id, "upheld", "sven", (), ())
    assert [one.by for one in desk.entries(made, Resolved)] == ["review"]
    assert desk.entries(made, Answered)[1].labels[0].source == "appeal"


def test_an_overturned_rejection_is_repaired(desk: Desk) -> None:
    made = desk.decide(creative_id="cr-same")
    with desk.ledger.write() as writing:
        writing.append("lab-1", labelled(made), desk.clock())
    desk.say("rita", "reject")
    later = desk.decide(Verdict.REJECT, creative_id="cr-same")
    other = desk.decide(Verdict.REJECT, creative_id="cr-other")
    approved = desk.decide(Verdict.APPROVE, creative_id="cr-same")
    desk.appeal(made)
    outcome = desk.say("sven", "approve")
    assert (outcome.ruling, outcome.settled, outcome.by) == ("overturned", Verdict.APPROVE, "appeal")
    [ruling] = desk.entries(made, Ruled)
    wrong = desk.entries(made, Answered)[0]
    assert ruling.retracted == ("lab-1", f"ans-{wrong.task_id}")
    assert ruling.policies == ("deceptive",)
    assert [one.verdict for one in desk.entries(made, Resolved)] == [Verdict.REJECT, Verdict.APPROVE]
    assert [task.kind for task in desk.tasks(later)] == ["review"]
    assert outcome.opened == (desk.tasks(later)[0].task_id,)
    assert desk.tasks(other) == desk.tasks(approved) == []
    assert desk.say("tove", "approve").settled is Verdict.APPROVE


def test_labels_on_another_decision_about_the_same_version_are_retracted_too(desk: Desk) -> None:
    made = desk.decide(Verdict.REJECT)
    twin = desk.append(made.model_copy(update={"decision": made.decision.model_copy(update={"decision_id": "dec-twin"}), "first": False}))
    with desk.ledger.write() as writing:
        writing.append("lab-1", labelled(twin), desk.clock())
        writing.append("lab-2", labelled(twin, violates=False), desk.clock())
    desk.appeal(made)
    desk.say("rita", "approve")
    assert desk.entries(made, Ruled)[0].retracted == ("lab-1",)


def test_only_rejections_that_followed_the_wrong_label_are_read_again(desk: Desk) -> None:
    before = desk.decide(Verdict.REJECT, creative_id="cr-same")
    made = desk.decide(creative_id="cr-same")
    desk.say("rita", "reject")
    desk.appeal(made)
    assert desk.say("sven", "approve").opened == ()
    assert desk.tasks(before) == []


def test_rejections_that_a_person_read_or_is_about_to_read_get_no_second_task(desk: Desk) -> None:
    made = desk.decide(Verdict.REJECT, creative_id="cr-same")
    read = desk.decide(Verdict.REJECT, audited=0.5, creative_id="cr-same")
    desk.say("rita", "reject")
    waiting = desk.decide(Verdict.REJECT, audited=0.5, creative_id="cr-same")
    desk.appeal(made)
    leased = desk.claim("sven")
    if leased.task.kind != "appeal":
        leased = desk.claim("sven")
    assert desk.give(leased, "approve").opened == ()
    assert len(desk.tasks(read)) == len(desk.tasks(waiting)) == 1


def test_open_tasks_on_an_overturned_decision_are_withdrawn_even_from_who_holds_them(desk: Desk) -> None:
    made = desk.decide(Verdict.REJECT, audited=0.5)
    audit = desk.claim("rita")
    desk.appeal(made)
    desk.say("sven", "approve")
    with pytest.raises(Conflict, match="no longer needed"):
        desk.give(audit, "reject")


def test_who_cannot_tell_hands_an_appeal_to_a_senior_reviewer(desk: Desk) -> None:
    desk.staff(Reviewer("boss", senior=True))
    made = desk.decide(Verdict.REJECT)
    appeal_id = desk.appeal(made)
    outcome = desk.say("rita", "unsure")
    assert outcome.ruling is None
    assert desk.queue.claim("sven") is None
    leased = desk.claim("boss")
    assert (leased.task.kind, leased.task.case_id, leased.task.senior) == ("appeal", appeal_id, True)
    assert desk.give(leased, "reject").ruling == "upheld"


def test_an_upheld_appeal_restores_a_rejection_that_an_audit_took_back_meanwhile(desk: Desk) -> None:
    made = desk.decide(Verdict.REJECT, audited=0.5)
    desk.clock.on(1)
    desk.appeal(made)
    held = desk.claim("sven")
    assert held.task.kind == "appeal"
    for reader in ("rita", "tove", "ugo"):
        desk.say(reader, "approve")
    assert desk.entries(made, Resolved)[-1].verdict is Verdict.APPROVE
    assert desk.give(held, "reject").settled is Verdict.REJECT


def test_an_answer_to_an_appeal_sent_again_says_the_same(desk: Desk) -> None:
    made = desk.decide(Verdict.REJECT, creative_id="cr-same")
    for _ in range(150):
        desk.decide(Verdict.REJECT, creative_id="cr-same")
    desk.appeal(made)
    leased = desk.claim("rita")
    outcome = desk.give(leased, "approve")
    assert len(outcome.opened) == 150
    assert desk.give(leased, "approve") == outcome


def test_of_very_many_rejections_the_last_are_read_again_in_order_and_found_at_once(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(appeals, "REREAD", 4)
    made = desk.decide(Verdict.REJECT, creative_id="cr-same")
    later = [desk.decide(Verdict.REJECT, creative_id="cr-same") for _ in range(9)]
    desk.appeal(made)
    said: list[str] = []

    @event.listens_for(desk.ledger.engine, "before_cursor_execute")
    def heard(connection: Connection, cursor: object, statement: str, *_: object) -> None:
        said.append(statement)

    outcome = desk.say("rita", "approve")
    assert [task.task_id for one in later for task in desk.tasks(one)] == list(outcome.opened)
    assert [bool(desk.tasks(one)) for one in later] == [False] * 5 + [True] * 4
    assert len([one for one in said if "entries.entry_id =" in one]) < 4, "none of them is looked up by itself"


@pytest.mark.parametrize("verdict", [Verdict.APPROVE, Verdict.REVIEW])
def test_only_a_rejection_can_be_appealed_against(desk: Desk, verdict: Verdict) -> None:
    made = desk.decide(verdict)
    with pytest.raises(InvalidInput) as error:
        desk.appeal(made, " ")
    assert [mistake.field for mistake in error.value.mistakes] == ["decision_id", "statement"]
    assert desk.entries(made, Appealed) == []


def test_a_decision_is_appealed_against_once(desk: Desk) -> None:
    made = desk.decide(Verdict.REJECT)
    desk.appeal(made)
    with pytest.raises(Conflict, match="already"):
        desk.appeal(made)
    assert len(desk.entries(made, Appealed)) == 1


def test_an_appeal_needs_a_decision(ledger: Ledger) -> None:
    with pytest.raises(NotFound, match="dec-none"):
        appeals.appeal(ledger, "dec-none", "why?", "platform", book=BOOK, settings=PLAIN, now=START)
