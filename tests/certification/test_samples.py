"""Which ads are drawn to be labelled, with which probability, and how many."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adverdict.certification.samples.draw import ads_needed, draw
from adverdict.certification.samples.plan import SamplePlan, plan_sample
from adverdict.certification.statistics.bounds import Sizes
from adverdict.certification.thresholds.scored import ScoredAds
from adverdict.certification.thresholds.strata import Question, questions
from adverdict.certification.words import SamplePart
from adverdict.decisions.policy import Severity
from tests.certification.made import ADULT, GAMBLING, Place, ads, book

GROUPS = st.lists(st.integers(1, 9), min_size=1, max_size=30).map(lambda sizes: np.repeat(np.arange(len(sizes)), sizes))


@given(GROUPS, st.integers(0, 60), st.integers(0, 2**32 - 1))
def test_as_many_are_drawn_as_were_asked_for_none_twice(groups: np.ndarray, n: int, seed: int) -> None:
    drawn = draw(np.arange(len(groups)), groups, n, np.random.default_rng(seed))
    assert len(set(drawn.rows.tolist())) == len(drawn) == min(n, len(groups))


@given(GROUPS, st.integers(1, 60), st.integers(0, 2**32 - 1))
def test_an_advertiser_has_a_second_ad_only_beyond_its_share(groups: np.ndarray, n: int, seed: int) -> None:
    n = min(n, len(groups))
    drawn = draw(np.arange(len(groups)), groups, n, np.random.default_rng(seed))
    sizes, taken = Counter(groups.tolist()), Counter(groups[drawn.rows].tolist())
    assert all(abs(taken[group] - size * n / len(groups)) < 1 for group, size in sizes.items())


def test_every_ad_comes_with_the_probability_that_is_stated() -> None:
    groups = np.repeat(np.arange(4), [1, 2, 3, 6])
    counted = np.zeros(12)
    for seed in range(4000):
        drawn = draw(np.arange(12), groups, 5, np.random.default_rng(seed))
        counted[drawn.rows] += 1
        assert drawn.inclusion.tolist() == pytest.approx([5 / 12] * 5)
    assert np.allclose(counted / 4000, 5 / 12, atol=0.03)


def test_by_views_an_ad_is_drawn_in_proportion_to_them_at_most_once() -> None:
    views = np.array([100.0, 10.0, 10.0, 5.0, 0.0])
    counted, stated = np.zeros(5), np.zeros(5)
    for seed in range(4000):
        drawn = draw(np.arange(5), np.arange(5), 2, np.random.default_rng(seed), views)
        counted[drawn.rows] += 1
        stated[drawn.rows] = drawn.inclusion
    assert stated == pytest.approx([1.0, 0.4, 0.4, 0.2, 0.0])
    assert np.allclose(counted / 4000, stated, atol=0.03)


@given(GROUPS, st.integers(1, 40))
def test_the_ads_that_are_worth_a_number_of_draws_are_as_many_at_least(groups: np.ndarray, draws: int) -> None:
    needed = ads_needed(groups, draws)
    if needed is None:
        assert len(groups) < draws or Sizes.of(groups).draws < draws
    else:
        assert draws <= needed <= len(groups)


PLACES = Place("SE", 0, 3000), Place("DE", 0, 1500)
PRICE = 1.0


def planned(*policies: str, most: int = 2000, **changes: Any) -> tuple[ScoredAds, list[Question], SamplePlan]:
    scored = ads(*PLACES, policies=("gambling", "adult")[: len(policies) or 1])
    chosen = [replace(policy, max_risk=0.25, min_risk_rejected=0.5, **changes) for policy in (GAMBLING, ADULT)[: len(policies) or 1]]
    asked = questions(scored, book(*chosen, markets=("SE", "DE")))
    return scored, asked, plan_sample(scored, asked, PRICE, np.random.default_rng(0), most=most)


def test_one_ad_answers_for_all_policies() -> None:
    _, _, plan = planned("gambling", "adult")
    read = Counter(one.row for one in plan.to_label if one.part is SamplePart.RANDOM)
    assert set(read.values()) == {2}
    assert len(read) == plan.random


def test_as_many_are_announced_as_the_neediest_policy_takes_and_not_more_than_the_most() -> None:
    _, _, plan = planned("gambling", "adult")
    needs = [need.random for need in plan.needs if need.random is not None]
    assert plan.random == min(2000, max(needs))
    assert planned("gambling", "adult", most=40)[2].random == 40


def test_the_edge_and_the_top_get_ads_of_their_own_where_chance_brings_too_few() -> None:
    scored, _, plan = planned("gambling", most=150)
    (need,) = plan.needs
    risk = scored.risk[:, 0]
    for part, low, high in ((SamplePart.EDGE, need.approve_below / 3, need.approve_below), (SamplePart.ABOVE, 0.5, 1.0)):
        rows = [one.row for one in plan.to_label if one.part is part]
        assert len(rows) == (need.edge if part is SamplePart.EDGE else need.above)
        assert ((risk[rows] >= low) & (risk[rows] <= high)).all()
    drawn = [one.row for one in plan.to_label]
    assert len(drawn) == len(set(drawn))


def test_a_policy_on_one_surface_gets_random_ads_of_that_surface() -> None:
    scored = ads(Place("SE", 0, 3000), Place("SE", 0, 300, surface="kids_video"), policies=("gambling", "adult"))
    general, here = (replace(policy, max_risk=0.25, min_risk_rejected=0.5) for policy in (GAMBLING, ADULT))
    asked = questions(scored, book(general, kids_video=(general, here)))
    plan = plan_sample(scored, asked, PRICE, np.random.default_rng(0), most=250)
    need = next(need for need in plan.needs if need.policy == "adult")
    rows = {one.row for one in plan.to_label if one.policy == "adult" and one.part is SamplePart.RANDOM}
    assert need.random is not None
    assert len(rows) == min(need.random, 250)
    assert set(scored.surface[list(rows)]) == {"kids_video"}


def test_no_label_has_a_part_in_what_is_planned() -> None:
    scored, asked, plan = planned("gambling")
    labelled = replace(scored, verdict=np.ones_like(scored.verdict))
    again = plan_sample(labelled, asked, PRICE, np.random.default_rng(0), most=2000)
    assert again == plan


def test_a_target_that_risks_speak_against_is_no_number_of_labels() -> None:
    _, _, plan = planned("gambling", targets=replace(GAMBLING.targets, max_leakage=1e-4), severity=Severity.SERIOUS)
    assert plan.needs[0].random is None
