"""Reviewers' sensitivity and specificity: found from readings that contradict each other, with intervals that cover."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from adverdict.domain.errors import InvalidInput
from adverdict.review.quality.estimates import Estimate, clopper_pearson, jeffreys
from adverdict.review.quality.raters import Consensus, Reading, dawid_skene
from tests.effort import examples

Bools = NDArray[np.bool_]


class Team:
    """Reviewers with rates as the simulated marketplace's, who read ads at random."""

    def __init__(self, size: int, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.sensitivity = 0.86 + 0.12 * self.rng.random(size)
        self.specificity = 0.975 + 0.022 * self.rng.random(size)

    def read(self, truth: Bools, teams: int | list[int], first: int = 0) -> list[Reading]:
        """Each ad by so many different reviewers."""
        sizes = np.broadcast_to(teams, len(truth))
        return [
            Reading(f"ad-{first + number}", f"r{reviewer}", self.says(reviewer, bool(violating)))
            for number, (violating, size) in enumerate(zip(truth, sizes, strict=True))
            for reviewer in self.rng.choice(len(self.sensitivity), size, replace=False)
        ]

    def says(self, reviewer: int, violating: bool) -> bool:
        return bool(self.rng.random() < (self.sensitivity[reviewer] if violating else 1 - self.specificity[reviewer]))


def covered(team: Team, found: Consensus) -> tuple[int, int]:
    """Reviewers' rates within their intervals, sensitivity and specificity."""
    pairs = [(found.reviewers[f"r{number}"], number) for number in range(len(team.sensitivity))]
    return (
        sum(quality.sensitivity.low <= team.sensitivity[number] <= quality.sensitivity.high for quality, number in pairs),
        sum(quality.specificity.low <= team.specificity[number] <= quality.specificity.high for quality, number in pairs),
    )


@pytest.mark.parametrize(
    ("ads", "share", "reviewers", "teams", "golden"),
    [
        pytest.param(600, 0.3, 8, 3, 0, id="every ad by three, no golden task"),
        pytest.param(600, 0.3, 8, 2, 80, id="every ad by two, and golden tasks"),
        pytest.param(1000, 0.05, 10, 3, 0, id="few ads violate"),
    ],
)
def test_the_intervals_cover_simulated_reviewers_rates(ads: int, share: float, reviewers: int, teams: int, golden: int) -> None:
    hits, prevalence, runs = np.zeros(2), 0, 16
    for seed in range(runs):
        team = Team(reviewers, seed)
        truth = team.rng.random(ads) < share
        tasks = np.arange(golden) % 2 == 0
        readings = team.read(truth, teams) + team.read(tasks, teams, first=ads)
        found = dawid_skene(readings, {f"ad-{ads + number}": bool(task) for number, task in enumerate(tasks)})
        assert found.settled
        hits += covered(team, found)
        prevalence += found.prevalence.low <= share <= found.prevalence.high
    n = runs * reviewers
    for hit in hits:  # 95 % less what chance takes from so few runs
        assert stats.binomtest(int(hit), n, 0.95).pvalue > 0.001 or hit / n > 0.95
    assert prevalence >= 13


@pytest.mark.slow
def test_the_intervals_cover_in_many_runs_of_the_recommended_audits() -> None:
    hits, n = np.zeros(2), 0
    for seed in range(200):
        team = Team(12, seed)
        truth = np.concatenate([team.rng.random(1000) < 0.2, np.arange(240) % 2 == 0])
        first = team.read(truth, 3)
        calls = np.array([reading.says_violating for reading in first]).reshape(-1, 3)[:, 0]
        again = np.repeat((calls | (team.rng.random(len(truth)) < 0.05)) & (np.arange(len(truth)) < 1000), 3)
        readings = [reading for turn, reading in enumerate(first) if turn % 3 == 0 or again[turn]]
        found = dawid_skene(readings, {f"ad-{1000 + number}": bool(truth[1000 + number]) for number in range(240)})
        hits += covered(team, found)
        n += 12
    assert all(0.93 <= hit / n <= 0.985 for hit in hits)


def test_intervals_that_take_estimated_truth_for_truth_would_not_cover() -> None:
    """Why ``n`` is less than the ads read: with all of them counted, sensitivity is missed too often."""
    missed = {"ours": 0, "trusting": 0}
    for seed in range(25):
        team = Team(8, seed)
        team.sensitivity -= 0.25  # they miss more, so that three readings of an ad leave doubt
        team.specificity -= 0.05
        readings = team.read(team.rng.random(300) < 0.2, 3)
        found = dawid_skene(readings)
        for number, truth in enumerate(team.sensitivity.tolist()):
            quality = found.reviewers[f"r{number}"].sensitivity
            own = [reading for reading in readings if reading.reviewer == f"r{number}"]
            trusting = jeffreys(quality.value, sum(found.violates[reading.item] for reading in own))
            missed["ours"] += not quality.low <= truth <= quality.high
            missed["trusting"] += not trusting.low <= truth <= trusting.high
    assert missed["ours"] <= 13  # 1 in 20 of 200, less or more by chance
    assert missed["trusting"] >= 20


def test_with_every_truth_known_the_rates_are_shares_and_the_denominators_all_ads() -> None:
    known = {f"{number}": number < 40 for number in range(100)}
    readings = [Reading(f"{number}", "a", number < 30 or number == 99) for number in range(100)]
    found = dawid_skene(readings, known).reviewers["a"]
    assert found.sensitivity.value == pytest.approx(30 / 40, abs=0.02)
    assert found.specificity.value == pytest.approx(59 / 60, abs=0.01)
    assert (found.sensitivity.n, found.specificity.n) == (pytest.approx(40), pytest.approx(60))
    assert (found.readings, found.golden) == (100, 100)


def test_golden_tasks_keep_their_truth_against_every_reading() -> None:
    readings = [Reading("golden", name, True) for name in "abcdef"] + [Reading("other", name, True) for name in "abcdef"]
    found = dawid_skene(readings, {"golden": False})
    assert found.violates["golden"] == 0.0
    assert 0 < found.violates["other"] < 1


def test_a_spammer_is_found_out_by_the_others_alone() -> None:
    rng = np.random.default_rng(1)
    team = Team(4, 1)
    truth = rng.random(400) < 0.3
    readings = team.read(truth, 4) + [Reading(f"ad-{number}", "spammer", bool(rng.random() < 0.5)) for number in range(400)]
    found = dawid_skene(readings).reviewers
    assert found["spammer"].sensitivity.high < 0.7
    assert found["spammer"].specificity.high < 0.7
    assert min(found[f"r{number}"].specificity.low for number in range(4)) > 0.9


def test_an_ad_counts_for_more_when_better_reviewers_call_it_violating() -> None:
    rng = np.random.default_rng(2)
    known = {f"golden-{number}": number % 2 == 0 for number in range(200)}
    readings = [Reading(item, "good", truth) for item, truth in known.items()]
    readings += [Reading(item, "poor", truth if rng.random() < 0.7 else not truth) for item, truth in known.items()]
    found = dawid_skene([*readings, Reading("x", "good", True), Reading("y", "poor", True)], known)
    assert found.violates["x"] > found.violates["y"] + 0.05


def test_the_fewer_the_readings_the_wider_the_interval_up_to_nearly_everything() -> None:
    team = Team(5, 3)
    readings = team.read(np.arange(300) % 3 == 0, 3)
    widths = []
    for own in (100, 10, 1):
        new = [Reading(f"ad-{3 * number + 2}", "new", False) for number in range(own // 2)]  # none of these violates
        new += [Reading(f"ad-{3 * number}", "new", True) for number in range(own - own // 2)]
        found = dawid_skene(readings + new).reviewers["new"]
        widths.append(found.specificity.high - found.specificity.low)
    assert widths == sorted(widths)
    assert widths[-1] > 0.95  # this one has read no ad that does not violate


@given(
    st.lists(st.tuples(st.sampled_from("abcdefgh"), st.sampled_from("rst"), st.booleans()), unique_by=lambda reading: reading[:2]),
    st.dictionaries(st.sampled_from("abcdefgh"), st.booleans()),
)
def test_no_readings_whatever_make_anything_but_numbers_from_0_to_1(readings: list[tuple[str, str, bool]], known: dict[str, bool]) -> None:
    found = dawid_skene(readings, known)
    assert set(found.reviewers) == {reviewer for _, reviewer, _ in readings}
    assert set(found.violates) == {item for item, _, _ in readings}
    assert all(0 <= one <= 1 for one in found.violates.values())
    qualities = [one for quality in found.reviewers.values() for one in (quality.sensitivity, quality.specificity)]
    for one in [found.prevalence, *qualities]:
        assert 0 <= one.low <= one.value <= one.high <= 1
        assert one.n >= 0
        assert not math.isnan(one.n)


@examples(20)
@given(st.permutations([Reading(f"ad-{number % 7}", f"r{number // 7}", number % 3 == 0) for number in range(21)]))
def test_the_order_of_readings_is_of_no_account(readings: list[Reading]) -> None:
    reference = dawid_skene(sorted(readings)).violates
    assert dawid_skene(readings).violates == pytest.approx(reference)


def test_reading_an_ad_twice_is_refused_with_every_such_reading() -> None:
    readings = [Reading("x", "a", True), Reading("x", "a", False), Reading("y", "a", True), Reading("y", "a", True)]
    with pytest.raises(InvalidInput) as caught:
        dawid_skene(readings)
    assert [mistake.value for mistake in caught.value.mistakes] == [False, True]


@pytest.mark.parametrize(("k", "n"), [(0, 1), (0, 20), (1, 20), (10, 20), (20, 20), (3, 5000)])
def test_the_exact_interval_is_scipys(k: int, n: int) -> None:
    expected = stats.binomtest(k, n).proportion_ci(0.95, "exact")
    found = clopper_pearson(k, n)
    assert (found.low, found.high, found.value, found.n) == pytest.approx((expected.low, expected.high, k / n, n))


def test_nothing_counted_is_nothing_known() -> None:
    assert clopper_pearson(0, 0) == Estimate(0.5, 0.0, 1.0, 0)
