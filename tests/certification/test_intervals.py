"""The interval of a counted share is Clopper and Pearson's, for counts that need not be whole."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from adverdict.certification.statistics.intervals import clopper_pearson

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
