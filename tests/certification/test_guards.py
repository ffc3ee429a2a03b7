"""What guards of a roll-out bet on: neither aborts what is harmless more often than it says, and each sees what is not."""

from __future__ import annotations

import numpy as np
import pytest

from adverdict.certification.statistics.sequential import bets_of_guard, bets_on_pairs, sample_ratio
from adverdict.domain.errors import InvalidInput

ALPHA = 0.05


def crossings(errors: np.ndarray, limit: float, weight: np.ndarray | None = None, heaviest: float = 1.0) -> np.ndarray:
    """The first unit at which each run (runs, units) reaches 1/alpha; the number of units where none does."""
    bets = bets_of_guard(limit, heaviest)
    growth = bets.growth(errors, np.ones_like(errors), 1.0 if weight is None else np.minimum(weight / heaviest, 1.0))
    over = bets.running(growth) >= 1 / ALPHA
    return np.where(over.any(axis=1), over.argmax(axis=1) + 1, errors.shape[1])


def test_a_guard_that_is_looked_at_after_every_unit_ends_few_harmless_roll_outs() -> None:
    rng = np.random.default_rng(0)
    ended = crossings((rng.random((1_000, 1_500)) < 0.02).astype(float), 0.02) < 1_500
    assert ended.mean() <= ALPHA


def test_a_guard_sees_three_times_the_limit_within_a_hundred_and_forty_five_units() -> None:
    rng = np.random.default_rng(1)
    units = crossings((rng.random((1_000, 1_500)) < 0.06).astype(float), 0.02)
    assert np.median(units) <= 145


def test_leakage_of_the_largest_hundredth_counts_by_its_ads() -> None:
    """They have 30 % of the ads: unweighted, one advertiser in a hundred that leaks a third of the time is a leakage of .3 %."""
    rng = np.random.default_rng(2)
    large = rng.random((400, 3_000)) < 0.01
    weight = np.where(large, 30.0, 0.7 / 0.99)
    harmless = (large & (rng.random(large.shape) < 0.02 / 0.3)).astype(float)
    harmful = (large & (rng.random(large.shape) < 0.12 / 0.3)).astype(float)
    assert (crossings(harmless, 0.02, weight, 30.0) < 3_000).mean() <= ALPHA
    assert np.median(crossings(harmful, 0.02, weight, 30.0)) < 1_500
    assert np.median(crossings(harmful, 0.02)) == 3_000, "an unweighted guard sees nothing"


def test_pairs_speak_only_where_the_candidate_is_the_wrong_one_more_often() -> None:
    rng = np.random.default_rng(3)
    bets = bets_on_pairs()
    for p, most in ((0.5, ALPHA), (0.3, ALPHA)):
        wrong = (rng.random((1_000, 300)) < p).astype(float)
        assert (bets.running(bets.growth(wrong, np.ones_like(wrong))).max(axis=1) >= 1 / ALPHA).mean() <= most
    worse = (rng.random((200, 300)) < 0.8).astype(float)
    assert (bets.running(bets.growth(worse, np.ones_like(worse))).max(axis=1) >= 1 / ALPHA).mean() > 0.99


def test_a_rate_may_be_as_many_times_the_controls_as_is_allowed() -> None:
    rng = np.random.default_rng(4)
    bets = bets_on_pairs(2.0)
    allowed = (rng.random((1_000, 300)) < 2 / 3).astype(float)
    assert (bets.running(bets.growth(allowed, np.ones_like(allowed))).max(axis=1) >= 1 / ALPHA).mean() <= ALPHA


def test_arms_of_one_size_pass_and_a_fifth_of_the_canary_lost_is_seen() -> None:
    rng = np.random.default_rng(5)
    alike = np.cumsum(rng.random((1_000, 3_000)) < 0.5, axis=1)
    seen = np.arange(1, 3_001)
    assert (sample_ratio(alike, seen - alike).max(axis=1) >= 100).mean() <= 0.01
    lost = np.cumsum(rng.random((200, 4_500)) < 0.8 / 1.8, axis=1)
    seen = np.arange(1, 4_501)
    assert (sample_ratio(lost, seen - lost).max(axis=1) >= 100).mean() > 0.95


@pytest.mark.parametrize(("limit", "heaviest"), [(0.0, 1.0), (1.0, 1.0), (0.02, 0.5), (0.02, float("nan"))])
def test_a_guard_without_a_limit_is_refused(limit: float, heaviest: float) -> None:
    with pytest.raises(InvalidInput):
        bets_of_guard(limit, heaviest)
