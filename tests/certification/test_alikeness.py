"""How alike an advertiser's ads are, measured: near the truth, rarely below it, and never guessed from a few."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from adverdict.certification.statistics.alikeness import FEWEST_GROUPS, alikeness

Sample = tuple[NDArray[np.bool_], NDArray[np.int64]]


def sample(rng: np.random.Generator, groups: int, alike: float, rate: float = 0.15) -> Sample:
    """Groups of 1 to about 20 ads, each with a rate of its own such that two of its ads correlate by ``alike``."""
    size = rng.geometric(0.25, groups)
    c = (1 - alike) / alike
    own = rng.beta(rate * c, (1 - rate) * c, groups)
    group = np.repeat(np.arange(groups), size)
    return rng.random(len(group)) < own[group], group


def of(violating: list[int], size: int) -> Sample:
    """Groups of one size with so many violating ads each."""
    said = np.concatenate([np.arange(size) < n for n in violating])
    return said, np.repeat(np.arange(len(violating)), size)


@pytest.mark.parametrize("alike", [0.05, 0.2, 0.5, 0.8])
def test_many_groups_tell_the_correlation(alike: float) -> None:
    found = alikeness(*sample(np.random.default_rng(3), 8000, alike))
    assert alike <= found <= alike + 0.06


@pytest.mark.parametrize("alike", [0.1, 0.4, 0.8])
@pytest.mark.parametrize("groups", [250, pytest.param(1000, marks=pytest.mark.slow)])
def test_the_limit_is_above_the_truth_nine_times_in_ten(groups: int, alike: float) -> None:
    rng = np.random.default_rng(8)
    found = [alikeness(*sample(rng, groups, alike)) for _ in range(100)]
    above = int((np.array(found) >= alike).sum())
    assert stats.binomtest(above, len(found), 0.9, alternative="less").pvalue > 0.01
    assert np.median(found) < alike + 0.25, "a limit that is always 1 would be above everything"


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        pytest.param((np.zeros(0, dtype=bool), np.zeros(0, dtype=np.int64)), 1.0, id="no ads"),
        pytest.param(of([1] * (FEWEST_GROUPS - 1), 4), 1.0, id="too few groups"),
        pytest.param(of([1] * (FEWEST_GROUPS - 1) + [0] * 500, 4), 1.0, id="too few groups with a violation"),
        pytest.param(of([1, 0] * 200, 1), 1.0, id="one ad a group says nothing of two"),
        pytest.param(of([0] * 500, 4), 1.0, id="no violation"),
        pytest.param(of([4] * 500, 4), 1.0, id="nothing but violations"),
        pytest.param(of([4, 0, 0] * 100, 4), 1.0, id="all or nothing"),
        pytest.param(of([2] * 300, 4), 0.0, id="each group as mixed as can be"),
    ],
)
def test_the_ends(found: Sample, expected: float) -> None:
    assert alikeness(*found) == expected


def test_too_few_groups_are_as_alike_as_others_were_found_to_be_at_most() -> None:
    assert alikeness(*of([1] * (FEWEST_GROUPS - 1), 4), elsewhere=0.7) == 0.7
    assert alikeness(*of([4, 0, 0] * 100, 4), elsewhere=0.7) == 1.0, "enough groups speak for themselves"


def test_what_is_measured_in_enough_groups_is_not_one() -> None:
    assert alikeness(*of([1] * FEWEST_GROUPS + [0] * 20, 4)) < 0.5


def test_the_same_labels_give_the_same_limit_in_whatever_order_the_ads_come() -> None:
    said, group = sample(np.random.default_rng(4), 500, 0.4)
    order = np.random.default_rng(5).permutation(len(said))
    assert alikeness(said, group) == alikeness(said, group) == alikeness(said[order], group[order])


def test_groups_that_have_no_ad_here_are_no_groups() -> None:
    said, group = sample(np.random.default_rng(4), 500, 0.4)
    assert alikeness(said, group) == alikeness(said, group * 3 + 7)
