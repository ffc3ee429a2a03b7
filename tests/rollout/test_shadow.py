"""A candidate tried beside what decides: where the two differ is found exactly, drawn for people, and says which does more harm."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from adverdict.decisions.policy import Thresholds
from adverdict.decisions.rollout import Plan, Stage
from adverdict.decisions.thresholds import SolvedThresholds
from adverdict.domain.decision import RECORD, Decision
from adverdict.domain.risk import RiskScore
from adverdict.domain.verdict import Verdict
from adverdict.ledger.entries import DecisionMade, Resolved
from adverdict.ledger.in_force.rollouts import rollouts_now
from adverdict.ledger.schema import tasks
from adverdict.ledger.store import Ledger
from adverdict.review.tasks.opening import open_tasks
from adverdict.review.tasks.settings import ReviewSettings
from adverdict.rollout.stages.backtest import Rules
from adverdict.rollout.stages.shadow import Disagreement, Reading, Shadow, judged
from adverdict.rollout.stages.watch import look, watch
from tests.decisions.build import POLICY, book
from tests.ledger.made import about, an_ad
from tests.rollout.rolling import BASE, WHEN, read, started

STRICTER = book([replace(POLICY, name="deceptive", thresholds=Thresholds(0.04, 0.9))])
SETTINGS = ReviewSettings(double_share=0.0)
PLAN = Plan(
    name="quick",
    stages=(Stage(name="shadow", share=0.0, min_hours=1, readings=4), Stage(name="full", share=1.0, holdout=0.01, min_hours=1)),
)
SOON, LATER = WHEN + timedelta(minutes=30), WHEN + timedelta(hours=2)


@pytest.fixture
def ledger(tmp_path: Path, empty_ledger: Path) -> Iterator[Ledger]:
    path = tmp_path / "ledger.db"
    shutil.copy(empty_ledger, path)
    opened = Ledger.open(f"sqlite:///{path}", create=False)
    yield opened
    opened.close()


def decide(ledger: Ledger, number: int, p: float, **changes: Any) -> DecisionMade:
    """As what is in force decides: review from .08 on. The candidate approves up to .2."""
    ad = an_ad(1, ad_id=f"ad-{number}", advertiser_id=f"adv-{number}")
    risk = RiskScore(policy="deceptive", p=p, p_low=p, p_high=p)
    plain = Decision(
        decision_id=f"dec-{number}", ad_id=ad.ad_id, advertiser_id=ad.advertiser_id, market="SE", surface="feed", decided_at=SOON,
        verdict=Verdict.REVIEW, policies=(), unused_risks=(risk,), uncertified=True, bundle_version="v1", policy_hash=BASE.hash,
        record=RECORD, threshold_set=None,
    )  # fmt: skip
    base = Rules(BASE, SolvedThresholds()).decide(DecisionMade(ad=ad, decision=plain, first=True))
    decision = base.model_copy(update={"decision_id": f"dec-{number}", **changes})
    made = DecisionMade(ad=ad, decision=decision, first=True)
    with ledger.write() as writing:
        writing.append(decision.decision_id, made, SOON)
        open_tasks(writing, [made], BASE, SETTINGS, SOON)
    return made


def test_what_the_candidate_would_have_decided_otherwise_is_found_and_counted(ledger: Ledger) -> None:
    its_id = started(ledger, plan=PLAN)
    for number, p in enumerate((0.01, 0.15, 0.15, 0.5, 0.95)):
        decide(ledger, number, p)
    decide(ledger, 10, 0.15, degraded=("brake:brk-1",))
    decide(ledger, 11, 0.15, exit="early")
    seen = look(ledger, rollouts_now(ledger)[its_id], SOON)
    assert seen.shadow is not None
    assert (dict(seen.shadow.kinds), seen.shadow.same.total()) == ({(Verdict.REVIEW, Verdict.APPROVE): 2}, 3)
    assert sum(seen.shadow.left_out.values()) == 2
    assert "0 differences were read, and 4 are to be" in " ".join(seen.waits_for)


def test_differences_are_read_and_the_next_stage_waits_for_it(ledger: Ledger) -> None:
    its_id = started(ledger, plan=PLAN)
    made = [decide(ledger, number, 0.15) for number in range(4)]
    shadows: dict[str, Shadow] = {}
    assert watch(ledger, "one", lambda: LATER, settings=SETTINGS, shadows=shadows) == []
    for one in made:
        settle(ledger, one)
    assert watch(ledger, "one", lambda: LATER, settings=SETTINGS, shadows=shadows) == [f"{its_id}: stage full"]
    assert rollouts_now(ledger)[its_id].stage.evidence["shadow"]["read"] == 4  # type: ignore[union-attr,index,call-overload]


def settle(ledger: Ledger, made: DecisionMade) -> None:
    """A reviewer approves what was left to people."""
    with ledger.write() as writing:
        writing.append(f"res-{made.decision.decision_id}", Resolved(**about(made), verdict=Verdict.APPROVE, by="review", task_id="t"), SOON)


def test_an_automatic_decision_that_differs_is_put_to_a_reviewer_once(ledger: Ledger) -> None:
    """The candidate of this one is stricter: what it would not approve has no task of its own."""
    started(ledger, plan=PLAN)
    rollout = rollouts_now(ledger).on[0]
    made = decide(ledger, 1, 0.05)
    for _ in range(2):
        shadow = Shadow.begin(ledger, rollout)
        shadow.rules = Rules(STRICTER, shadow.rules.solved)
        assert shadow.catch_up(ledger, SETTINGS, SOON) == 1
    with ledger.look() as connection:
        [task] = connection.execute(tasks.select().where(tasks.c.kind == "sample")).all()
    assert (task.about, task.probability) == ("dec-1", 1.0)
    read(ledger, made, violates=True)
    [told] = shadow.readings(ledger)
    assert (told.violates, told.wrong) == (True, "control")


def reading(number: int, before: Verdict, after: Verdict, violates: bool) -> Reading:
    return Reading(Disagreement(number, f"dec-{number}", f"adv-{number}", "SE", before, after, 1.0, True), violates)


@pytest.mark.parametrize(
    ("before", "after", "violates", "said"),
    [
        (Verdict.REVIEW, Verdict.APPROVE, True, "worse"),
        (Verdict.APPROVE, Verdict.REVIEW, True, "better"),
        (Verdict.REVIEW, Verdict.REJECT, False, "worse"),
        (Verdict.REJECT, Verdict.APPROVE, True, "worse"),
        (Verdict.APPROVE, Verdict.REVIEW, False, "cannot tell"),
    ],
)
def test_what_was_read_says_which_does_more_harm(before: Verdict, after: Verdict, violates: bool, said: str) -> None:
    assert judged([reading(number, before, after, violates) for number in range(20)]).said == said
    assert judged([]).said == "cannot tell"


def test_an_advertiser_counts_once() -> None:
    same = [reading(number, Verdict.REVIEW, Verdict.APPROVE, True) for number in range(20)]
    one = [replace(each, of=replace(each.of, advertiser="adv-0")) for each in same]
    assert judged(one).candidate_wrong == 1
