"""How far the labels of a stratum certify, whose labels those are, and the thresholds of least harm within that."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adverdict.certification.certificate import LabelNoise
from adverdict.certification.statistics.bounds import Sizes, p_value
from adverdict.certification.thresholds.answers import DOUBTFUL, Answer, Labels, answer, certified, nearest
from adverdict.certification.thresholds.scored import ScoredAds
from adverdict.certification.thresholds.sequence import GRID, FixedSequenceTest, Side, ThresholdCount
from adverdict.certification.thresholds.strata import PRESENT, questions, strata
from adverdict.certification.words import Strength
from adverdict.decisions.policy import PolicyInForce, Stance, Targets, Thresholds
from tests.certification.made import GAMBLING, TARGETS, Place, ads, book
from tests.effort import examples

QUARTER = 0.25
"""The price of a review in these tests, in wrongly rejected ads: a threshold of .05 is aimed at, and one of .75."""


def walked(side: Side, first: float | None, last: float | None) -> FixedSequenceTest:
    """One that certifies from ``first`` to ``last``, both on the grid; None: nothing."""

    def at(threshold: float | None) -> ThresholdCount | None:
        return None if threshold is None else ThresholdCount(near(threshold), 0, Sizes.single(100))

    return FixedSequenceTest(side, 0.05, 0.025, at(first), at(last), None)


def near(threshold: float) -> float:
    return float(GRID[np.abs(GRID - threshold).argmin()])


AIM = Thresholds(near(0.2), near(0.8))


@pytest.mark.parametrize(
    ("approve", "reject", "below", "at"),
    [
        pytest.param((None, None), (None, None), 0.0, 1.0, id="nothing is certified"),
        pytest.param((0.1, 0.15), (None, None), 0.15, 1.0, id="only approving"),
        pytest.param((None, None), (0.95, 0.9), 0.0, 0.9, id="only rejecting"),
        pytest.param((0.1, 0.15), (0.95, 0.9), 0.15, 0.9, id="as far as is certified"),
        pytest.param((0.1, 0.5), (0.95, 0.6), 0.2, 0.8, id="no further than is aimed at"),
        pytest.param((0.1, 0.2), (0.95, 0.8), 0.2, 0.8, id="exactly as far"),
        pytest.param((0.3, 0.5), (0.7, 0.6), 0.0, 1.0, id="what is certified only beyond the aim is not used"),
    ],
)
def test_the_certified_thresholds_nearest_to_the_aim(
    approve: tuple[float | None, float | None], reject: tuple[float | None, float | None], below: float, at: float
) -> None:
    found = nearest(walked(Side.APPROVE, *approve), walked(Side.REJECT, *reject), AIM)
    assert found == Thresholds(0.0 if below == 0 else near(below), 1.0 if at == 1 else near(at))


def test_where_nothing_may_be_rejected_nothing_is() -> None:
    assert nearest(walked(Side.APPROVE, 0.1, 0.3), None, AIM) == Thresholds(AIM.approve_below, 1.0)


ends = st.tuples(st.sampled_from(GRID.tolist()), st.sampled_from(GRID.tolist()))


@given(st.none() | ends, st.none() | ends, ends)
def test_whatever_is_chosen_is_certified_and_decides_no_more_than_the_aim(
    approve: tuple[float, float] | None, reject: tuple[float, float] | None, aim: tuple[float, float]
) -> None:
    one = walked(Side.APPROVE, *(sorted(approve) if approve else (None, None)))
    two = walked(Side.REJECT, *(sorted(reject, reverse=True) if reject else (None, None)))
    aimed = Thresholds(*sorted(aim))
    found = nearest(one, two, aimed)
    assert found.approve_below in {0.0, *certified(one).tolist()}
    assert found.reject_at in {1.0, *certified(two).tolist()}
    assert found.approve_below <= aimed.approve_below
    assert found.reject_at >= aimed.reject_at
    within = [threshold for threshold in certified(one).tolist() if threshold <= aimed.approve_below]
    assert found.approve_below == max(within, default=0.0)


@pytest.mark.parametrize(("side", "first", "last"), [(Side.APPROVE, 0.1, 0.3), (Side.REJECT, 0.9, 0.6), (Side.APPROVE, 0.2, 0.2)])
def test_everything_between_the_first_and_the_last_is_certified_from_cautious_to_bold(side: Side, first: float, last: float) -> None:
    found = certified(walked(side, first, last)).tolist()
    low, high = sorted((near(first), near(last)))
    assert found == sorted((one for one in GRID.tolist() if low <= one <= high), reverse=side is Side.REJECT)
    assert (found[0], found[-1]) == (near(first), near(last))


@pytest.mark.parametrize("side", [None, walked(Side.APPROVE, None, None)])
def test_where_a_side_certifies_nothing_there_is_nothing_to_choose_from(side: FixedSequenceTest | None) -> None:
    assert certified(side).tolist() == []


def answered(
    *places: Place,
    noise: LabelNoise | None = None,
    targets: Targets = TARGETS,
    policy: PolicyInForce = GAMBLING,
    looked_again: bool = False,
    seed: int = 1,
) -> dict[str, Answer]:
    """By market."""
    scored = ads(*places, seed=seed)
    asked = questions(scored, book(replace(policy, targets=targets), markets=tuple(dict.fromkeys(place.market for place in places))))
    labels = Labels(scored, looked_again=looked_again)
    return {one.question.market: answer(labels, one, {"gambling": noise} if noise else {}, QUARTER) for one in strata(scored, asked)}


def test_an_answer_keeps_the_targets_on_the_ads_it_rests_on() -> None:
    found = answered(Place("SE", 3000))["SE"]
    approved = found.ads.risk < found.thresholds.approve_below
    rejected = found.ads.risk >= found.thresholds.reject_at
    assert approved.sum() > 1000
    assert rejected.sum() > 200
    assert found.ads.violating[approved].mean() < TARGETS.max_leakage
    assert (~found.ads.violating[rejected]).mean() < TARGETS.max_wrongful_reject


def test_the_aim_is_least_harm_on_the_grid_and_no_label_moves_it() -> None:
    scored = ads(Place("SE", 500))
    (stratum,) = strata(scored, questions(scored, book(GAMBLING)))
    turned = replace(scored, verdict=1.0 - scored.verdict)
    aims = {answer(Labels(one), stratum, {}, QUARTER).aim for one in (scored, turned)}
    assert aims == {Thresholds(near(0.0487), near(0.75))}
    assert next(iter(aims)).approve_below <= QUARTER / 5
    assert next(iter(aims)).reject_at >= 1 - QUARTER


def test_more_labels_never_stretch_a_threshold_beyond_the_aim() -> None:
    found = answered(Place("SE", 6000), targets=replace(TARGETS, max_leakage=0.5, max_wrongful_reject=0.9))["SE"]
    assert found.thresholds == found.aim
    last = found.approve.test.last
    assert last is not None
    assert last.threshold > found.aim.approve_below, "or there would be nothing to be tempted by"


@pytest.mark.parametrize(
    ("noise", "side", "other"),
    [
        (LabelNoise(sensitivity=0.6, specificity=1.0, source="assumed"), "approve", "reject"),
        (LabelNoise(sensitivity=1.0, specificity=0.6, source="assumed"), "reject", "approve"),
    ],
)
def test_errors_that_raters_miss_lower_the_limit_and_bring_the_threshold_back(noise: LabelNoise, side: str, other: str) -> None:
    trusting, doubting = (answered(Place("SE", 3000), noise=one)["SE"] for one in (None, noise))
    before, after = getattr(trusting, side).test, getattr(doubting, side).test
    assert after.limit == pytest.approx(0.6 * before.limit)
    assert after.last.ads < before.last.ads
    assert getattr(doubting, other).test == getattr(trusting, other).test


def test_labels_are_taken_as_true_where_nothing_is_known_of_the_raters() -> None:
    scored = ads(Place("SE", 3000))
    (stratum,) = strata(scored, questions(scored, book(GAMBLING)))
    other = LabelNoise(sensitivity=0.5, specificity=0.5, source="assumed")
    doubted, plain = (answer(Labels(scored), stratum, noise, QUARTER) for noise in ({"adult": other}, {}))
    assert doubted.approve.test == plain.approve.test


# --- whose labels a side stands on -------------------------------------------------------------------------------------------------------

OTHERS = tuple(Place(market, 900) for market in ("DE", "GB", "JP", "US"))


def strengths(*places: Place, looked_again: bool = False, seed: int = 1) -> tuple[Strength, Strength]:
    """Of SE's two sides."""
    found = answered(*places, looked_again=looked_again, seed=seed)["SE"]
    assert found.reject is not None
    return found.approve.strength, found.reject.strength


@pytest.mark.parametrize(
    ("places", "own"),
    [
        pytest.param([Place("SE", 3000), *OTHERS], (True, True), id="labels enough of its own"),
        pytest.param([Place("SE", 550), *OTHERS], (True, False), id="each side for itself"),
        pytest.param([Place("SE", 300), *OTHERS], (False, False), id="too few on both sides"),
        pytest.param([Place("SE", PRESENT - 1), *OTHERS], (True, True), id="hardly any: nothing speaks for it"),
        pytest.param([Place("SE", 100), *OTHERS[:2]], (True, True), id="two others do not show how alike markets are"),
        pytest.param([Place("SE", 100)], (True, True), id="nobody to borrow from"),
        pytest.param([Place("SE", 0, 500), *OTHERS], (True, True), id="ads without labels do not count"),
    ],
)
def test_a_side_with_too_few_labels_of_its_own_uses_those_of_others(places: list[Place], own: tuple[bool, bool]) -> None:
    """Approving, rejecting."""
    approve, reject = strengths(*places)
    assert (approve is Strength.OWN, reject is Strength.OWN) == own


def test_a_market_like_the_others_gets_what_their_labels_certify() -> None:
    alone, among = (answered(Place("SE", 90), *others)["SE"] for others in ((), OTHERS))
    assert alone.thresholds.approve_below < alone.aim.approve_below
    assert among.approve.strength is not Strength.OWN
    assert among.thresholds.approve_below == among.aim.approve_below


def test_a_market_whose_own_labels_speak_against_it_is_not_served_by_those_of_all_together() -> None:
    found = answered(*OTHERS, Place("SE", 90, shift=3.0))["SE"]
    assert found.approve.strength is Strength.BORROWED
    assert len(found.approve.counts.ads) == 90, "its own, with what the others lend"
    assert found.thresholds.approve_below < found.aim.approve_below
    for market in ("DE", "GB", "JP", "US"):
        assert answered(*OTHERS, Place("SE", 90, shift=3.0))[market].thresholds.approve_below > 0


def test_what_only_all_markets_together_show_is_called_so() -> None:
    """Neither doubtful nor shown for the market: too few labels to tell, and others that are not all alike."""
    places = [Place("BR", 300, shift=-1.0), Place("DE", 300, shift=0.5), Place("GB", 300, shift=-1.0), Place("US", 300, shift=0.5)]
    found = [strengths(Place("SE", 40), *places, seed=seed) for seed in range(6)]
    assert Strength.TOGETHER in {one for both in found for one in both}


def test_labels_that_were_looked_at_before_are_not_borrowed() -> None:
    for seed in range(4):
        assert Strength.BORROWED not in strengths(Place("SE", 90), *OTHERS, looked_again=True, seed=seed)


def test_looking_again_certifies_less_of_the_same_labels() -> None:
    once, again = (answered(Place("SE", 1500), looked_again=looked)["SE"] for looked in (False, True))
    for side in ("approve", "reject"):
        first, second = getattr(once, side).test.last, getattr(again, side).test.last
        assert second is not None
        assert second.ads < first.ads


def relabelled(scored: ScoredAds, seed: int) -> ScoredAds:
    other = np.random.default_rng(seed).random(scored.verdict.shape)
    return replace(scored, verdict=np.where(np.isnan(scored.verdict), np.nan, other))


@examples(20)
@given(st.sampled_from([0, 29, 30, 100, 600]), st.integers(0, 2**32))
def test_whether_a_side_stands_on_its_own_is_settled_by_numbers_of_labels(n: int, seed: int) -> None:
    """Groups of one ad each are taken to be as alike whatever their labels are."""
    scored = ads(Place("SE", n, 10), *OTHERS)
    (stratum,) = [
        one
        for one in strata(scored, questions(scored, book(GAMBLING, markets=("SE", "DE", "GB", "JP", "US"))))
        if one.question.market == "SE"
    ]
    found = [answer(Labels(one), stratum, {}, QUARTER) for one in (scored, relabelled(scored, seed))]
    for side in ("approve", "reject"):
        assert len({getattr(one, side).strength is Strength.OWN for one in found}) == 1


@pytest.mark.parametrize(("n", "served"), [(PRESENT - 1, False), (PRESENT, True), (0, False)])
def test_a_market_with_hardly_any_labels_is_not_served(n: int, served: bool) -> None:
    assert answered(Place("SE", n, 40), *OTHERS)["SE"].served is served


def test_a_market_alone_is_held_to_what_its_labels_show() -> None:
    found = answered(Place("SE", 1500, shift=3.0))["SE"]
    assert found.served
    assert found.thresholds.approve_below < near(0.02)


def test_a_restricted_policy_has_no_test_of_rejecting() -> None:
    found = answered(Place("SE", 3000), policy=replace(GAMBLING, stance=Stance.RESTRICTED))["SE"]
    assert found.reject is None
    assert found.thresholds.reject_at == 1.0
    assert found.thresholds.approve_below > 0


def test_nothing_is_certified_beyond_the_policy_s_limits() -> None:
    found = answered(Place("SE", 3000), targets=replace(TARGETS, max_leakage=0.9, max_wrongful_reject=0.9))["SE"]
    assert found.reject is not None
    assert max(certified(found.approve.test)) <= 0.25
    assert min(certified(found.reject.test)) >= 0.5


@examples(10)
@given(st.integers(0, 2**32), st.sampled_from([100, 400, 1500]), st.sampled_from([1, 4]))
def test_a_dearer_review_never_leaves_more_to_people_and_nothing_uncertified_is_chosen(seed: int, n: int, each: int) -> None:
    found = answered(Place("SE", n, each=each), seed=seed)["SE"]
    assert found.reject is not None
    pairs = [found.at_price(price) for price in (0.0, 0.01, 0.1, 0.25, 0.5, 1.0, 3.0, 1e12)]
    assert (np.diff([pair.approve_below for pair in pairs]) >= 0).all()
    assert (np.diff([pair.reject_at for pair in pairs]) <= 0).all()
    assert {pair.approve_below for pair in pairs} <= {0.0, *certified(found.approve.test).tolist()}
    assert {pair.reject_at for pair in pairs} <= {1.0, *certified(found.reject.test).tolist()}
    assert found.at_price(QUARTER) == found.thresholds


@examples(20)
@given(st.integers(0, 2**32), st.sampled_from([100, 400, 1500]), st.sampled_from([1, 4]))
def test_chosen_thresholds_pass_their_own_test(seed: int, n: int, each: int) -> None:
    found = answered(Place("SE", n, each=each), seed=seed)["SE"]
    assert found.reject is not None
    for side, limit, threshold in ((found.approve, 0.05, found.thresholds.approve_below), (found.reject, 0.1, found.thresholds.reject_at)):
        if 0 < threshold < 1:
            counted = side.counts.at(int(np.searchsorted(GRID, threshold)))
            assert p_value(counted.errors, counted.sizes, limit) <= found.stratum.level


def test_a_market_is_called_doubtful_at_a_chance_well_above_the_level() -> None:
    assert 0.05 < DOUBTFUL < 0.5
