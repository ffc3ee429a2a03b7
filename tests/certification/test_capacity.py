"""What a review is worth, and reviews under a capacity: counted ad by ad, and spent where they prevent most."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adverdict.certification.statistics.bounds import Sizes
from adverdict.certification.thresholds.answers import Answer, nearest
from adverdict.certification.thresholds.capacity import REVIEW_SHARE, Priced, Traffic, aims, plan, review_price, unstated
from adverdict.certification.thresholds.least_harm import ANY_PRICE
from adverdict.certification.thresholds.scored import ScoredAds
from adverdict.certification.thresholds.sequence import GRID, FixedSequenceTest, Side, ThresholdCount
from adverdict.certification.thresholds.solve import Terms, answers
from adverdict.certification.thresholds.strata import questions
from adverdict.decisions.harm import LEAKED
from adverdict.decisions.policy import MarketRules, PolicyBook, Severity, Stance, Thresholds, WhenUncertified
from tests.certification.made import ADULT, GAMBLING, Place, ads, book, rules
from tests.effort import examples

Options = list[tuple[float, float, Thresholds]]
"""Reviews, harm and the thresholds that lead to them."""


def spanning(side: Side, first: int, last: int) -> FixedSequenceTest:
    """A test that certifies ``GRID[first]`` to ``GRID[last]``."""
    low, high = (ThresholdCount(float(GRID[index]), 0, Sizes.single(100)) for index in (first, last))
    return FixedSequenceTest(side, 0.05, 0.025, low, high, None)


def with_ranges(found: Answer, approve: tuple[int, int], reject: tuple[int, int]) -> Answer:
    tests = spanning(Side.APPROVE, *approve), spanning(Side.REJECT, *reject)
    assert found.reject is not None
    sides = replace(found.approve, test=tests[0]), replace(found.reject, test=tests[1])
    return replace(found, approve=sides[0], reject=sides[1], thresholds=nearest(*tests, found.aim))


@cache
def two_markets(seed: int) -> tuple[ScoredAds, PolicyBook, tuple[Answer, ...]]:
    """Ads of SE and DE, each under a policy of its own with its own severity."""
    scored = ads(Place("SE", 250), Place("DE", 400), policies=("adult", "gambling"), seed=seed)
    grave = replace(ADULT, severity=Severity.SEVERE)
    policies = rules({"SE": MarketRules((GAMBLING,)), "DE": MarketRules((grave,))})
    return scored, policies, tuple(answers(scored, policies, Terms(curves=False))[1])


COSTS = {"gambling": LEAKED[Severity.SERIOUS], "adult": LEAKED[Severity.SEVERE]}
VOLUME = {"SE": 500.0, "DE": 100.0}


def every_choice(scored: ScoredAds, found: Answer, approve: tuple[int, int], reject: tuple[int, int]) -> Options:
    """What each pair of thresholds within the ranges costs, by the definitions."""
    question = found.stratum.question
    here = scored.market == question.market
    risk = scored.risk[here, scored.policies.index(found.stratum.policy)]
    leaked = COSTS[found.stratum.policy]
    weight = VOLUME[question.market] / here.sum()
    made: Options = []
    for below, at in product([0.0, *GRID[approve[0] : approve[1] + 1]], [1.0, *GRID[reject[1] : reject[0] + 1]]):
        if below <= at and (at == 1.0 or at >= question.attainable.reject_at):
            approved, rejected = risk < below, risk >= at
            harm = (leaked * risk[approved]).sum() + (1 - risk[rejected]).sum()
            made.append((weight * (~approved & ~rejected).sum(), weight * harm, Thresholds(float(below), float(at))))
    return made


def cautious_at(price: float, found: Answer, made: Options) -> list[bool]:
    """Which of the options decide no ad whose review costs less than its harm. Where only bolder ones are certified, none is chosen."""
    aim = found.stratum.question.aim(price)
    return [pair.approve_below <= aim.approve_below and pair.reject_at >= aim.reject_at for _, _, pair in made]


def in_balance(scored: ScoredAds, found: Answer, price: float) -> float:
    """Ads a day whose decision does about the harm that their review costs: the grid of thresholds may leave them on either side."""
    market = found.stratum.question.market
    here = scored.market == market
    risk = scored.risk[here, scored.policies.index(found.stratum.policy)]
    harms = np.concatenate([COSTS[found.stratum.policy] * risk, 1 - risk])
    return float(VOLUME[market] / here.sum() * ((harms > price / 1.07) & (harms < price * 1.07)).sum())


@examples(40)
@given(
    st.integers(0, 3),
    st.lists(st.tuples(st.integers(60, 175), st.integers(0, 14)), min_size=2, max_size=2),
    st.lists(st.tuples(st.integers(250, 400), st.integers(0, 14)), min_size=2, max_size=2),
    st.floats(0, 600),
)
def test_no_other_cautious_choice_does_less_harm_with_as_few_reviews(
    seed: int, approve: list[tuple[int, int]], reject: list[tuple[int, int]], capacity: float
) -> None:
    scored, policies, solved = two_markets(seed)
    ranges = [((a, a + more), (r, r - fewer)) for (a, more), (r, fewer) in zip(approve, reject, strict=True)]
    found = [with_ranges(one, *both) for one, both in zip(solved, ranges, strict=True)]
    chosen = plan(Traffic.of_answers(scored, policies, found, VOLUME), found, capacity)
    first, second = (every_choice(scored, one, *both) for one, both in zip(found, ranges, strict=True))
    reviews = np.add.outer([one[0] for one in first], [two[0] for two in second])
    harm = np.add.outer([one[1] for one in first], [two[1] for two in second])
    mine = np.equal.outer([one[2] == chosen.thresholds[0] for one in first], [True]) & np.array(
        [[two[2] == chosen.thresholds[1] for two in second]]
    )
    assert reviews[mine] == pytest.approx(chosen.reviews)
    assert harm[mine] == pytest.approx(chosen.harm)
    assert reviews.min() == pytest.approx(chosen.reviews_needed)
    assert chosen.feasible == (chosen.reviews_needed <= capacity)
    assert chosen.reviews <= capacity or not chosen.feasible
    if chosen.feasible:  # else a review is worth more than anything
        cautious = np.logical_and.outer(*(cautious_at(chosen.price, *one) for one in zip(found, (first, second), strict=True)))
        step = 0.06 * chosen.price * sum(in_balance(scored, one, chosen.price) for one in found)  # of the grid, in harm
        assert chosen.harm <= harm[cautious & (reviews <= chosen.reviews + 1e-9)].min() + step


def traffic_of(seed: int = 1) -> tuple[Traffic, tuple[Answer, ...]]:
    scored, policies, found = two_markets(seed)
    return Traffic.of_answers(scored, policies, found, VOLUME), found


def test_more_reviewers_never_do_more_harm_and_fewer_never_have_more_to_do() -> None:
    traffic, found = traffic_of()
    plans = [plan(traffic, found, capacity) for capacity in np.linspace(0, 700, 36)]
    feasible = [one for one in plans if one.feasible]
    assert 10 < len(feasible) < 36
    assert (np.diff([one.harm for one in feasible]) <= 1e-9).all()
    assert (np.diff([one.reviews for one in feasible]) >= -1e-9).all()
    assert (np.diff([one.price for one in feasible]) <= 1e-9).all()
    assert feasible[-1].reviews == pytest.approx(600)
    assert feasible[-1].harm == 0


@pytest.mark.parametrize("capacity", [350.0, 400.0, 550.0, 700.0])
def test_every_review_costs_the_same_in_every_market(capacity: float) -> None:
    traffic, found = traffic_of()
    chosen = plan(traffic, found, capacity)
    assert chosen.feasible
    assert chosen.reviews <= capacity
    assert chosen.thresholds == tuple(one.at_price(chosen.price) for one in found)


def test_what_is_left_over_is_said_where_the_capacity_is_below_it() -> None:
    traffic, found = traffic_of()
    none = plan(traffic, found, 0.0)
    assert not none.feasible
    assert none.price == ANY_PRICE
    assert none.thresholds == tuple(one.at_price(ANY_PRICE) for one in found)
    assert none.reviews == none.reviews_needed > 0
    enough = plan(traffic, found, none.reviews_needed)
    assert enough.feasible
    assert enough.reviews == pytest.approx(none.reviews_needed)


def test_nothing_beyond_what_is_certified_is_chosen_unless_it_is_asked_for() -> None:
    traffic, found = traffic_of()
    for capacity in (0.0, 200.0, 400.0):
        for one, pair in zip(found, plan(traffic, found, capacity).thresholds, strict=True):
            boldest = one.at_price(ANY_PRICE)
            assert pair.approve_below <= boldest.approve_below
            assert pair.reject_at >= boldest.reject_at
    free = plan(traffic, found, 0.0, beyond_certificates=True)
    assert free.reviews < plan(traffic, found, 0.0).reviews
    for one, pair in zip(found, free.thresholds, strict=True):
        stakes = one.stratum.question.stakes
        assert pair.approve_below <= stakes.max_risk
        assert pair.reject_at >= stakes.min_risk_rejected, "the policy's limits hold all the same"


# --- what a review is worth before anything is certified ---------------------------------------------------------------------------------


def worth(scored: ScoredAds, policies: PolicyBook, capacity: float | None = None, volume: Mapping[str, float] | None = None) -> Priced:
    return review_price(scored, policies, questions(scored, policies), capacity, volume)


WORLD = ads(Place("SE", 1500), Place("DE", 1500), policies=("adult", "gambling"))
BOTH = book(GAMBLING, ADULT, markets=("SE", "DE"))


def test_where_nobody_says_how_many_reviewers_there_are_people_see_a_quarter_of_all_ads() -> None:
    wide = book(*(replace(one, max_risk=0.5, min_risk_rejected=0.5) for one in (GAMBLING, ADULT)), markets=("SE", "DE"))
    found = worth(WORLD, wide)
    assert found.reviews_needed < 0.15 * len(WORLD)
    assert REVIEW_SHARE == 0.25
    assert 0.24 * len(WORLD) < found.reviews <= 0.25 * len(WORLD)
    assert 0 < found.price < 5


@examples(20)
@given(st.integers(0, 2**32), st.none() | st.floats(100, 3000))
def test_no_label_has_a_part_in_what_a_review_is_worth(seed: int, capacity: float | None) -> None:
    other = replace(WORLD, verdict=np.random.default_rng(seed).permutation(WORLD.verdict))
    assert worth(other, BOTH, capacity) == worth(WORLD, BOTH, capacity)
    nobody = replace(WORLD, verdict=np.full(WORLD.verdict.shape, np.nan))
    assert worth(nobody, BOTH, capacity) == worth(WORLD, BOTH, capacity)


def test_a_review_is_worth_more_the_fewer_there_are() -> None:
    prices = [worth(WORLD, BOTH, capacity).price for capacity in (400.0, 600.0, 900.0, 1500.0, 3000.0)]
    assert prices == sorted(prices, reverse=True)
    assert prices[0] > prices[-1]


@pytest.mark.parametrize("capacity", [None, 700.0, 1500.0])
def test_at_that_price_each_policy_aims_at_least_harm(capacity: float | None) -> None:
    found = worth(WORLD, BOTH, capacity)
    asked = questions(WORLD, BOTH)
    assert found.thresholds == tuple(question.aim(found.price) for question in asked)
    assert found.reviews <= found.capacity


def test_a_day_of_more_ads_needs_more_reviews_of_the_same_worth() -> None:
    one, two = (worth(WORLD, BOTH, 600.0 * n, {"SE": 1500.0 * n, "DE": 1500.0 * n}) for n in (1, 10))
    assert one.price == pytest.approx(two.price)
    assert two.reviews == pytest.approx(10 * one.reviews)


def test_limits_that_leave_more_to_people_than_they_can_see_are_said_to() -> None:
    narrow = book(replace(GAMBLING, max_risk=0.01, min_risk_rejected=0.99), markets=("SE", "DE"))
    found = worth(WORLD, narrow, 300.0)
    assert not found.feasible
    assert found.reviews == found.reviews_needed > 300
    assert found.thresholds == (Thresholds(0.00995, 0.99005),) * 2


def test_where_the_limits_leave_much_to_people_a_few_more_reviews_buy_less_harm() -> None:
    narrow = book(GAMBLING, replace(ADULT, max_risk=0.02, min_risk_rejected=0.99), markets=("SE", "DE"))
    found = worth(WORLD, narrow)
    assert found.reviews_needed < found.reviews <= unstated(found.reviews_needed, len(WORLD)) < len(WORLD)
    assert found.price < ANY_PRICE
    traffic = Traffic(WORLD, narrow, questions(WORLD, narrow))
    boldest = aims(questions(WORLD, narrow))(ANY_PRICE)
    assert found.harm < traffic.decided(boldest)[2].sum()


def test_people_see_more_the_more_limits_leave_to_them_without_a_jump() -> None:
    seen = np.array([unstated(needed, 1000.0) for needed in np.arange(1001.0)])
    assert (seen[:134] == 250).all()  # .134 + .134 * .866 is a quarter
    assert (np.diff(seen) >= 0).all()
    assert (np.diff(seen) < 2).all()
    assert (seen >= np.arange(1001.0)).all()
    assert seen[400] == pytest.approx(400 + 0.25 * 600)
    assert unstated(0.0, 0.0) == 0.0


FOUR = np.array([[0.01, 0.01], [0.5, 0.01], [0.5, 0.5], [0.95, 0.5]])
"""Risks of four ads under two policies."""


def four_ads(*policies: str) -> ScoredAds:
    return ScoredAds(policies, np.full(4, "SE"), np.full(4, ""), np.arange(4), FOUR[:, : len(policies)], np.zeros((4, len(policies))))


def traffic(scored: ScoredAds, policies: PolicyBook, volume: Mapping[str, float], *, served: bool = True) -> Traffic:
    """As if every market had labels enough to be served, or none."""
    asked = questions(scored, policies)
    return Traffic(scored, policies, asked, volume, [] if served else asked)


@pytest.mark.parametrize(
    ("below", "at", "reviewed", "rejected", "harm"),
    [
        pytest.param(0.0, 1.0, [1, 1, 1, 1], [0, 0, 0, 0], [0, 0, 0, 0], id="everything is reviewed, each ad once"),
        pytest.param(0.1, 0.9, [0, 1, 1, 0], [0, 0, 0, 1], [0.1, 0, 0, 0.05], id="whom one policy rejects no other has reviewed"),
        pytest.param(0.6, 0.9, [0, 0, 0, 0], [0, 0, 0, 1], [0.1, 2.55, 5, 0.05], id="an approved ad may harm under both"),
        pytest.param(0.1, 0.5, [0, 0, 0, 0], [0, 1, 1, 1], [0.1, 0.5, 0.25, 0.025], id="wronged only where no policy is violated"),
        pytest.param(0.5, 0.5, [0, 0, 0, 0], [0, 1, 1, 1], [0.1, 0.5, 0.25, 0.025], id="a risk equal to the threshold is not approved"),
    ],
)
def test_an_ad_under_several_policies_is_decided_once(
    below: float, at: float, reviewed: list[int], rejected: list[int], harm: list[float]
) -> None:
    both = traffic(four_ads("adult", "gambling"), book(GAMBLING, ADULT), {"SE": 100.0})
    found = both.decided([Thresholds(below, at)] * 2)
    assert found[0].tolist() == reviewed
    assert found[1].tolist() == rejected
    assert found[2] == pytest.approx(harm)
    assert both.reviews([Thresholds(below, at)] * 2) == pytest.approx(25 * sum(reviewed))


def test_a_graver_policy_harms_more_where_it_leaks() -> None:
    harm = {}
    for severity in Severity:
        policies = book(replace(ADULT, severity=severity))
        harm[severity] = traffic(four_ads("adult"), policies, {"SE": 4.0}).decided([Thresholds(0.1, 0.9)])[2].sum() - 0.05
    assert harm == {severity: pytest.approx(0.01 * cost) for severity, cost in LEAKED.items()}
    assert sorted(harm.values(), reverse=True) == [harm[severity] for severity in Severity]


ELSEWHERE = replace(GAMBLING, name="weapons")
APPROVE_ALL = Thresholds(0.99, 1.0)


@pytest.mark.parametrize(
    ("policies", "served", "reviews"),
    [
        pytest.param(book(ADULT), True, 0, id="nothing speaks against deciding"),
        pytest.param(book(ADULT), False, 100, id="what no certificate serves is reviewed"),
        pytest.param(book(ADULT, ELSEWHERE), True, 100, id="a policy without a model"),
        pytest.param(book(ADULT, replace(ELSEWHERE, stance=Stance.ALLOWED)), True, 0, id="unless nothing is forbidden"),
        pytest.param(book(ADULT, markets=("DE",)), True, 100, id="a market that no file is for"),
    ],
)
def test_what_is_reviewed_whatever_the_thresholds(policies: PolicyBook, served: bool, reviews: float) -> None:
    scored = four_ads("adult")
    found = traffic(scored, policies, {"SE": 100.0}, served=served)
    assert found.reviews([APPROVE_ALL] * len(questions(scored, policies))) == reviews


@pytest.mark.parametrize(
    ("volume", "expected"),
    [
        ({"SE": 500.0, "DE": 100.0}, {"SE": 500.0, "DE": 100.0}),
        ({"SE": 5.0}, {"SE": 5.0, "DE": 0.0}),
        ({"SE": 0.0, "DE": 0.5}, {"SE": 0.0, "DE": 0.5}),
        ({}, {"SE": 0.0, "DE": 0.0}),
    ],
)
def test_markets_weigh_what_their_volume_is_however_many_ads_were_scored(volume: dict[str, float], expected: dict[str, float]) -> None:
    scored, policies, found = two_markets(1)
    made = plan(Traffic.of_answers(scored, policies, found, volume), found, 1e9)
    assert made.reviews_by_market == {market: pytest.approx(n) for market, n in expected.items()}
    assert made.reviews == pytest.approx(sum(expected.values())), "with so many reviewers every ad is reviewed"


def test_without_volumes_the_ads_themselves_are_the_day_s() -> None:
    scored, policies, found = two_markets(1)
    assert Traffic.of_answers(scored, policies, found).ads == len(scored)


@pytest.mark.parametrize(
    ("changes", "reviews"),
    [
        ({}, 50.0),
        ({"when_uncertified": WhenUncertified.REVIEW}, 100.0),
        ({"stance": Stance.RESTRICTED}, 75.0),
        ({"stance": Stance.ALLOWED}, 0.0),
        ({"max_risk": 0.01}, 75.0),
        ({"min_risk_rejected": 0.99}, 75.0),
    ],
)
def test_thresholds_set_by_hand_count_in_the_load(changes: dict[str, Any], reviews: float) -> None:
    by_hand = replace(GAMBLING, thresholds=Thresholds(0.1, 0.9), **changes)
    scored = ScoredAds(
        policies=("gambling",),
        market=np.array(["SE"] * 4),
        surface=np.array([""] * 4),
        group=np.arange(4),
        risk=np.array([[0.05], [0.4], [0.5], [0.95]]),
        verdict=np.full((4, 1), np.nan),
    )
    held = PolicyBook(("gambling",), {"SE": MarketRules((by_hand,))})
    assert Traffic(scored, held, [], {"SE": 100.0}).reviews([]) == pytest.approx(reviews)


def test_where_nothing_may_be_rejected_what_would_be_is_reviewed() -> None:
    stances = {"SE": GAMBLING, "DE": replace(GAMBLING, stance=Stance.RESTRICTED)}
    held = PolicyBook(("gambling",), {market: MarketRules((policy,)) for market, policy in stances.items()})
    scored = ads(Place("SE", 150), Place("DE", 150))
    reviewed, rejected, _ = traffic(scored, held, {"SE": 100.0, "DE": 100.0}).decided([Thresholds(0.1, 0.5)] * 2)
    risky = scored.risk[:, 0] >= 0.5
    assert rejected[(scored.market == "SE") & risky].all()
    assert not rejected[scored.market == "DE"].any()
    assert reviewed[(scored.market == "DE") & risky].all()
