"""From fixed-sequence tests to thresholds: the boldest that both sides certify, and whom they serve."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adverdict.certification.certificate import LabelNoise
from adverdict.certification.statistics.bounds import Sizes, p_value
from adverdict.certification.thresholds.answers import Answer, answer, boldest, certified
from adverdict.certification.thresholds.sequence import GRID, Counts, FixedSequenceTest, Side, ThresholdCount
from adverdict.certification.thresholds.strata import PRESENT, questions, strata
from adverdict.decisions.policy import MarketRules, Stance, Targets, Thresholds
from tests.certification.made import GAMBLING, STRICT, TARGETS, Place, ads, book, rules
from tests.effort import examples


def walked(side: Side, first: float | None, last: float | None) -> FixedSequenceTest:
    """One that certifies from ``first`` to ``last``, both on the grid; None: nothing."""

    def at(threshold: float | None) -> ThresholdCount | None:
        return None if threshold is None else ThresholdCount(near(threshold), 0, Sizes.single(100))

    return FixedSequenceTest(side, 0.05, 0.025, at(first), at(last), None)


def near(threshold: float) -> float:
    return float(GRID[np.abs(GRID - threshold).argmin()])


@pytest.mark.parametrize(
    ("approve", "reject", "below", "at"),
    [
        pytest.param((None, None), (None, None), 0.0, 1.0, id="nothing is certified"),
        pytest.param((0.1, 0.3), (None, None), 0.3, 1.0, id="only approving"),
        pytest.param((None, None), (0.9, 0.6), 0.0, 0.6, id="only rejecting"),
        pytest.param((0.1, 0.3), (0.9, 0.6), 0.3, 0.6, id="a middle for people"),
        pytest.param((0.1, 0.5), (0.9, 0.5), 0.5, 0.5, id="the two meet"),
        pytest.param((0.1, 0.7), (0.9, 0.4), 0.4, 0.4, id="both could take the middle: it is rejected"),
        pytest.param((0.5, 0.8), (0.9, 0.4), 0.5, 0.5, id="no less than approving starts with"),
        pytest.param((0.1, 0.8), (0.6, 0.4), 0.4, 0.4, id="rejecting starts late"),
        pytest.param((0.6, 0.8), (0.5, 0.3), 0.8, 1.0, id="no threshold serves both: one side only"),
    ],
)
def test_the_boldest_thresholds(
    approve: tuple[float | None, float | None], reject: tuple[float | None, float | None], below: float, at: float
) -> None:
    found = boldest(walked(Side.APPROVE, *approve), walked(Side.REJECT, *reject))
    assert found == Thresholds(0.0 if below == 0 else near(below), 1.0 if at == 1 else near(at))


@pytest.mark.parametrize(("approve", "below"), [((None, None), 0.0), ((0.1, 0.3), 0.3)])
def test_where_nothing_may_be_rejected_nothing_is(approve: tuple[float | None, float | None], below: float) -> None:
    found = boldest(walked(Side.APPROVE, *approve), None)
    assert (found.approve_below, found.reject_at) == (near(below) if below else 0.0, 1.0)


ends = st.tuples(st.sampled_from(GRID.tolist()), st.sampled_from(GRID.tolist()))


@given(st.none() | ends, st.none() | ends)
def test_whatever_is_chosen_is_certified(approve: tuple[float, float] | None, reject: tuple[float, float] | None) -> None:
    one = walked(Side.APPROVE, *(sorted(approve) if approve else (None, None)))
    two = walked(Side.REJECT, *(sorted(reject, reverse=True) if reject else (None, None)))
    found = boldest(one, two)
    assert found.approve_below in {0.0, *certified(one).tolist()}
    assert found.reject_at in {1.0, *certified(two).tolist()}
    assert (found.approve_below > 0) == (approve is not None)
    assert found.approve_below > 0 or (found.reject_at < 1) == (reject is not None)


@pytest.mark.parametrize(("side", "first", "last"), [(Side.APPROVE, 0.1, 0.3), (Side.REJECT, 0.9, 0.6), (Side.APPROVE, 0.2, 0.2)])
def test_everything_between_the_first_and_the_last_is_certified_from_cautious_to_bold(side: Side, first: float, last: float) -> None:
    found = certified(walked(side, first, last)).tolist()
    low, high = sorted((near(first), near(last)))
    assert found == sorted((one for one in GRID.tolist() if low <= one <= high), reverse=side is Side.REJECT)
    assert (found[0], found[-1]) == (near(first), near(last))


@pytest.mark.parametrize("side", [None, walked(Side.APPROVE, None, None)])
def test_where_a_side_certifies_nothing_there_is_nothing_to_choose_from(side: FixedSequenceTest | None) -> None:
    assert certified(side).tolist() == []


def answered(*places: Place, noise: LabelNoise | None = None, targets: Targets = TARGETS) -> list[Answer]:
    scored = ads(*places)
    policy = replace(GAMBLING, targets=targets)
    asked = questions(scored, book(policy, markets=tuple(dict.fromkeys(place.market for place in places))))
    return [answer(scored, one, {"gambling": noise} if noise else {}) for one in strata(scored, asked)]


def test_an_answer_keeps_the_targets_on_the_ads_it_rests_on() -> None:
    (found,) = answered(Place("SE", 3000))
    approved = found.ads.risk < found.thresholds.approve_below
    rejected = found.ads.risk >= found.thresholds.reject_at
    assert approved.sum() > 1000
    assert rejected.sum() > 200
    assert found.ads.violating[approved].mean() < TARGETS.max_leakage
    assert (~found.ads.violating[rejected]).mean() < TARGETS.max_wrongful_reject


@pytest.mark.parametrize(
    ("noise", "side", "other"),
    [
        (LabelNoise(sensitivity=0.6, specificity=1.0, source="assumed"), "approve", "reject"),
        (LabelNoise(sensitivity=1.0, specificity=0.6, source="assumed"), "reject", "approve"),
    ],
)
def test_errors_that_raters_miss_lower_the_limit_and_bring_the_threshold_back(noise: LabelNoise, side: str, other: str) -> None:
    (trusting,), (doubting,) = (answered(Place("SE", 3000), noise=one) for one in (None, noise))
    before, after = getattr(trusting, side), getattr(doubting, side)
    assert after.limit == pytest.approx(0.6 * before.limit)
    assert after.last.ads < before.last.ads
    assert getattr(doubting, other) == getattr(trusting, other)


def test_labels_are_taken_as_true_where_nothing_is_known_of_the_raters() -> None:
    scored = ads(Place("SE", 3000))
    (stratum,) = strata(scored, questions(scored, book(GAMBLING)))
    other = LabelNoise(sensitivity=0.5, specificity=0.5, source="assumed")
    assert answer(scored, stratum, {"adult": other}).approve == answer(scored, stratum, {}).approve


POOL = tuple(Place(market, 200) for market in ("DE", "GB", "JP", "US"))


def test_a_pool_serves_all_but_the_market_its_own_labels_speak_against() -> None:
    (found,) = answered(*POOL, Place("SE", 60, shift=4.0))
    assert {one.market: one.served for one in found.markets} == {"DE": True, "GB": True, "JP": True, "SE": False, "US": True}
    assert [one.market for one in found.served] == ["DE", "GB", "JP", "US"]
    approved = found.ads.risk[800:] < found.thresholds.approve_below
    wrong = found.ads.violating[800:][approved].sum()
    (why_not,) = [one.why_not for one in found.markets if one.market == "SE"]
    assert why_not == f"its own labels speak against it: {wrong} of {approved.sum()} ads the pool would approve violate"


def test_a_market_like_the_others_is_served_by_the_pool() -> None:
    (found,) = answered(*POOL, Place("SE", 60))
    assert found.thresholds.approve_below > 0
    assert all(one.served and one.why_not is None for one in found.markets)


def test_what_a_market_alone_is_contradicted_by_is_the_walk_s_affair() -> None:
    (found,) = answered(Place("SE", 1500, shift=3.0))
    assert found.markets[0].served
    assert found.thresholds.approve_below < near(0.05)


@pytest.mark.parametrize(("n", "served"), [(PRESENT - 1, False), (PRESENT, True), (0, False)])
def test_a_market_with_hardly_any_labels_is_not_served(n: int, served: bool) -> None:
    found = answered(Place("DE", 900), Place("SE", n, 40))
    (se,) = [market for one in found for market in one.markets if market.market == "SE"]
    assert se.served is served
    assert served or se.why_not == f"{n} labelled ads; 30 are needed before others may speak for it"
    assert (se.ads, se.labelled) == (n + 40, n)


def test_a_market_that_lends_its_labels_is_not_served_by_the_pool() -> None:
    found = answered(Place("US", 900), Place("SE", 100))
    (pool,) = [one for one in found if len(one.markets) == 2]
    assert {(one.market, one.served, one.lends) for one in pool.markets} == {("SE", True, False), ("US", False, True)}
    assert [one.market for one in pool.served] == ["SE"]


def test_a_market_lent_from_under_other_targets_is_judged_by_its_own() -> None:
    scored = ads(Place("SE", 100), Place("DE", 100))
    asked = questions(scored, rules({"SE": MarketRules((GAMBLING,)), "DE": MarketRules((replace(GAMBLING, targets=STRICT),))}))
    found = [answer(scored, one, {}) for one in strata(scored, asked)]
    assert {(one.approve.limit, tuple(q.market for q in one.served)) for one in found} == {(0.05, ("SE",)), (0.03, ("DE",))}


def test_a_restricted_policy_has_no_walk_that_rejects() -> None:
    scored = ads(Place("SE", 3000))
    (stratum,) = strata(scored, questions(scored, book(replace(GAMBLING, stance=Stance.RESTRICTED))))
    found = answer(scored, stratum, {})
    assert found.reject is None
    assert found.thresholds.reject_at == 1.0
    assert found.thresholds.approve_below > 0


@examples(20)
@given(st.integers(0, 2**32), st.sampled_from([100, 400, 1500]), st.sampled_from([1, 4]))
def test_chosen_thresholds_pass_their_own_test(seed: int, n: int, each: int) -> None:
    scored = ads(Place("SE", n, each=each), seed=seed)
    (stratum,) = strata(scored, questions(scored, book(GAMBLING)))
    found = answer(scored, stratum, {})
    for side, threshold in ((Side.APPROVE, found.thresholds.approve_below), (Side.REJECT, found.thresholds.reject_at)):
        if 0 < threshold < 1:
            counted = Counts(found.ads, side).at(int(np.searchsorted(GRID, threshold)))
            limit = 0.05 if side is Side.APPROVE else 0.1
            assert p_value(counted.errors, counted.sizes, limit) <= stratum.level
