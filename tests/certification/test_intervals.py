"""The interval of a counted share is Clopper and Pearson's, for counts that need not be whole, and of groups."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from adverdict.certification.statistics.intervals import by_group, clopper_pearson

COUNTS = [(0, 1), (0, 10), (0, 20), (1, 20), (3, 10), (10, 10), (10, 20), (20, 20), (1, 200), (3, 5000), (12_345, 1_000_000)]


@pytest.mark.parametrize("coverage", [0.9, 0.95, 0.999])
@pytest.mark.parametrize(("k", "n"), COUNTS)
def test_it_is_scipys_to_twelve_digits(k: int, n: int, coverage: float) -> None:
    exact = stats.binomtest(k, n).proportion_ci(coverage, "exact")
    assert clopper_pearson(k, n, coverage) == pytest.approx((exact.low, exact.high), abs=1e-12)


def test_nothing_counted_is_nothing_known() -> None:
    assert clopper_pearson(0, 0) == (0.0, 1.0)


@given(st.floats(0.0, 1.0), st.floats(0.01, 1e6))
def test_it_holds_the_share_however_little_that_is_of_a_whole_ad(share: float, n: float) -> None:
    low, high = clopper_pearson(share * n, n)
    assert 0.0 <= low <= share + 1e-9
    assert share - 1e-9 <= high <= 1.0


def test_of_rows_that_are_each_a_group_of_their_own_it_is_the_exact_interval_of_rows() -> None:
    counted = np.arange(400) < 12
    assert by_group(counted, np.arange(400)) == pytest.approx(clopper_pearson(12, 400), abs=2e-3)


def test_of_groups_whose_rows_are_alike_it_is_as_wide_as_of_so_many_groups() -> None:
    counted, groups = np.repeat(np.arange(40) < 8, 25), np.repeat(np.arange(40), 25)
    assert by_group(counted, groups) == pytest.approx(clopper_pearson(8, 40), abs=0.02)


def test_where_no_row_is_counted_or_all_are_the_groups_tell_how_much_is_known() -> None:
    groups = np.repeat(np.arange(10), 100)
    assert by_group(np.zeros(1000, np.bool_), groups) == clopper_pearson(0, 10)
    assert by_group(np.ones(1000, np.bool_), groups) == clopper_pearson(10, 10)
    assert by_group(np.zeros(0, np.bool_), []) == (0.0, 1.0)


def test_it_holds_the_share_in_nineteen_of_twenty_draws_of_groups_of_all_sizes() -> None:
    rng = np.random.default_rng(5)
    held = 0
    for _ in range(400):
        sizes = 1 + rng.geometric(0.2, 120)
        counted = np.concatenate([rng.random(size) < rate for size, rate in zip(sizes, rng.beta(0.4, 7.6, 120), strict=True)])
        low, high = by_group(counted, np.repeat(np.arange(120), sizes))
        held += low <= 0.05 <= high
    assert held >= 0.93 * 400
