"""Exact tests of a rate: against the binomial, against a sum over groups written out, and what no bound may ever do."""

from __future__ import annotations

from functools import reduce

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from adverdict.certification.statistics import bounds
from adverdict.certification.statistics.bounds import Sizes, draws_needed, fewest_draws, p_value, p_value_over, upper_bound
from tests.effort import examples

NEARLY = 1e-5
"""Correlations of 0 and 1 are a little more and a little less in the recurrence."""
MIXED = ((1, 1, 1), (2, 2), (1, 2, 3), (5, 1, 1), (4, 4, 2, 1), (9,), (1, 1, 7, 7))


def sizes(groups: tuple[int, ...], alike: float = 1.0) -> Sizes:
    """One number of ads for each group."""
    return Sizes.of(np.repeat(np.arange(len(groups)), groups), alike)


def written_out(groups: tuple[int, ...], limit: float, alike: float) -> NDArray[np.float64]:
    """P(errors = 0, 1, …): the groups' distributions convolved, each binomial, beta-binomial or all or nothing."""
    return reduce(np.convolve, [of_a_group(size, limit, alike) for size in groups])


def of_a_group(size: int, limit: float, alike: float) -> NDArray[np.float64]:
    errors = np.arange(size + 1)
    if alike == 0:
        return np.asarray(stats.binom.pmf(errors, size, limit))
    if alike == 1:
        return np.where(errors == 0, 1 - limit, 0.0) + np.where(errors == size, limit, 0.0)
    c = (1 - alike) / alike
    return np.asarray(stats.betabinom.pmf(errors, size, limit * c, (1 - limit) * c))


groups_of_ads = st.lists(st.integers(1, 12), min_size=1, max_size=8).map(tuple)
correlations = st.sampled_from([0.0, 0.05, 0.3, 0.8, 1.0])
rates = st.floats(0.001, 0.999)


@pytest.mark.parametrize(("n", "limit"), [(1, 0.5), (59, 0.05), (300, 0.02), (1000, 0.1)])
@pytest.mark.parametrize("alike", [0.0, 0.3, 1.0])
def test_with_one_ad_a_group_it_is_the_binomial_however_alike(n: int, limit: float, alike: float) -> None:
    for errors in {0, 1, n // 20, n // 2, n - 1}:
        assert p_value(errors, sizes((1,) * n, alike), limit) == pytest.approx(stats.binom.cdf(errors, n, limit), rel=1e-9, abs=1e-13)


@pytest.mark.parametrize("alike", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("groups", MIXED, ids=str)
@pytest.mark.parametrize("limit", [0.01, 0.2, 0.5, 0.93])
def test_with_groups_it_is_the_sum_over_them(groups: tuple[int, ...], limit: float, alike: float) -> None:
    expected = np.cumsum(written_out(groups, limit, alike))
    found = [p_value(errors, sizes(groups, alike), limit) for errors in range(sum(groups) + 1)]
    np.testing.assert_allclose(found, expected, atol=1e-10 if 0 < alike < 1 else NEARLY)


@examples(40)
@given(groups_of_ads, rates, st.floats(0.001, 0.999))
def test_any_groups_and_any_correlation_give_the_sum(groups: tuple[int, ...], limit: float, alike: float) -> None:
    expected = np.cumsum(written_out(groups, limit, alike))
    found = [p_value(errors, sizes(groups, alike), limit) for errors in range(sum(groups) + 1)]
    np.testing.assert_allclose(found, expected, atol=1e-10)


def test_hundreds_of_groups_of_all_sizes_give_the_sum() -> None:
    rng = np.random.default_rng(1)
    groups = tuple((1 + rng.zipf(1.8, 300).clip(max=60)).tolist())
    for alike in (0.1, 0.7):
        expected = np.cumsum(written_out(groups, 0.05, alike))
        for errors in (0, 3, 20, 80, 200):
            assert p_value(errors, sizes(groups, alike), 0.05) == pytest.approx(expected[errors], abs=1e-10)


@examples(40)
@given(groups_of_ads, correlations, rates, rates)
def test_more_errors_speak_less_and_a_higher_limit_speaks_more(groups: tuple[int, ...], alike: float, one: float, two: float) -> None:
    low, high = sorted((one, two))
    of = sizes(groups, alike)
    at_low, at_high = ([p_value(errors, of, limit) for errors in range(of.ads + 1)] for limit in (low, high))
    assert (np.diff(at_low) >= -1e-9).all()
    assert (np.subtract(at_low, at_high) >= -1e-9).all()
    assert all(0 <= p <= 1 for p in at_low + at_high)


@examples(40)
@given(groups_of_ads, correlations, rates)
def test_both_ends_of_the_distribution_agree(groups: tuple[int, ...], alike: float, limit: float) -> None:
    """At most k errors at the limit is at least n - k right decisions at the rest of it: the two are counted from opposite ends."""
    of = sizes(groups, alike)
    for errors in range(of.ads):
        assert p_value(errors, of, limit) == pytest.approx(1 - p_value(of.ads - errors - 1, of, 1 - limit), abs=1e-9)


@examples(40)
@given(groups_of_ads, correlations, rates)
def test_at_least_and_at_most_share_the_number_itself(groups: tuple[int, ...], alike: float, limit: float) -> None:
    of = sizes(groups, alike)
    chances = written_out(groups, limit, alike)
    for errors in range(of.ads + 1):
        assert p_value_over(errors, of, limit) == pytest.approx(chances[errors:].sum(), abs=NEARLY)


@pytest.mark.parametrize(
    ("errors", "groups", "limit", "expected"),
    [
        (0, (), 0.05, 1.0),
        (0, (1,) * 20, 0.0, 1.0),
        (0, (1,) * 20, 1.0, 0.0),
        (20, (1,) * 20, 0.5, 1.0),
        (20, (1,) * 20, 1.0, 1.0),
        (21, (1,) * 20, 0.5, 1.0),
        (0, (500,), 0.05, 0.95),
        (499, (500,), 0.05, 0.95),
        (0, (5000, 5000), 0.02, 0.98**2),
    ],
)
def test_the_edges(errors: int, groups: tuple[int, ...], limit: float, expected: float) -> None:
    assert p_value(errors, sizes(groups), limit) == pytest.approx(expected, abs=1e-5)


def test_one_advertiser_with_all_the_ads_never_shows_anything() -> None:
    assert upper_bound(0, sizes((100_000,)), 0.05) == pytest.approx(0.95, abs=1e-3)


def test_the_more_alike_the_ads_the_less_an_absence_of_errors_says() -> None:
    found = [p_value(0, sizes((10,) * 30, alike), 0.05) for alike in (0.0, 0.1, 0.3, 0.6, 1.0)]
    assert found == sorted(found)
    assert found[0] == pytest.approx(0.95**300, rel=1e-4)
    assert found[-1] == pytest.approx(0.95**30, rel=1e-4)


@examples(40)
@given(groups_of_ads, correlations, st.integers(0, 30), st.sampled_from([0.001, 0.0125, 0.05, 0.3]))
def test_the_upper_bound_is_where_the_p_value_is_the_level(groups: tuple[int, ...], alike: float, errors: int, level: float) -> None:
    of = sizes(groups, alike)
    bound = upper_bound(errors, of, level)
    if bound < 1:
        assert p_value(errors, of, bound - 1e-4) >= level >= p_value(errors, of, min(bound + 1e-4, 1.0))
    else:
        assert errors >= of.ads or p_value(errors, of, 1 - 1e-9) >= level


@pytest.mark.parametrize(("errors", "n"), [(0, 59), (1, 200), (7, 300), (20, 40), (39, 40)])
def test_with_one_ad_a_group_the_upper_bound_is_clopper_and_pearson_s(errors: int, n: int) -> None:
    expected = stats.binomtest(errors, n, alternative="less").proportion_ci(0.95, method="exact").high
    assert upper_bound(errors, Sizes.single(n), 0.05) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize(("errors", "of"), [(0, Sizes.single(0)), (5, Sizes.single(5)), (6, Sizes.single(5))])
def test_without_ads_or_with_errors_only_the_rate_may_be_anything(errors: int, of: Sizes) -> None:
    assert upper_bound(errors, of, 0.05) == 1.0


@pytest.mark.parametrize("kept", [1, 10_000], ids=["larger groups worked out each time", "all of them kept"])
def test_what_was_asked_before_changes_nothing(kept: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests of one limit share what they work out for each size of group: larger groups after smaller ones, and smaller ones again."""
    monkeypatch.setattr(bounds, "_KEPT", kept)
    bounds._circle.cache_clear()
    for groups in ((1, 1, 3), (1, 2, 40), (2, 2, 2), (7, 3, 19, 1), (1, 2, 40)):
        told = written_out(groups, 0.1, 0.4)
        for errors in (1, 2):
            assert p_value(errors, sizes(groups, 0.4), 0.1) == pytest.approx(float(told[: errors + 1].sum()), abs=1e-10)


@pytest.mark.parametrize("alike", [0.2, 0.7, 1.0])
def test_where_the_binomial_takes_over_it_says_nearly_the_same(alike: float, monkeypatch: pytest.MonkeyPatch) -> None:
    groups = tuple(1 + np.random.default_rng(5).geometric(0.3, 2500).clip(max=15))
    of, limit = sizes(groups, alike), 0.05
    assert limit * of.ads > bounds.MANY_ERRORS
    for level in (0.01, 0.05):
        handed_over = upper_bound(int(0.03 * of.ads), of, level)
        with monkeypatch.context() as exact:
            exact.setattr(bounds, "MANY_ERRORS", np.inf)
            assert handed_over == pytest.approx(upper_bound(int(0.03 * of.ads), of, level), rel=0.03)


@given(st.floats(0.001, 0.9), st.floats(0.0001, 0.4))
def test_the_fewest_draws_are_just_enough_without_an_error(limit: float, level: float) -> None:
    fewest = fewest_draws(limit, level)
    assert p_value(0, Sizes.single(fewest), limit) <= level * (1 + 1e-6)
    assert fewest == 1 or p_value(0, Sizes.single(fewest - 1), limit) > level


@pytest.mark.parametrize(("limit", "level", "fewest"), [(0.05, 0.05, 59), (0.02, 0.05, 149), (1.0, 0.05, 1), (0.5, 0.25, 2)])
def test_the_fewest_draws_by_hand(limit: float, level: float, fewest: int) -> None:
    assert fewest_draws(limit, level) == fewest


@pytest.mark.parametrize("limit", [0.0, -0.1])
def test_that_errors_never_happen_takes_more_than_any_number_of_draws(limit: float) -> None:
    with pytest.raises(ValueError, match="no number of ads"):
        fewest_draws(limit, 0.05)


@pytest.mark.parametrize("rate", [0.0, 0.005, 0.02, 0.035])
def test_the_draws_needed_show_the_rate_four_times_in_five(rate: float) -> None:
    limit, level = 0.05, 0.05
    n = draws_needed(rate, limit, level)
    assert n is not None
    shown = [chance_to_show(count, rate, limit, level) for count in (n, int(n * 0.8))]
    assert shown[0] >= 0.8
    assert shown[1] < 0.8


def chance_to_show(n: int, rate: float, limit: float, level: float) -> float:
    errors = np.arange(n + 1)
    passes = stats.binom.cdf(errors, n, limit) <= level
    return float(stats.binom.pmf(errors, n, rate)[passes].sum())


@pytest.mark.parametrize("rate", [0.05, 0.2])
def test_a_rate_that_is_not_below_the_limit_is_never_shown_to_be(rate: float) -> None:
    assert draws_needed(rate, 0.05, 0.05) is None


def test_a_rate_too_near_the_limit_takes_more_than_anybody_labels() -> None:
    assert draws_needed(0.0499, 0.05, 0.05, at_most=10_000) is None


@given(st.lists(st.integers(0, 6), max_size=40))
def test_sizes_count_every_ad_and_every_group_once(group: list[int]) -> None:
    of = Sizes.of(np.array(group, dtype=np.int64))
    assert of.ads == len(group)
    assert of.groups == len(set(group))
    assert (np.diff(of.size) > 0).all()


@pytest.mark.parametrize(
    ("groups", "alike", "draws"),
    [((1,) * 10, 1.0, 10.0), ((10,), 1.0, 1.0), ((10,), 0.0, 10.0), ((5, 5), 1.0, 2.0), ((5, 5), 0.5, 10 / 3), ((), 1.0, 0.0)],
)
def test_ads_are_worth_as_many_draws_as_the_design_effect_leaves(groups: tuple[int, ...], alike: float, draws: float) -> None:
    assert sizes(groups, alike).draws == pytest.approx(draws)
