"""The fixed-sequence test: what each threshold decides, where it starts, what stops it, that the promise is kept, and needs its groups."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from adverdict.certification.statistics.bounds import p_value
from adverdict.certification.thresholds.sequence import (
    GRID,
    BettingCounts,
    Bools,
    BorrowingCounts,
    Counts,
    FixedSequenceTest,
    Floats,
    Ints,
    LabelledAds,
    Side,
    fixed_sequence_test,
)
from adverdict.models.calibration import logit, sigmoid
from tests.effort import examples, part_of


def ads(*parts: tuple[float, int, int], group: Ints | None = None) -> LabelledAds:
    """Parts of (risk, ads, violating among them), each ad of its own advertiser unless said otherwise."""
    risk = np.concatenate([np.full(n, risk) for risk, n, _ in parts]) if parts else np.zeros(0)
    violating = np.concatenate([np.arange(n) < bad for _, n, bad in parts]) if parts else np.zeros(0, dtype=bool)
    return LabelledAds(risk, violating, np.arange(len(risk)) if group is None else group, alike=1.0)


@st.composite
def worlds(draw: st.DrawFn) -> LabelledAds:
    """Up to 600 ads of advertisers of several sizes; risks right, too low or too high, some of them equal to a threshold."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    n = draw(st.integers(0, 600))
    p = sigmoid(draw(st.sampled_from([-4.0, -2.0, 0.0, 3.0])) + 2.5 * rng.normal(size=n))
    stated = sigmoid(logit(p) + draw(st.sampled_from([-1.0, 0.0, 1.0])))
    risk = np.where(rng.random(n) < 0.3, rng.choice(GRID, n), stated)
    group = rng.integers(0, max(1, n // draw(st.sampled_from([1, 3, 20]))), n)
    return LabelledAds(risk, rng.random(n) < p, group, draw(st.sampled_from([0.0, 0.4, 1.0])))


limits = st.sampled_from([0.02, 0.1, 0.3])
sides = st.sampled_from(Side)


def test_the_grid_is_fixed_because_an_order_chosen_after_the_labels_would_promise_nothing() -> None:
    assert len(GRID) == 461
    assert hashlib.sha256(json.dumps(GRID.tolist()).encode()).hexdigest()[:16] == "84a106d39f0c4941"


def test_the_grid_goes_up_finely_and_a_person_can_read_it() -> None:
    assert (np.diff(GRID) > 0).all()
    assert 0 < GRID[0] < 0.0001
    assert 0.9999 < GRID[-1] < 1
    assert np.diff(logit(GRID)).max() < 0.06
    nearer_end = [p if p <= 0.5 else round(1 - p, 8) for p in GRID.tolist()]
    assert all(p == float(f"{p:.3g}") for p in nearer_end)


@pytest.mark.parametrize(
    ("side", "threshold", "decided", "errors"),
    [
        pytest.param(Side.APPROVE, 0.5, 3, 1, id="approving at the risk itself leaves the ad out"),
        pytest.param(Side.REJECT, 0.5, 2, 1, id="rejecting at the risk itself takes the ad"),
        pytest.param(Side.APPROVE, 0.512, 4, 1, id="the next threshold approves it"),
        pytest.param(Side.REJECT, 0.512, 1, 0, id="and does not reject it"),
        pytest.param(Side.APPROVE, 0.119, 0, 0, id="nothing below the lowest risk, which is the threshold"),
        pytest.param(Side.REJECT, 0.119, 5, 3, id="everything at or above it"),
    ],
)
def test_what_a_threshold_decides_where_risks_are_equal_to_it(side: Side, threshold: float, decided: int, errors: int) -> None:
    assert threshold in GRID
    five = LabelledAds(
        risk=np.array([0.119, 0.119, 0.3, 0.5, 0.9]),
        violating=np.array([True, False, False, False, True]),
        group=np.array([0, 0, 1, 2, 0]),
    )
    found = Counts(five, side).at(int(np.searchsorted(GRID, threshold)))
    assert (found.threshold, found.ads, found.errors) == (threshold, decided, errors)


@examples(40)
@given(worlds(), sides)
def test_counts_are_those_of_the_rule_applied_ad_by_ad(world: LabelledAds, side: Side) -> None:
    counts = Counts(world, side)
    for index in range(0, len(GRID), 23):
        decided = world.risk < GRID[index] if side is Side.APPROVE else world.risk >= GRID[index]
        wrong = world.violating if side is Side.APPROVE else ~world.violating
        foreseen = world.risk if side is Side.APPROVE else 1 - world.risk
        found = counts.at(index)
        assert found.ads == decided.sum()
        assert found.errors == (decided & wrong).sum()
        assert found.sizes.groups == len(set(world.group[decided].tolist()))
        assert counts.expected[index] == pytest.approx(foreseen[decided].sum())


@examples(40)
@given(worlds(), sides)
def test_the_way_takes_more_ads_at_each_step_and_the_most_cautious_threshold_that_does(world: LabelledAds, side: Side) -> None:
    counts = Counts(world, side)
    way = counts.cautious_to_bold()
    assert (np.diff(counts.decided[way]) > 0).all()
    assert set(counts.decided[way].tolist()) == set(counts.decided.tolist()) - {0}
    for index in way.tolist():
        alike = GRID[counts.decided == counts.decided[index]]
        assert GRID[index] == (alike.min() if side is Side.APPROVE else alike.max())


@given(worlds(), sides, limits, st.integers(0, 2**32))
def test_where_the_walk_starts_no_label_has_a_part_in(world: LabelledAds, side: Side, limit: float, seed: int) -> None:
    shuffled = replace(world, violating=np.random.default_rng(seed).permutation(world.violating))
    none, every = (replace(world, violating=np.full(len(world), said)) for said in (False, True))
    starts = {start(fixed_sequence_test(Counts(one, side), limit, 0.05)) for one in (world, shuffled, none, every)}
    assert len(starts) == 1


def start(found: FixedSequenceTest) -> float | None:
    tested = found.first or found.stopped
    return tested.threshold if tested else None


@given(worlds(), sides, limits)
def test_everything_certified_passes_and_the_first_failure_ends_it(world: LabelledAds, side: Side, limit: float) -> None:
    level = 0.05
    found = fixed_sequence_test(Counts(world, side), limit, level)
    counts = Counts(world, side)
    tested = [index for index in counts.cautious_to_bold().tolist() if found.certified and within(float(GRID[index]), found)]
    passed = [p_value(one.errors, one.sizes, limit) <= level for one in map(counts.at, tested)]
    assert all(passed)
    assert found.certified == bool(passed)
    if found.stopped is not None:
        assert p_value(found.stopped.errors, found.stopped.sizes, limit) > level
    if found.last is not None:
        assert counts.upper(int(np.searchsorted(GRID, found.last.threshold)), level) <= limit + 1e-6


def within(threshold: float, found: FixedSequenceTest) -> bool:
    assert found.first is not None
    assert found.last is not None
    low, high = sorted((found.first.threshold, found.last.threshold))
    return low <= threshold <= high


def test_the_walk_stops_before_a_bad_stretch_that_good_ads_beyond_would_make_up_for() -> None:
    stretch = ads((0.01, 300, 0), (0.1, 40, 40), (0.2, 20_000, 0))
    found = fixed_sequence_test(Counts(stretch, Side.APPROVE), 0.05, 0.05)
    counts = Counts(stretch, Side.APPROVE)
    beyond = counts.at(int(np.searchsorted(GRID, 0.25)))
    assert p_value(beyond.errors, beyond.sizes, 0.05) < 0.05, "or there would be nothing to be tempted by"
    assert found.certified
    assert found.last is not None
    assert found.stopped is not None
    assert found.last.threshold <= 0.1 < found.stopped.threshold
    assert (found.last.errors, found.stopped.errors) == (0, 40)


@pytest.mark.parametrize(
    ("found", "certified"),
    [
        pytest.param(ads(), False, id="no ads"),
        pytest.param(ads((0.001, 58, 0)), False, id="too few even without an error"),
        pytest.param(ads((0.001, 92, 0)), False, id="too few to forgive one"),
        pytest.param(ads((0.001, 93, 0)), True, id="just enough to forgive one"),
        pytest.param(ads((0.001, 93, 1)), True, id="and with that one"),
        pytest.param(ads((0.001, 93, 2)), False, id="not with two"),
        pytest.param(ads((0.001, 10_000, 0), group=np.repeat(np.arange(50), 200)), False, id="many ads of few advertisers"),
        pytest.param(ads((0.001, 100, 0), group=np.repeat(np.arange(100), 1)), True, id="fewer ads of more advertisers"),
        pytest.param(ads((0.9, 400, 0)), True, id="risks that are far too high cost the start, not the certificate"),
        pytest.param(ads((0.001, 400, 400)), False, id="risks that are far too low certify nothing"),
    ],
)
def test_who_is_certified(found: LabelledAds, certified: bool) -> None:
    assert fixed_sequence_test(Counts(found, Side.APPROVE), 0.05, 0.05).certified is certified


@given(worlds(), sides, limits, st.integers(0, 2**32))
def test_an_ad_that_turns_out_wrong_never_certifies_more(world: LabelledAds, side: Side, limit: float, seed: int) -> None:
    wrong = np.random.default_rng(seed).random(len(world)) < 0.05
    worse = replace(world, violating=world.violating | wrong if side is Side.APPROVE else world.violating & ~wrong)
    assert reach(fixed_sequence_test(Counts(worse, side), limit, 0.05)) <= reach(fixed_sequence_test(Counts(world, side), limit, 0.05))


def reach(found: FixedSequenceTest) -> int:
    """Ads decided at the furthest certified threshold."""
    return found.last.ads if found.last else 0


@pytest.mark.parametrize("more", [1, 3, 10, 100])
def test_violating_ads_added_below_the_threshold_bring_it_down(more: int) -> None:
    clean = ads((0.01, 150, 0), (0.05, 150, 2), (0.2, 150, 12))
    alone = fixed_sequence_test(Counts(clean, Side.APPROVE), 0.05, 0.05)
    worse = fixed_sequence_test(Counts(ads((0.01, 150, 0), (0.01, more, more), (0.05, 150, 2), (0.2, 150, 12)), Side.APPROVE), 0.05, 0.05)
    assert alone.last is not None
    assert (worse.last.threshold if worse.last else 0.0) <= alone.last.threshold
    assert worse.certified is (more < 10)


# --- within what a policy permits, and from what is aimed at ------------------------------------------------------------------------------

GOOD = ads((0.001, 200, 0), (0.02, 400, 1), (0.1, 400, 5), (0.3, 400, 20))


def bolder(side: Side, threshold: float, than: float) -> bool:
    return threshold > than if side is Side.APPROVE else threshold < than


@given(worlds(), sides, limits, st.sampled_from(GRID.tolist()))
def test_nothing_bolder_than_the_policy_permits_is_tested(world: LabelledAds, side: Side, limit: float, furthest: float) -> None:
    found = fixed_sequence_test(Counts(world, side), limit, 0.05, furthest=furthest)
    tested = [one for one in (found.first, found.last, found.stopped) if one is not None]
    assert not any(bolder(side, one.threshold, furthest) for one in tested)


@given(worlds(), sides, limits, st.sampled_from(GRID.tolist()))
def test_the_first_test_is_not_bolder_than_what_is_aimed_at_if_there_is_any(
    world: LabelledAds, side: Side, limit: float, aim: float
) -> None:
    counts = Counts(world, side)
    first = start(fixed_sequence_test(counts, limit, 0.05, aim=aim))
    plain = start(fixed_sequence_test(counts, limit, 0.05))
    way = [float(GRID[index]) for index in counts.cautious_to_bold()]
    within = [threshold for threshold in way if not bolder(side, threshold, aim)]
    if way and not within:
        assert first == way[0], "the most cautious there is"
    elif plain is not None and not bolder(side, plain, aim):
        assert first == plain, "an aim beyond the start changes nothing"
    elif way:
        assert first == within[-1]


@pytest.mark.parametrize(
    ("aim", "first", "last"),
    [
        pytest.param(None, 0.0202, 0.31, id="no aim: where one error can be forgiven"),
        pytest.param(0.31, 0.0202, 0.31, id="an aim beyond it"),
        pytest.param(0.021, 0.0202, 0.31, id="an aim just there"),
        pytest.param(0.005, 0.00105, 0.31, id="an aim before it: the first test forgives nothing"),
    ],
)
def test_the_walk_starts_no_later_than_the_aim_without_forgiveness_when_it_must(aim: float | None, first: float, last: float) -> None:
    few = ads((0.001, 70, 0), (0.02, 400, 1), (0.1, 400, 5), (0.3, 100, 4))
    found = fixed_sequence_test(Counts(few, Side.APPROVE), 0.05, 0.05, aim=aim)
    assert found.first is not None
    assert found.last is not None
    assert found.first.threshold == pytest.approx(first, rel=0.06)
    assert found.last.threshold == pytest.approx(last, rel=0.06)


@pytest.mark.parametrize("errors", [0, 1])
def test_without_forgiveness_one_error_is_one_too_many(errors: int) -> None:
    """59 clean draws show 5 %; 93 forgive one error."""
    found = fixed_sequence_test(Counts(ads((0.001, 60, errors), (0.02, 400, 1)), Side.APPROVE), 0.05, 0.05, aim=0.005)
    assert found.certified is (errors == 0)


def test_what_lies_beyond_the_permitted_is_no_matter_of_labels() -> None:
    tests = [fixed_sequence_test(Counts(GOOD, Side.APPROVE), 0.05, 0.05, furthest=furthest) for furthest in (0.05, 0.2, None)]
    reached = [one.last.threshold for one in tests if one.last is not None]
    assert len(reached) == 3
    assert reached == sorted(reached)
    assert reached[0] <= 0.05 < reached[1] <= 0.2 < reached[2]


def test_where_the_policy_permits_nothing_nothing_is_tested() -> None:
    found = fixed_sequence_test(Counts(GOOD, Side.APPROVE), 0.05, 0.05, furthest=0.0, aim=0.0)
    assert (found.first, found.last, found.stopped) == (None, None, None)


# --- labels that are looked at more than once --------------------------------------------------------------------------------------------


@examples(40)
@given(worlds(), sides, limits)
def test_betting_asks_for_more_of_the_same_labels(world: LabelledAds, side: Side, limit: float) -> None:
    exact, betting = Counts(world, side), BettingCounts(world, side)
    for index in range(0, len(GRID), 40):
        if exact.decided[index]:
            shown = betting.p_value(index, limit)
            assert 0 <= shown <= 1
            assert betting.upper(index, 0.05) >= exact.errors[index] / exact.decided[index]
            assert (betting.upper(index, 0.05) <= limit) == (shown <= 0.05) or shown == pytest.approx(0.05, rel=1e-3)


@pytest.mark.slow
def test_looking_after_every_ten_labels_keeps_the_level_by_betting_and_breaks_it_by_an_exact_test() -> None:
    """At a true rate that is the limit, of ads each of another advertiser."""
    limit, looks, runs = 0.1, range(50, 501, 10), part_of(400, 0.5)
    rng = np.random.default_rng(3)
    at = int(np.searchsorted(GRID, 0.5))
    fooled = {Counts: 0, BettingCounts: 0}
    for _ in range(runs):
        violating = rng.random(looks[-1]) < limit
        for kind in fooled:
            seen = (LabelledAds(np.full(n, 0.1), violating[:n], np.arange(n), alike=0.0) for n in looks)
            fooled[kind] += any(kind(one, Side.APPROVE).p_value(at, limit) <= 0.05 for one in seen)
    assert stats.binomtest(fooled[BettingCounts], runs, 0.05, alternative="greater").pvalue > 0.01
    assert stats.binomtest(fooled[Counts], runs, 0.05, alternative="greater").pvalue < 0.01


# --- the promise, on a population whose truth is known -----------------------------------------------------------------------------------

LIMIT = LEVEL = 0.1
DEPLOYMENTS, ADVERTISERS = part_of(400, 0.1), 120
TOGETHER = 0.9
"""P(an ad is decided with its advertiser's other ads), so about the correlation of their errors."""
Draw = tuple[Floats, Floats, Bools, Ints]
How = Callable[[Draw], LabelledAds]


def advertisers(rng: np.random.Generator, n: int, shift: float) -> Draw:
    """True and stated risks, violations and advertisers of all ads of ``n`` advertisers, 1 to about 40 ads each."""
    group = np.repeat(np.arange(n), rng.geometric(0.2, n))
    p = sigmoid(rng.normal(-2.5, 1.8, n)[group] + 0.3 * rng.normal(size=len(group)))
    own, common = rng.random(len(group)), rng.random(n)[group]
    return p, sigmoid(logit(p) + shift), np.where(rng.random(len(group)) < TOGETHER, common, own) < p, group


@cache
def true_rates(side: Side, shift: float) -> Floats:
    """Of a million ads, at every threshold."""
    p, stated, _, _ = advertisers(np.random.default_rng(99), 200_000, shift)
    order = np.argsort(stated)
    below = np.searchsorted(stated[order], GRID)
    total = np.concatenate([[0.0], np.cumsum(p[order])])
    if side is Side.APPROVE:
        return np.asarray(total[below] / np.maximum(below, 1))
    above = len(p) - below
    return np.asarray(1.0 - (total[-1] - total[below]) / np.maximum(above, 1))


def as_labelled(found: Draw) -> LabelledAds:
    return LabelledAds(*found[1:])


def all_together(found: Draw) -> LabelledAds:
    return LabelledAds(*found[1:], alike=1.0)


def as_if_nobody_had_two_ads(found: Draw) -> LabelledAds:
    return LabelledAds(found[1], found[2], np.arange(len(found[1])))


def broken(
    side: Side, shift: float, how: How, deployments: int = DEPLOYMENTS, *, furthest: float | None = None, aim: float | None = None
) -> tuple[int, int]:
    """Deployments with a certified threshold beyond the limit, and deployments with any that is certified."""
    rng, rates = np.random.default_rng(5), true_rates(side, shift)
    beyond = any_certified = 0
    for _ in range(deployments):
        found = fixed_sequence_test(Counts(how(advertisers(rng, ADVERTISERS, shift)), side), LIMIT, LEVEL, furthest=furthest, aim=aim)
        any_certified += found.certified
        beyond += found.certified and max(rates[index] for index, one in enumerate(GRID) if within(one, found)) > LIMIT
    return beyond, any_certified


def kept(beyond: int, deployments: int = DEPLOYMENTS) -> bool:
    """Whether so many broken promises are what chance may do to a promise that holds at ``LEVEL``."""
    return bool(stats.binomtest(beyond, deployments, LEVEL, alternative="greater").pvalue > 0.01)


@pytest.mark.sampled
def test_the_promise_is_kept_in_as_many_deployments_as_it_says() -> None:
    beyond, certified = broken(Side.APPROVE, 0.0, as_labelled)
    assert kept(beyond)
    assert certified > 0.7 * DEPLOYMENTS, "nothing is promised by certifying nothing"


@pytest.mark.sampled
def test_a_binomial_that_knows_no_advertisers_breaks_it_on_the_same_ads() -> None:
    beyond, _ = broken(Side.APPROVE, 0.0, as_if_nobody_had_two_ads)
    assert not kept(beyond)
    assert beyond > 0.3 * DEPLOYMENTS


@pytest.mark.sampled
@pytest.mark.parametrize("aim", [0.002, 0.1, 0.4])
def test_the_promise_is_kept_wherever_the_walk_is_made_to_start(aim: float) -> None:
    """Also where not one error is forgiven, and where risks are too low, so that more leaks than they say."""
    assert kept(broken(Side.APPROVE, -1.0, as_labelled, furthest=0.4, aim=aim)[0])


@pytest.mark.slow
@pytest.mark.parametrize("how", [as_labelled, all_together])
@pytest.mark.parametrize("shift", [-1.0, 0.0, 1.0], ids=["risks too low", "risks right", "risks too high"])
@pytest.mark.parametrize("side", Side)
def test_the_promise_is_kept_whatever_the_risks_are_worth(side: Side, shift: float, how: How) -> None:
    assert kept(broken(side, shift, how, 500)[0], 500)


def test_where_every_ad_is_an_error_borrowing_counts_no_more_errors_than_draws() -> None:
    """Which a rounded quotient of the two could be."""
    lent = Counts(LabelledAds(np.full(40, 0.01), np.zeros(40, dtype=np.bool_), np.arange(40), 0.3), Side.APPROVE).worth
    for n in range(1, 60):
        own = LabelledAds(np.full(n, 0.01), np.ones(n, dtype=np.bool_), np.zeros(n, dtype=np.int64), 0.3)
        counts = BorrowingCounts(own, Side.APPROVE, [lent, lent, lent])
        assert counts.p_value(int(counts.cautious_to_bold()[-1]), 0.02) > 0.9
