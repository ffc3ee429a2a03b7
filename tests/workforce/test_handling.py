"""Hours are reviews times the mean handling time: skewed, interrupted and scarce answers do not lead it astray."""

from __future__ import annotations

import math

import numpy as np
import pytest

from adverdict.workforce.handling import ENOUGH, EVERYWHERE, HandlingTimes, Seconds, cut_off, means

SECONDS = 40.0


def lognormal(rng: np.random.Generator, n: int, variation: float, mean: float = SECONDS) -> Seconds:
    """Handling times of this mean and coefficient of variation."""
    spread = math.log(1 + variation**2)
    return rng.lognormal(math.log(mean) - spread / 2, math.sqrt(spread), n)


@pytest.mark.parametrize(("variation", "median_is_low_by"), [(0.5, 0.10), (0.8, 0.21)])
def test_the_mean_of_skewed_times_is_right_where_the_median_is_too_low(variation: float, median_is_low_by: float) -> None:
    times = lognormal(np.random.default_rng(1), 40_000, variation)
    assert means({"SE": times})[EVERYWHERE].seconds == pytest.approx(SECONDS, rel=0.015)
    assert 1 - np.median(times) / SECONDS == pytest.approx(median_is_low_by, abs=0.02)


def test_a_task_left_open_over_lunch_hardly_moves_it() -> None:
    times = lognormal(np.random.default_rng(2), 1000, 0.5)
    plain = means({"SE": times})["SE"].seconds
    interrupted = np.where(np.arange(1000) % 100 == 0, 3600.0, times)
    assert interrupted.mean() > 1.8 * plain
    assert means({"SE": interrupted})["SE"].seconds == pytest.approx(plain, rel=0.05)


def test_a_market_of_few_answers_is_drawn_towards_all_of_them_and_one_of_many_is_not() -> None:
    few, many = np.full(2, 100.0), np.full(3000, 20.0)
    found = means({"DE": few, "SE": many})
    everywhere = found[EVERYWHERE].seconds
    assert found["DE"].seconds == pytest.approx((few.clip(max=cut_off(np.r_[few, many])).sum() + ENOUGH * everywhere) / (2 + ENOUGH))
    assert found["DE"].seconds < 30
    assert found["SE"].seconds == pytest.approx(20, rel=0.001)
    assert (found["DE"].source, found["DE"].answers) == ("market", 2)


def test_the_interval_holds_the_true_mean_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(3)
    held = 0
    for _ in range(300):
        one = means({"SE": lognormal(rng, 200, 0.8)})[EVERYWHERE]
        assert one.low is not None
        assert one.high is not None
        held += one.low <= SECONDS <= one.high
    assert held / 300 > 0.9


def test_where_most_times_are_the_same_others_still_count() -> None:
    assert cut_off(np.array([20.0] * 29 + [30.0])) > 30


def test_too_few_answers_measure_nothing_and_a_market_without_any_has_the_mean_of_all() -> None:
    assert means({}) == {}
    assert means({"SE": np.full(ENOUGH - 1, 20.0)}) == {}
    times = HandlingTimes(60, means({"SE": np.full(ENOUGH, 20.0)}))
    assert (times.of("DE").seconds, times.of("DE").source) == (pytest.approx(20), "everywhere")
    assert HandlingTimes(60).of("DE").seconds == 60
