"""A planned sample in the queue: read blind, asked under every policy, counted by its own draw."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from adverdict.domain.errors import InvalidInput
from adverdict.domain.verdict import Verdict
from adverdict.ledger.entries import Answered, DecisionMade, Resolved
from adverdict.ledger.verify import verify
from adverdict.review.labels.export import export
from adverdict.review.samples import OpenedSample, SampledAd, open_sample
from adverdict.review.tasks.routing import Reviewer
from adverdict.review.tasks.superseding import withdraw_opened, withdraw_superseded
from adverdict.review.tasks.tasks import Draw, Task
from adverdict.rollout.designs import by_design
from adverdict.storage.tables.pack import read_pack
from tests.ledger.made import an_ad
from tests.review.desk import Desk

DESIGN = "sample-0123abcd-3"
BOTH = {"deceptive": Draw(DESIGN, 0.03), "gambling": Draw(f"{DESIGN}/edge", 0.5)}


def opened(desk: Desk, *made: DecisionMade) -> OpenedSample:
    return open_sample(desk.ledger, "0123abcd", [SampledAd(one.ad, BOTH) for one in made], desk.settings, desk.clock())


def _of_kind(desk: Desk, made: DecisionMade, kind: str) -> Task:
    return next(task for task in desk.tasks(made) if task.kind == kind)


def test_a_task_a_drawn_ad_due_in_a_week_and_shown_like_any_other(desk: Desk) -> None:
    made = desk.decide(Verdict.APPROVE)
    assert opened(desk, made) == OpenedSample(1, 0)
    assert opened(desk, made) == OpenedSample(0, 1)
    task = desk.claim("rita").task
    assert (task.kind, task.shown_kind, task.policies, task.drawn) == ("sample", "review", ("deceptive", "gambling"), BOTH)
    assert task.due_at - task.opened_at == timedelta(days=7)
    assert desk.queue.claim("sven") is None


def test_the_labels_carry_their_draw_into_the_pack_and_the_certificates(desk: Desk, tmp_path: Path) -> None:
    made = [desk.decide(Verdict.APPROVE), desk.decide(Verdict.REVIEW), desk.decide(Verdict.APPROVE, audited=0.2, design="audit-2")]
    opened(desk, *made)
    while (leased := desk.queue.claim("rita")) is not None:
        desk.give(leased, "approve")
    while (leased := desk.queue.claim("sven")) is not None:
        desk.give(leased, "approve")
    export(desk.ledger, tmp_path / "out")
    labels = read_pack(tmp_path / "out").labels
    told = {(label.source, label.policy, label.design, label.inclusion_probability) for label in labels}
    assert told == {
        ("review", "deceptive", DESIGN, 0.03),
        ("review", "gambling", f"{DESIGN}/edge", 0.5),
        *(("review", policy, None, 1.0) for policy in _of_kind(desk, made[1], "review").policies),
        *(("audit", policy, "audit-2", 0.2) for policy in _of_kind(desk, made[2], "audit").policies),
    }
    designed = by_design(labels)
    assert designed.complete
    assert {(label.ad_id, label.policy) for label in designed.random} == {(one.ad.ad_id, "deceptive") for one in made}


def test_what_a_rejection_leaves_unsaid_is_asked_of_somebody_else(desk: Desk) -> None:
    made = desk.decide(Verdict.REJECT)
    opened(desk, made)
    outcome = desk.say("rita", "reject", ["deceptive"])
    assert (outcome.settled, len(outcome.opened)) == (None, 1)
    assert desk.queue.claim("rita") is None
    leased = desk.claim("sven")
    assert (leased.task.kind, leased.task.policies) == ("sample", ("gambling",))
    assert desk.give(leased, "approve").opened == ()
    said = {label.policy: label.violates for answer in desk.entries(made, Answered) for label in answer.labels}
    assert said == {"deceptive": True, "gambling": False}
    assert desk.entries(made, Resolved) == []


def test_an_approved_ad_that_violates_comes_down_once_two_of_three_say_so(desk: Desk) -> None:
    made = desk.decide(Verdict.APPROVE)
    opened(desk, made)
    assert desk.say("rita", "reject").settled is None
    assert desk.say("sven", "approve").settled is None
    outcome = desk.say("tove", "reject")
    assert (outcome.settled, outcome.by, outcome.opened) == (Verdict.REJECT, "audit", ())
    assert [one.verdict for one in desk.entries(made, Resolved)] == [Verdict.REJECT]
    assert desk.queue.claim("ursula") is None


def test_an_ad_left_to_people_is_measured_and_not_decided(desk: Desk) -> None:
    desk.staff(Reviewer("boss", senior=True))
    made = desk.decide(Verdict.REVIEW)
    opened(desk, made)
    tasks = {task.kind: task for task in desk.tasks(made)}
    first = desk.claim("rita")
    assert first.task.task_id == tasks["review"].task_id
    unsure = desk.say("sven", "unsure")
    assert desk.give(first, "reject").settled is Verdict.REJECT
    senior = desk.claim("boss")
    assert (senior.task.task_id, senior.task.drawn) == (unsure.opened[0], BOTH)
    desk.give(senior, "approve")
    assert [one.verdict for one in desk.entries(made, Resolved)] == [Verdict.REJECT]


def test_a_later_decision_and_its_withdrawal_leave_the_sample_in_the_queue(desk: Desk) -> None:
    made = desk.decide(Verdict.REVIEW)
    opened(desk, made)
    with desk.ledger.write() as writing:
        assert withdraw_superseded(writing.connection, {made.decision.decision_id: Verdict.REVIEW}, desk.clock()) == 1
        assert withdraw_opened(writing.connection, "step-1", desk.clock()) == 0
    assert [task.kind for task in desk.tasks(made) if task.state == "open"] == ["sample"]
    assert verify(desk.ledger).problems == ()


def test_ads_never_decided_here_are_named_and_no_task_is_opened(desk: Desk) -> None:
    made = desk.decide(Verdict.APPROVE)
    strangers = [an_ad(number) for number in range(100, 125)]
    with pytest.raises(InvalidInput) as caught:
        open_sample(desk.ledger, "0123abcd", [SampledAd(ad, BOTH) for ad in (made.ad, *strangers)], desk.settings, desk.clock())
    assert [mistake.value for mistake in caught.value.mistakes] == [ad.ad_id for ad in strangers[:20]]
    assert "25 ads of the sample are not on record (5 more are not named)" in str(caught.value)
    assert desk.tasks() == []
