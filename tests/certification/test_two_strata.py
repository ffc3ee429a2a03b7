"""Two parts of the ads labelled to different degrees, and which samples are independent draws."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from adverdict.certification.statistics.bounds import LabelledStratum, Sizes, independent, p_value, two_strata_p
from tests.effort import examples

parts = st.tuples(st.integers(1, 40), st.integers(0, 40), st.integers(40, 400)).map(
    lambda drawn: LabelledStratum(min(drawn[1], drawn[0]), drawn[0], drawn[2])
)


def written_out(one: LabelledStratum, two: LabelledStratum, limit: float, of_two: float) -> float:
    """P(estimate as low as theirs) at one pair of rates with the mean ``limit``, term by term."""
    of_one = (limit * (one.ads + two.ads) - two.ads * of_two) / one.ads
    found = [np.arange(part.labelled + 1) for part in (one, two)]
    chance = np.outer(stats.binom.pmf(found[0], one.labelled, of_one), stats.binom.pmf(found[1], two.labelled, of_two))
    estimate = np.add.outer(one.ads * found[0] / one.labelled, two.ads * found[1] / two.labelled)
    seen = one.ads * one.errors / one.labelled + two.ads * two.errors / two.labelled
    return float(chance[estimate <= seen + 1e-9].sum())


@examples(60)
@given(parts, parts, st.floats(0.01, 0.9), st.floats(0, 1))
def test_no_pair_of_rates_with_this_mean_makes_so_few_errors_more_likely(
    one: LabelledStratum, two: LabelledStratum, limit: float, at: float
) -> None:
    total = limit * (one.ads + two.ads)
    low, high = max(0.0, (total - one.ads) / two.ads), min(1.0, total / two.ads)
    assert written_out(one, two, limit, low + at * (high - low)) <= two_strata_p(one, two, limit) + 2e-3


@examples(40)
@given(parts, parts, st.floats(0.01, 0.9))
def test_which_part_comes_first_does_not_matter(one: LabelledStratum, two: LabelledStratum, limit: float) -> None:
    assert two_strata_p(one, two, limit) == pytest.approx(two_strata_p(two, one, limit), abs=2e-3)


@examples(40)
@given(parts, parts, st.floats(0.01, 0.9))
def test_one_error_more_speaks_less(one: LabelledStratum, two: LabelledStratum, limit: float) -> None:
    assume(one.errors < one.labelled)
    more = LabelledStratum(one.errors + 1, one.labelled, one.ads)
    assert two_strata_p(more, two, limit) >= two_strata_p(one, two, limit) - 1e-9


@pytest.mark.parametrize("rates", [(0.02, 0.02), (0.0, 0.08), (0.0266, 0.0)])
def test_a_mean_just_at_the_limit_passes_no_more_often_than_the_level(rates: tuple[float, float]) -> None:
    """Three quarters of the ads thinly labelled, the rest densely; all counts, with their chances."""
    limit, level = 0.02, 0.05
    labelled, ads = (250, 200), (7500, 2500)
    assert np.dot(rates, ads) / 10_000 == pytest.approx(limit, rel=0.01)
    likely = [np.arange(13), np.arange(32)]
    chance = np.outer(*(stats.binom.pmf(found, n, rate) for found, n, rate in zip(likely, labelled, rates, strict=True)))
    passes = [
        [
            chance[i, j] > 1e-9
            and two_strata_p(LabelledStratum(i, labelled[0], ads[0]), LabelledStratum(j, labelled[1], ads[1]), limit) <= level
            for j in likely[1]
        ]
        for i in likely[0]
    ]
    assert chance[np.array(passes)].sum() <= level


@pytest.mark.parametrize("errors", [0, 2, 7])
def test_a_part_without_ads_leaves_the_other_one_s_binomial(errors: int) -> None:
    expected = stats.binom.cdf(errors, 300, 0.02)
    assert two_strata_p(LabelledStratum(errors, 300, 4000), LabelledStratum(0, 0, 0), 0.02) == pytest.approx(expected)
    assert two_strata_p(LabelledStratum(0, 0, 0), LabelledStratum(errors, 300, 4000), 0.02) == pytest.approx(expected)


def test_labels_in_proportion_show_no_more_than_those_of_one_sample() -> None:
    apart = two_strata_p(LabelledStratum(1, 240, 8000), LabelledStratum(1, 60, 2000), 0.02)
    assert p_value(2, Sizes.single(300), 0.02) <= apart + 1e-6
    assert apart < 0.1


@pytest.mark.parametrize(
    ("one", "two", "limit", "expected"),
    [
        (LabelledStratum(0, 0, 0), LabelledStratum(0, 0, 0), 0.1, 1.0),
        (LabelledStratum(0, 100, 1000), LabelledStratum(0, 0, 10), 0.1, 1.0),
        (LabelledStratum(0, 100, 1000), LabelledStratum(0, 50, 500), 0.0, 1.0),
        (LabelledStratum(0, 100, 1000), LabelledStratum(0, 50, 500), 1.0, 0.0),
        (LabelledStratum(100, 100, 1000), LabelledStratum(50, 50, 500), 0.1, 1.0),
    ],
)
def test_the_edges(one: LabelledStratum, two: LabelledStratum, limit: float, expected: float) -> None:
    assert two_strata_p(one, two, limit) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("groups", "ads", "by_size", "expected"),
    [
        pytest.param([0, 1, 2, 3, 4], 100, False, True, id="a twentieth, nobody twice"),
        pytest.param([0, 1, 2, 3, 4], 99, False, False, id="more than that: a sample of advertisers"),
        pytest.param([0, 1, 2, 3, 3], 1000, False, False, id="an advertiser twice"),
        pytest.param([0, 1, 2, 3, 3], 50, True, True, id="advertisers drawn in proportion to their ads"),
        pytest.param([], 0, False, True, id="no labels"),
    ],
)
def test_labels_are_independent_draws_where_the_sample_is_thin_or_drawn_by_size(
    groups: list[int], ads: int, by_size: bool, expected: bool
) -> None:
    group = np.array(groups, dtype=np.int64)
    assert independent(group, ads, by_size=by_size) is expected
    sizes = Sizes.of_sample(group, ads, by_size=by_size)
    assert sizes.ads == len(groups)
    assert sizes.groups == (len(groups) if expected else len(set(groups)))
