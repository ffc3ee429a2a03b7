"""How long a task takes: groups that were hardly seen lean on larger ones, and learners are told apart."""

from __future__ import annotations

import numpy as np
import pytest

from adverdict.workforce.handling import ENOUGH
from adverdict.workforce.practice import Answer, Group, practice


def answers(rng: np.random.Generator, group: Group, mean: float, n: int, person: int = 0) -> list[Answer]:
    return [Answer(group, seconds, person) for seconds in rng.lognormal(np.log(mean) - 0.18, 0.6, n).tolist()]


def test_a_group_of_many_answers_has_its_own_mean_and_one_of_few_leans_on_its_kind_and_says_so() -> None:
    rng = np.random.default_rng(1)
    told = answers(rng, Group("review", "SE"), 40, 3000) + answers(rng, Group("review", "DE"), 60, 3000)
    told += answers(rng, Group("appeal", "SE"), 120, 2000) + answers(rng, Group("review", "GR"), 300, 3)
    found = practice(told)
    assert found.of("review", "SE").seconds == pytest.approx(40, rel=0.05)
    assert found.of("review", "DE").seconds == pytest.approx(60, rel=0.05)
    assert found.of("appeal", "SE").seconds == pytest.approx(120, rel=0.06)
    few = found.of("review", "GR")
    assert few.seconds < 200
    assert few.pool == "review in all markets"
    assert few.low is not None
    assert few.high is not None
    assert few.high - few.low > found.of("review", "SE").seconds / 4
    assert found.of("appeal", "BG").pool == "appeal in all markets"


def test_a_policy_that_takes_longer_is_told_apart() -> None:
    rng = np.random.default_rng(2)
    told = answers(rng, Group("review", "SE", ("gambling",)), 30, 800) + answers(rng, Group("review", "SE", ("political_issue",)), 90, 800)
    found = practice(told)
    assert found.of("review", "SE", ("political_issue",)).seconds > 2 * found.of("review", "SE", ("gambling",)).seconds
    assert found.of("review", "SE", ("phishing",)).pool == "review in SE"


def test_too_few_answers_of_all_measure_nothing() -> None:
    found = practice(answers(np.random.default_rng(3), Group("review", "SE"), 40, ENOUGH - 1), told=50)
    assert (found.of("review", "SE").seconds, found.of("review", "SE").pool) == (50, "told")


def test_new_people_take_longer_and_the_curve_never_rises() -> None:
    rng = np.random.default_rng(4)
    told = []
    for person in range(12):
        pace = 1 + 0.8 * np.exp(-np.arange(1200) / 120)
        times = rng.lognormal(np.log(40) - 0.18, 0.6, 1200) * pace
        told += [Answer(Group("review", "SE"), float(seconds), person) for seconds in times]
    stages = practice(told).learning
    assert [stage.since for stage in stages] == [0, 50, 150, 400, 1000]
    factors = [stage.factor for stage in stages]
    assert factors == sorted(factors, reverse=True)
    assert factors[0] == pytest.approx(1.66, rel=0.12)
    assert factors[-1] == 1.0
    assert all(stage.low <= stage.factor <= stage.high for stage in stages)


def test_what_was_read_of_a_market_before_it_opened_says_how_long_its_reviews_will_take() -> None:
    """Readings of a sample are of another kind than reviews; the market's factor is of all its answers."""
    rng = np.random.default_rng(5)
    told = []
    for market, times in (("SE", 0.8), ("DE", 1.0), ("FR", 1.2), ("GB", 1.0)):
        told += answers(rng, Group("review", market), 40 * times, 2000) + answers(rng, Group("sample", market), 60 * times, 1000)
    told += answers(rng, Group("sample", "DK"), 60 * 1.4, 600)
    found = practice(told)
    new = found.of("review", "DK")
    assert new.seconds == pytest.approx(40 * 1.4, rel=0.06)
    assert new.pool == "review in all markets, and other answers in DK"
    assert new.answers == 0
    assert new.low is not None
    assert new.high is not None
    assert new.low < 40 * 1.4 < new.high
    assert found.of("review", "NO").seconds == pytest.approx(40, rel=0.05)
