"""Quality comes with what it was counted from, policy by policy; and says nothing where nothing was read."""

from __future__ import annotations

import json
import random

import pytest
from sqlalchemy import insert

from adverdict.domain.errors import InvalidSettings
from adverdict.domain.verdict import Verdict
from adverdict.ledger.entries import DecisionMade
from adverdict.ledger.schema import golden
from adverdict.ledger.store import Ledger
from adverdict.review.quality.quality import PolicyQuality, QualityReport, Workload, quality
from tests.review.story import POLICIES, Story, a_decision, an_ad, minutes

APPROVE, REVIEW, REJECT = Verdict.APPROVE, Verdict.REVIEW, Verdict.REJECT


def of(report: QualityReport, policy: str, market: str | None = None) -> PolicyQuality:
    return next(one for one in (*report.policies, *report.markets) if (one.policy, one.market) == (policy, market))


def work(report: QualityReport, reviewer: str) -> Workload:
    return next(one for one in report.workload if one.reviewer == reviewer)


def test_an_empty_ledger_has_nothing_to_say(ledger: Ledger) -> None:
    assert quality(ledger) == QualityReport(None, None, (), (), (), ())
    with pytest.raises(InvalidSettings):
        quality(ledger, minutes(1), minutes(0))


def test_denominators_are_all_automatic_decisions_and_a_rejection_is_about_the_policies_that_rejected(ledger: Ledger) -> None:
    story = Story(ledger)
    for number in range(6):
        made = story.decide(an_ad(number, market="SE" if number < 4 else "DE"), APPROVE, audit=(0.5, number < 3))
        if number < 2:
            story.answer(made, "approve", kind="audit")
    rejected = story.decide(an_ad(10), REJECT, audit=(0.5, True), stopped_by=["gambling"])
    story.answer(rejected, "reject", ["gambling"], kind="audit")
    story.decide(an_ad(11), REVIEW)
    story.decide(an_ad(0), APPROVE, first=False, audit=(0.5, True))
    found = quality(ledger, by_market=True)
    deceptive, gambling = of(found, "deceptive"), of(found, "gambling")
    assert (deceptive.approved, deceptive.rejected, deceptive.unread) == (6, 0, 1)
    assert (gambling.approved, gambling.rejected, gambling.unread) == (6, 1, 1)
    assert deceptive.leakage is not None
    assert (deceptive.leakage.audited, deceptive.leakage.decisions, deceptive.leakage.said_violating) == (2, 6, 0)
    assert deceptive.wrongful_rejection is None
    assert gambling.wrongful_rejection is not None
    assert (gambling.wrongful_rejection.audited, gambling.wrongful_rejection.decisions) == (1, 1)
    assert of(found, "deceptive", "DE").leakage is None
    assert (of(found, "deceptive", "DE").approved, of(found, "deceptive", "SE").approved) == (2, 4)
    assert quality(ledger).markets == ()


def test_a_rejection_for_one_policy_says_nothing_of_another(ledger: Ledger) -> None:
    story = Story(ledger)
    for number in range(4):
        made = story.decide(an_ad(number), APPROVE, audit=(1.0, True))
        story.answer(made, "reject" if number else "approve", ["gambling"], kind="audit")
    found = quality(ledger)
    gambling, deceptive = of(found, "gambling").leakage, of(found, "deceptive").leakage
    assert gambling is not None
    assert deceptive is not None
    assert (gambling.audited, gambling.said_violating) == (4, 3)
    assert (deceptive.audited, deceptive.said_violating, of(found, "deceptive").unread) == (1, 0, 3)


def test_the_share_that_leaks_is_within_its_interval(ledger: Ledger) -> None:
    chance = random.Random(5)
    told = platform(ledger, chance, approved=300, leaks=0.1, errs=0.05)
    found = of(quality(ledger), "gambling").leakage
    assert found is not None
    assert found.decisions == 300
    assert found.low <= told <= found.high
    assert found.high - found.low < 0.2
    assert of(quality(ledger), "deceptive").leakage is not None


def platform(ledger: Ledger, chance: random.Random, approved: int, leaks: float, errs: float) -> float:
    """Approved ads, half of them read by one of five reviewers who err; golden tasks. The share of all that truly violate gambling."""
    story, truth = Story(ledger), {}
    for number in range(approved):
        truth[number] = chance.random() < leaks
        made = story.decide(an_ad(number), APPROVE, audit=(0.5, number % 2 == 0))
        if number % 2 == 0:
            for reader in range(3 if chance.random() < 0.3 else 1):
                says = truth[number] ^ (chance.random() < errs)
                verdict, violated = ("reject", ["gambling"]) if says else ("approve", [])
                story.answer(made, verdict, violated, kind="audit", reviewer=f"r{(number + reader) % 5}")
    return sum(truth.values()) / approved


def test_golden_tasks_tell_what_a_reviewer_misses(ledger: Ledger) -> None:
    story = Story(ledger)
    with ledger.change() as connection:
        rows = [{"golden_id": f"dec-g{i}", "ad": "{}", "truth": json.dumps({"gambling": i < 20}), "market": "SE"} for i in range(40)]
        connection.execute(insert(golden), rows)
    for number in range(40):
        made = DecisionMade(ad=an_ad(number), decision=a_decision(an_ad(number), APPROVE, decision_id=f"dec-g{number}"), first=True)
        for reviewer, right in (("rita", True), ("sam", number % 2 == 0)):
            says = (number < 20) == right
            verdict = "reject" if says else "approve"
            story.answer(made, verdict, ["gambling"] if says else [], kind="golden", reviewer=reviewer, asked=["gambling"])
    found = {one.quality.reviewer: one.quality for one in quality(ledger).reviewers if one.policy == "gambling"}
    assert found["rita"].sensitivity.low > 0.75
    assert found["sam"].sensitivity.value == pytest.approx(0.5, abs=0.1)
    assert (found["sam"].readings, found["sam"].golden) == (40, 40)
    assert work(quality(ledger), "sam").golden == 40
    assert {one.policy for one in quality(ledger).reviewers} == {"gambling"}


def test_agreement_counts_cases_a_senior_decided(ledger: Ledger) -> None:
    story = Story(ledger)
    for number in range(4):
        made = story.decide(an_ad(number), REVIEW)
        story.answer(made, "reject", ["gambling"], reviewer="rita", seconds=[10, 20, 60, None][number])
        story.answer(made, "unsure" if number == 3 else "approve", kind="double", reviewer="sam", seconds=None)
        if number < 2:
            story.answer(made, "reject", ["gambling"], kind="senior", reviewer="sven")
    found = quality(ledger)
    rita, sam, sven = (work(found, name) for name in ("rita", "sam", "sven"))
    assert (rita.tasks, rita.median_seconds, dict(rita.by_verdict)) == (4, 20, {"reject": 4})
    assert (sam.tasks, sam.median_seconds, dict(sam.by_verdict)) == (4, None, {"approve": 3, "unsure": 1})
    assert rita.agreement is not None
    assert sam.agreement is not None
    assert (rita.agreement.value, rita.agreement.n, sam.agreement.value, sam.agreement.n) == (1, 2, 0, 2)
    assert sven.agreement is None


def test_audits_are_of_the_periods_decisions_and_answers_of_the_periods_time(ledger: Ledger) -> None:
    story = Story(ledger)
    early = story.decide(an_ad(1), APPROVE, audit=(1.0, True), at=minutes(10))
    late = story.decide(an_ad(2), APPROVE, audit=(1.0, True), at=minutes(200))
    story.answer(early, "approve", kind="audit", reviewer="rita")  # at 100
    story.answer(late, "approve", kind="audit", reviewer="sam")
    first, second = quality(ledger, until=minutes(50)), quality(ledger, since=minutes(50))
    assert (of(first, "gambling").approved, of(second, "gambling").approved) == (1, 1)
    assert of(first, "gambling").leakage is not None  # read after the period's end all the same
    assert ([one.reviewer for one in first.workload], [one.reviewer for one in second.workload]) == ([], ["rita", "sam"])


def test_more_audits_than_the_recorded_probability_gives_are_a_problem_and_not_a_figure(ledger: Ledger) -> None:
    story = Story(ledger)
    for number in range(30):
        story.answer(story.decide(an_ad(number), APPROVE, audit=(0.001, True)), "approve", kind="audit")
    found = of(quality(ledger), "gambling")
    assert found.leakage is None
    assert "audited = 30" in (found.problem or "")


def test_machines_read_the_same(ledger: Ledger) -> None:
    story = Story(ledger)
    story.answer(story.decide(an_ad(1), APPROVE, audit=(1.0, True)), "approve", kind="audit")
    told = json.loads(json.dumps(quality(ledger, since=minutes(0)).to_json(), allow_nan=False))
    assert told["since"] == "2026-03-01T09:00:00+00:00"
    assert {one["policy"] for one in told["policies"]} == set(POLICIES)
    assert told["policies"][0]["leakage"]["decisions"] == 1
