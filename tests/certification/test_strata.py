"""Whose labels answer for whom: by counts alone, with the chance of error shared out among all that is promised at once."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adverdict.certification.thresholds.scored import ScoredAds
from adverdict.certification.thresholds.strata import PRESENT, Question, Stratum, Strength, questions, strata
from adverdict.decisions.policy import Licence, MarketRules, PolicyBook, PolicyInForce, Stance, Targets, Thresholds
from tests.certification.made import ADULT, GAMBLING, STRICT, TARGETS, Place, ads, book, rules
from tests.effort import examples

ENOUGH = 216
"""Labels of as many advertisers with which a market stands alone: three times the 72 that show 5 % at a level of .05 / 2 sides."""
FEWER = ENOUGH - 1

Answer = tuple[str, str, Strength]
"""Markets served, markets whose labels are used, and whose strength that is."""


def answers(*places: Place, policy: PolicyInForce = GAMBLING) -> set[Answer]:
    scored = ads(*places)
    markets = tuple(dict.fromkeys(place.market for place in places))
    return {summed_up(one) for one in strata(scored, questions(scored, book(policy, markets=markets)))}


def summed_up(found: Stratum) -> Answer:
    return " ".join(sorted(one.market for one in found.questions)), " ".join(found.sources), found.strength


@pytest.mark.parametrize(
    ("places", "expected"),
    [
        pytest.param([Place("SE", ENOUGH)], {("SE", "SE", Strength.OWN)}, id="one large market"),
        pytest.param([Place("SE", FEWER)], {("SE", "SE", Strength.OWN)}, id="one small market has nobody to pool with"),
        pytest.param(
            [Place("SE", ENOUGH), Place("DE", ENOUGH)],
            {("SE", "SE", Strength.OWN), ("DE", "DE", Strength.OWN)},
            id="two large markets do not touch each other",
        ),
        pytest.param([Place("SE", 120), Place("DE", 100)], {("DE SE", "DE SE", Strength.POOLED)}, id="small markets pool"),
        pytest.param(
            [Place("US", 900), Place("SE", 120), Place("DE", 100)],
            {("US", "US", Strength.OWN), ("DE SE", "DE SE", Strength.POOLED)},
            id="a pool large enough asks nobody else",
        ),
        pytest.param(
            [Place("US", 900), Place("SE", 110), Place("DE", 100)],
            {("US", "US", Strength.OWN), ("DE SE", "DE SE US", Strength.POOLED)},
            id="a pool too small is lent the large market's labels",
        ),
        pytest.param(
            [Place("US", ENOUGH), Place("SE", FEWER)],
            {("US", "US", Strength.OWN), ("SE", "SE US", Strength.POOLED)},
            id="one label too few to stand alone",
        ),
        pytest.param(
            [Place("US", 900), Place("SE", PRESENT), Place("DE", PRESENT - 1)],
            {("US", "US", Strength.OWN), ("SE", "SE US", Strength.POOLED), ("DE", "DE", Strength.OWN)},
            id="hardly any labels: in no pool",
        ),
        pytest.param(
            [Place("US", 900), Place("SE", 0, 500)],
            {("US", "US", Strength.OWN), ("SE", "SE", Strength.OWN)},
            id="ads without labels do not count",
        ),
        pytest.param(
            [Place("SE", 10 * ENOUGH, each=10), Place("DE", 10 * FEWER, each=10)],
            {("SE", "SE", Strength.OWN), ("DE", "DE SE", Strength.POOLED)},
            id="advertisers count, not their ads",
        ),
    ],
)
def test_who_stands_alone_who_pools_and_who_lends(places: list[Place], expected: set[Answer]) -> None:
    assert answers(*places) == expected


def test_with_one_bound_to_show_fewer_labels_do() -> None:
    one_sided = replace(GAMBLING, stance=Stance.RESTRICTED)
    places = [Place("US", 900), Place("SE", 177), Place("DE", 176)]
    assert answers(*places, policy=one_sided) == {
        ("US", "US", Strength.OWN),
        ("SE", "SE", Strength.OWN),
        ("DE", "DE SE US", Strength.POOLED),
    }


@pytest.mark.parametrize("leakage", [0.0, 1.0])
def test_targets_that_nothing_or_anything_meets_are_grouped_too(leakage: float) -> None:
    policy = replace(GAMBLING, targets=replace(TARGETS, max_leakage=leakage))
    alone = leakage == 1.0
    found = answers(Place("SE", 100), Place("DE", 100), policy=policy)
    assert found == ({("SE", "SE", Strength.OWN), ("DE", "DE", Strength.OWN)} if alone else {("DE SE", "DE SE", Strength.POOLED)})


def test_small_markets_with_other_targets_lend_their_labels_and_keep_their_targets() -> None:
    scored = ads(Place("SE", 100), Place("DE", 100), Place("GB", 100))
    strict = replace(GAMBLING, targets=STRICT)
    asked = questions(scored, rules({"SE": MarketRules((GAMBLING,)), "DE": MarketRules((GAMBLING,)), "GB": MarketRules((strict,))}))
    found = {(summed_up(one)[:2], one.targets) for one in strata(scored, asked)}
    assert found == {(("DE SE", "DE GB SE"), TARGETS), (("GB", "DE GB SE"), STRICT)}


@st.composite
def worlds(draw: st.DrawFn) -> tuple[ScoredAds, PolicyBook]:
    counts = draw(st.dictionaries(st.sampled_from(["SE", "DE", "GB", "US"]), st.sampled_from([0, 29, 30, 90, 215, 216, 500]), min_size=1))
    scored = ads(
        *(Place(market, n, 20, each=draw(st.sampled_from([1, 2]))) for market, n in counts.items()), policies=("adult", "gambling")
    )
    variants = [GAMBLING, replace(GAMBLING, stance=Stance.RESTRICTED), replace(GAMBLING, targets=STRICT)]
    some = st.lists(
        st.sampled_from([*variants, *(replace(one, name="adult") for one in variants)]), max_size=2, unique_by=lambda one: one.name
    )
    return scored, rules({market: MarketRules(tuple(draw(some))) for market in counts})


@examples(60)
@given(worlds(), st.integers(0, 2**32))
def test_labels_have_no_part_in_it(world: tuple[ScoredAds, PolicyBook], seed: int) -> None:
    scored, policies = world
    other = np.random.default_rng(seed).random(scored.verdict.shape)
    flipped = replace(scored, verdict=np.where(np.isnan(scored.verdict), np.nan, other))
    before, after = (strata(one, questions(one, policies)) for one in (scored, flipped))
    assert [(summed_up(one), one.level, one.rows.tolist()) for one in before] == [
        (summed_up(one), one.level, one.rows.tolist()) for one in after
    ]


@examples(60)
@given(worlds())
def test_every_question_is_answered_once_and_every_ad_it_decides_on_is_in_it_once(world: tuple[ScoredAds, PolicyBook]) -> None:
    scored, policies = world
    asked = questions(scored, policies)
    answered = [(one.policy, one.market, one.targets) for stratum in strata(scored, asked) for one in stratum.questions]
    assert sorted(answered, key=str) == sorted(((one.policy, one.market, one.targets) for one in asked), key=str)
    assert {key[:2] for key in answered} == {(policy.name, market) for market, _, policy in policies.every()}
    for one in asked:
        assert one.rows.tolist() == np.flatnonzero(scored.market == one.market).tolist()


@examples(60)
@given(worlds())
def test_the_bounds_of_a_market_spend_what_its_confidence_leaves_and_no_more(world: tuple[ScoredAds, PolicyBook]) -> None:
    scored, policies = world
    spent: defaultdict[str, float] = defaultdict(float)
    found = strata(scored, questions(scored, policies))
    for stratum in found:
        for question in stratum.questions:
            spent[question.market] += stratum.level * (2 if question.rejects else 1)
            assert set(stratum.family) >= {policy.name for policy in policies.in_force(question.market, None)}
    assert all(share <= 0.05 + 1e-12 for share in spent.values())
    if all(len(stratum.questions) == 1 for stratum in found):
        assert all(share == pytest.approx(0.05) for share in spent.values())


@pytest.mark.parametrize(("one_policy", "level", "family"), [(False, 0.0125, ("adult", "gambling")), (True, 0.025, ("gambling",))])
def test_each_policy_may_stand_for_itself(one_policy: bool, level: float, family: tuple[str, ...]) -> None:
    scored = ads(Place("SE", 900), policies=("adult", "gambling"))
    found = strata(scored, questions(scored, book(ADULT, GAMBLING)), one_policy=one_policy)
    (gambling,) = [one for one in found if one.policy == "gambling"]
    assert gambling.level == pytest.approx(level)
    assert gambling.family == family


def test_a_pool_spends_no_more_than_its_neediest_market_can_spare() -> None:
    scored = ads(Place("SE", 100), Place("DE", 100), policies=("adult", "gambling"))
    asked = questions(
        scored, rules({"SE": MarketRules((GAMBLING, ADULT)), "DE": MarketRules((replace(GAMBLING, stance=Stance.RESTRICTED),))})
    )
    (pool,) = [one for one in strata(scored, asked) if one.policy == "gambling"]
    assert {one.market: one.rejects for one in pool.questions} == {"SE": True, "DE": False}
    assert pool.level == pytest.approx(0.05 / 4), "SE shows two sides of two policies, DE one of one"
    assert pool.family == ("adult", "gambling")
    assert pool.rejects


LICENSED = replace(GAMBLING, stance=Stance.RESTRICTED, licence=Licence.REQUIRED)


@pytest.mark.parametrize(
    ("policy", "asked"),
    [
        pytest.param(GAMBLING, [True], id="prohibited: both sides"),
        pytest.param(replace(GAMBLING, stance=Stance.RESTRICTED), [False], id="restricted: nothing is rejected without a person"),
        pytest.param(LICENSED, [True], id="a licence is asked for: those without one may be rejected"),
        pytest.param(replace(GAMBLING, stance=Stance.ALLOWED), [], id="allowed: no rule to break"),
        pytest.param(replace(GAMBLING, thresholds=Thresholds(0.1, 0.9)), [], id="thresholds set by hand"),
        pytest.param(replace(GAMBLING, name="weapons"), [], id="no model"),
    ],
)
def test_what_needs_thresholds_and_whether_they_may_reject(policy: PolicyInForce, asked: list[bool]) -> None:
    assert [one.rejects for one in questions(ads(Place("SE", 10)), book(policy))] == asked


KIDS = replace(GAMBLING, targets=STRICT)


@pytest.mark.parametrize(
    ("policies", "expected"),
    [
        pytest.param(
            book(GAMBLING, kids_video=(KIDS,)),
            {(TARGETS, None, 30), (STRICT, frozenset({"kids_video"}), 20)},
            id="a surface with its own targets is a question of its own",
        ),
        pytest.param(book(GAMBLING, kids_video=(GAMBLING,)), {(TARGETS, None, 50)}, id="one with the general targets is not"),
        pytest.param(book(GAMBLING, kids_video=()), {(TARGETS, None, 30)}, id="a surface without the policy is left out"),
        pytest.param(book(kids_video=(KIDS,)), {(STRICT, frozenset({"kids_video"}), 20)}, id="a policy of one surface only"),
        pytest.param(
            book(kids_video=(KIDS,), search=(KIDS,)),
            {(STRICT, frozenset({"kids_video", "search"}), 30)},
            id="surfaces with the same targets belong together",
        ),
        pytest.param(book(GAMBLING, cinema=(KIDS,)), {(TARGETS, None, 50), (STRICT, frozenset({"cinema"}), 0)}, id="a surface without ads"),
    ],
)
def test_surfaces(policies: PolicyBook, expected: set[tuple[Targets, frozenset[str] | None, int]]) -> None:
    scored = ads(Place("SE", 20), Place("SE", 10, surface="search"), Place("SE", 20, surface="kids_video"))
    assert {(one.targets, one.surfaces, len(one.rows)) for one in questions(scored, policies)} == expected


def test_a_surface_s_own_question_pools_only_with_the_same_surface_elsewhere() -> None:
    places = [Place(market, n, surface=where) for market in ("SE", "DE") for where, n in (("", 100), ("kids_video", 50))]
    scored = ads(*places)
    found = strata(scored, questions(scored, book(GAMBLING, markets=("SE", "DE"), kids_video=(KIDS,))))
    assert {(one.targets, one.sources, len(one.rows)) for one in found} == {(TARGETS, ("DE", "SE"), 200), (STRICT, ("DE", "SE"), 100)}
    assert all(not set(one.rows.tolist()) & set(two.rows.tolist()) for one in found for two in found if one is not two)


def test_a_market_in_the_book_without_ads_is_asked_about_and_gets_an_answer() -> None:
    scored = ads(Place("SE", 900))
    found = strata(scored, questions(scored, book(GAMBLING, markets=("SE", "JP"))))
    assert {(summed_up(one), len(one.rows)) for one in found} == {(("SE", "SE", Strength.OWN), 900), (("JP", "JP", Strength.OWN), 0)}


def test_a_market_outside_the_book_is_asked_nothing() -> None:
    found: list[Question] = questions(ads(Place("SE", 50), Place("JP", 50)), book(GAMBLING))
    assert [one.market for one in found] == ["SE"]


def test_a_surface_with_targets_of_its_own_is_a_promise_more_and_pays_for_it() -> None:
    rules_of = MarketRules((GAMBLING,), {"kids_video": (replace(GAMBLING, targets=STRICT),)})
    scored = ads(Place("SE", 400), Place("SE", 400, surface="kids_video"))
    found = strata(scored, questions(scored, PolicyBook(("gambling",), {"SE": rules_of})), one_policy=True)
    assert {one.surfaces for one in found} == {None, frozenset({"kids_video"})}
    assert {one.family for one in found} == {("gambling", "gambling on kids_video")}
    assert sum(2 * one.level for one in found) == pytest.approx(1 - GAMBLING.targets.confidence)
