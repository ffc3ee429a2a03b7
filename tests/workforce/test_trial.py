"""What a roll-out does to people is read from the ads it was tried on: those of its shadow, or those of the days before."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from adverdict.decisions.decide import DecisionContext
from adverdict.decisions.decide import decide as decided
from adverdict.decisions.policy import Thresholds
from adverdict.decisions.rollout import Plan, Stage, Versions
from adverdict.decisions.thresholds import SolvedThresholds
from adverdict.domain.decision import RECORD
from adverdict.domain.errors import InvalidInput
from adverdict.domain.risk import RiskScore
from adverdict.ledger.entries import Answered, DecisionMade
from adverdict.ledger.in_force.policy_sets import keep_set
from adverdict.ledger.in_force.rollouts import rollouts_now
from adverdict.ledger.store import Ledger
from adverdict.workforce.practice import Group, Practice, Took
from adverdict.workforce.trial import of_rollout
from adverdict.workforce.volume.history import History, Queue, Series
from tests.decisions.build import POLICY, book
from tests.ledger.made import about, an_ad
from tests.rollout.rolling import BASE, FILES, WHEN, started

SHADOW = Plan(name="slow", stages=(Stage(name="shadow", share=0.0), Stage(name="full", share=1.0, holdout=0.01)))
PRACTICE = Practice({Group(): Took(50.0, None, None, 100, "all answers")})
STRICTER = book([replace(POLICY, name="deceptive", thresholds=Thresholds(0.01, 0.9))])
REVIEWS = Queue("SE", "review")
DAY = (WHEN + timedelta(days=1)).date()
HISTORY = History(DAY - timedelta(days=14), (Series("SE", "feed"),), np.ones((1, 14)), (REVIEWS,), np.ones((1, 14)))


def ads(ledger: Ledger, count: int, p: float, after: timedelta, first: int = 0) -> list[DecisionMade]:
    """As what is in force decides: review from .08 on. The candidate approves up to .2."""
    made = []
    for number in range(first, first + count):
        ad = an_ad(1, ad_id=f"ad-{number}", advertiser_id=f"adv-{number}", creative_id=f"cr-{number}")
        context = DecisionContext(f"dec-{number}", WHEN + after, "v1")
        decision = decided(
            ad, {"deceptive": RiskScore(policy="deceptive", p=p, p_low=p, p_high=p)}, BASE, SolvedThresholds(), context=context
        )
        made.append(DecisionMade(ad=ad, decision=decision.model_copy(update={"record": RECORD}), first=True))
    with ledger.write() as writing:
        for one in made:
            writing.append(one.decision.decision_id, one, WHEN + after)
    return made


def test_a_roll_out_is_tried_on_the_ads_of_its_shadow_and_on_those_of_the_days_before_while_these_are_few(ledger: Ledger) -> None:
    ads(ledger, 60, 0.5, timedelta(hours=-1))
    its_id = started(ledger, plan=SHADOW)
    ads(ledger, 20, 0.15, timedelta(hours=1), first=100)
    change, tried = of_rollout(ledger, HISTORY, PRACTICE, rollouts_now(ledger)[its_id], days=14)
    assert (tried.shadow, tried.shares[0].ads, change.tasks[REVIEWS]) == (False, 80, 60 / 80)
    ads(ledger, 60, 0.5, timedelta(hours=2), first=200)
    change, tried = of_rollout(ledger, HISTORY, PRACTICE, rollouts_now(ledger)[its_id], days=14)
    assert (tried.shadow, tried.shares[0].ads, change.tasks[REVIEWS]) == (True, 80, 60 / 80)


def test_how_long_its_ads_took_those_who_read_them_counts_for_those_that_newly_go_to_people(ledger: Ledger) -> None:
    with ledger.write() as writing:
        keep_set(writing.connection, STRICTER, FILES, WHEN)
    its_id = started(ledger, plan=SHADOW, candidate=Versions(policies=STRICTER.hash))
    made = ads(ledger, 40, 0.05, timedelta(hours=1)) + ads(ledger, 40, 0.5, timedelta(hours=1), first=100)
    with ledger.write() as writing:
        for one in made[:40]:
            case = f"smp-{its_id}-{one.decision.decision_id}"
            told = {"task_kind": "sample", "reviewer": "rita", "token": 1, "verdict": "approve", "asked": ("deceptive",)}
            writing.append(f"ans-{case}", Answered(**about(one), **told, task_id=case, case_id=case, seconds=100.0), WHEN)
    change, tried = of_rollout(ledger, HISTORY, PRACTICE, rollouts_now(ledger)[its_id], days=14)
    assert (tried.seconds, tried.read, change.tasks[REVIEWS]) == (2.0, 40, 2.0)
    assert change.seconds[REVIEWS] == 1.5


def test_a_roll_out_of_another_model_is_refused_for_its_risks_are_on_record_nowhere(ledger: Ledger) -> None:
    versions = Versions(policies=BASE.hash, bundle_version="2")
    its_id = started(ledger, plan=SHADOW, candidate=versions)
    with pytest.raises(InvalidInput, match="a roll-out that keeps the model"):
        of_rollout(ledger, HISTORY, PRACTICE, rollouts_now(ledger)[its_id], days=14)
