"""Evidence that is looked at every day: what no adversary may win, what it costs, and that nothing overflows.

The adversary of the exact tests chooses the truth of every ad, and how often it is audited, knowing all audits so far. Their value is found
by going through every course the bets can take, backwards.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from adverdict.certification.statistics.sequential import (
    TIMES,
    TIMES_PARTS,
    Bets,
    against,
    bets_against,
    bets_for,
    supporting,
    weights,
)
from adverdict.domain.errors import InvalidInput
from tests.effort import examples, part_of

Floats = NDArray[np.float64]
Sentence = Callable[[Floats, int], NDArray[np.bool_]]
"""Whether what was bet on is false, from the number of errors among so many ads."""

EITHER = [
    pytest.param(bets_for, lambda errors, ads, limit: errors >= limit * ads, id="for"),
    pytest.param(bets_against, lambda errors, ads, limit: errors <= limit * ads, id="against"),
]
EXACT = 1e-9


def most_won(bets: Bets, ads: int, q: float, false: Callable[[Floats, int, float], NDArray[np.bool_]], stop_at: float | None) -> float:
    """The most an adversary can make of the evidence after ``ads`` ads while the sentence is false: its expectation; or, with ``stop_at``,
    the chance that it reaches that at some moment at which the sentence is false."""
    errors, found, clean = np.meshgrid(*[np.arange(ads + 1)] * 3, indexing="ij")
    evidence = bets.evidence(bets.growth(found, found + clean))

    def here(so_far: int) -> Floats:
        hit = false(errors.astype(float), so_far, bets.limit)
        return np.where(hit, evidence if stop_at is None else evidence >= stop_at * (1 - EXACT), 0.0)

    value = here(ads)
    for so_far in range(ads - 1, -1, -1):
        violating = np.zeros_like(value)
        violating[:-1, :-1] = q * value[1:, 1:]
        violating[:-1] += (1 - q) * value[1:]
        harmless = (1 - q) * value
        harmless[:, :, :-1] += q * value[:, :, 1:]
        value = np.maximum(violating, harmless)
        if stop_at is not None:
            value = np.maximum(value, here(so_far))
    return float(value[0, 0, 0])


def most_won_unevenly(limit: float, ads: int, often: float, seldom: float, weight: float) -> float:
    """As ``most_won`` for the bets for the limit, where the adversary also says of each ad whether it is audited often or seldom, and
    stakes on the former are ``weight`` of the latter."""
    bets = bets_for(limit)
    errors, found, clean, rare_found, rare_clean = np.meshgrid(*[np.arange(ads + 1)] * 5, indexing="ij", sparse=True)
    growth = bets.growth(found, found + clean, weight) + bets.growth(rare_found, rare_found + rare_clean)
    value = np.broadcast_to(bets.evidence(growth), (ads + 1,) * 5) * (errors >= limit * ads)
    for _ in range(ads):
        moves = []
        for q, axes in ((often, (1, 2)), (seldom, (3, 4))):
            missed = (1 - q) * value
            moves.append(_shifted(missed + q * _shifted(value, axes[0]), 0))
            moves.append(missed + q * _shifted(value, axes[1]))
        value = np.maximum.reduce(moves)
    return float(value[0, 0, 0, 0, 0])


def _shifted(value: Floats, axis: int) -> Floats:
    """One more on this axis; beyond the last nothing, which no course of so many ads comes to."""
    moved = np.zeros_like(value)
    to = [slice(None)] * value.ndim
    of = list(to)
    to[axis], of[axis] = slice(0, -1), slice(1, None)
    moved[tuple(to)] = value[tuple(of)]
    return moved


@pytest.mark.parametrize(("bets", "false"), EITHER)
@pytest.mark.parametrize(("limit", "q"), [(0.02, 0.3), (0.1, 1.0), (0.25, 0.05), (0.5, 0.5), (0.25, 1.0)])
def test_no_adversary_wins_on_average_while_the_sentence_is_false(
    bets: Callable[[float], Bets], false: Sentence, limit: float, q: float
) -> None:
    for ads in (1, 4, 12):
        assert most_won(bets(limit), ads, q, false, None) <= 1 + EXACT


@pytest.mark.parametrize(("bets", "false"), EITHER)
@pytest.mark.parametrize(("limit", "q"), [(0.25, 0.5), (0.4, 0.2)])
def test_no_adversary_has_evidence_ever_reach_one_over_alpha_more_often_than_alpha(
    bets: Callable[[float], Bets], false: Sentence, limit: float, q: float
) -> None:
    chances = [most_won(bets(limit), 30, q, false, 1 / alpha) / alpha for alpha in (0.4, 0.2, 0.1)]
    assert max(chances) <= 1 + EXACT
    assert max(chances) > 0.15, "a chance that is always nothing would be below everything"


def test_ads_audited_more_often_take_smaller_stakes_or_somebody_wins() -> None:
    weight = float(weights(0.8, 0.2))
    assert most_won_unevenly(0.3, 7, 0.8, 0.2, weight) <= 1 + EXACT
    assert most_won_unevenly(0.3, 7, 0.8, 0.2, 1.0) > 1.2, "violating ads that hide where few are audited"


@examples(40)
@given(st.floats(0.005, 0.6), st.lists(st.booleans(), min_size=1, max_size=9), st.floats(0.05, 1.0))
def test_any_truths_of_fixed_ads_leave_the_mean_at_one_or_below_on_the_false_side(limit: float, violating: list[bool], q: float) -> None:
    """Every set of audits written out, with its probability."""
    truth = np.array(violating)
    audits = (np.arange(2 ** len(truth))[:, None] >> np.arange(len(truth))) & 1
    chance = np.prod(np.where(audits == 1, q, 1 - q), axis=1)
    says = supporting if truth.mean() >= limit else against
    assert chance @ says(audits @ truth, audits.sum(axis=1), limit) <= 1 + EXACT


@pytest.mark.sampled
@pytest.mark.parametrize("bursts", [False, True], ids=["every day the same", "a fortnight's on one day"])
@pytest.mark.parametrize(("ads", "limit", "q"), [(1000, 0.02, 0.05), (10_000, 0.005, 0.01)])
def test_exactly_at_the_limit_it_reaches_twenty_in_at_most_one_run_of_twenty(ads: int, limit: float, q: float, bursts: bool) -> None:
    rng, runs, days = np.random.default_rng(4), part_of(1500), 84
    violating = np.full(days, round(ads * limit))
    if bursts:
        violating = np.where(np.arange(days) % 14 == 13, 14 * violating, 0)
    found = rng.binomial(violating, q, (runs, days))
    audited = found + rng.binomial(ads - violating, q, (runs, days))
    alarm = bets_against(limit)
    growth = alarm.growth(found, audited)
    reached = {"against": alarm.running(growth), "for": bets_for(limit).running(bets_for(limit).growth(found, audited))}
    if bursts:  # the day of a burst is over the limit, which is what processes begun that week say
        reached["for"] = reached["for"][:, 13::14]
    else:
        reached |= {"restarted": alarm.restarted(growth), "with equal shares": alarm.restarted(growth, periods=12)}
    shares = {name: float((evidence >= 20).any(axis=1).mean()) for name, evidence in reached.items()}
    assert max(shares.values()) <= 0.05, shares


@pytest.mark.sampled
@pytest.mark.parametrize(
    ("limit", "rate", "half", "most"),
    [(0.02, 0.005, 501, 772), (0.167, 0.042, 43, 76)],
)
def test_it_takes_as_many_ads_as_was_planned_with(limit: float, rate: float, half: int, most: int) -> None:
    """The labels after which a half, and four in five, of the runs were through at .025. Runs end at a few numbers of ads only, one for
    each number of errors, so that each of these is passed by a jump."""
    bets = bets_for(limit)
    errors = np.cumsum(np.random.default_rng(2).random((part_of(2000), most)) < rate, axis=1)
    through = np.logical_or.accumulate(bets.evidence(bets.growth(errors, np.arange(1, most + 1))) >= 40, axis=1).mean(axis=0)
    assert 0.44 < through[half - 1] < 0.68
    assert 0.75 < through[most - 1] < 0.92


def test_after_a_good_quarter_restarting_finds_a_drift_sooner() -> None:
    rng = np.random.default_rng(5)
    found = rng.binomial(50, np.repeat([0.01, 0.08], [90, 30]), (200, 120))
    bets = bets_against(0.02)
    growth = bets.growth(found, np.full_like(found, 50))
    days = [np.median((evidence >= 20).argmax(axis=1)) - 90 for evidence in (bets.running(growth), bets.restarted(growth))]
    assert days[1] <= 7
    assert days[0] > 2 * days[1]


def test_restarted_evidence_is_the_weighted_sum_of_that_of_each_period() -> None:
    found = np.array([0, 2, 0, 1, 3, 0, 0, 1])
    bets, audited = bets_against(0.1), np.full(8, 10)
    last = bets.restarted(bets.growth(found, audited), every=3)[-1]
    parts = [against(found[start:].sum(), 10 * (8 - start), 0.1) / ((j + 1) * (j + 2)) for j, start in enumerate((0, 3, 6))]
    assert last == pytest.approx(sum(parts))


def test_where_the_number_of_periods_is_known_each_has_an_equal_share() -> None:
    found = np.array([0, 2, 0, 1, 3, 0, 0, 1])
    bets = bets_against(0.1)
    growth = bets.growth(found, np.full(8, 10))
    parts = [against(found[start:].sum(), 10 * (8 - start), 0.1) / 5 for start in (0, 3, 6)]
    assert bets.restarted(growth, every=3, periods=5)[-1] == pytest.approx(sum(parts))
    with pytest.raises(ValueError, match="3 periods begin where 2 have a share"):
        bets.restarted(growth, every=3, periods=2)


def test_before_anything_is_audited_evidence_is_one_and_restarted_what_has_begun_of_it() -> None:
    bets = bets_against(0.02)
    nothing = bets.growth(np.zeros(15), np.zeros(15))
    np.testing.assert_allclose(bets.running(nothing), 1.0)
    np.testing.assert_allclose(bets.restarted(nothing)[[0, 6, 7, 14]], [1 / 2, 1 / 2, 2 / 3, 3 / 4])


@pytest.mark.parametrize(("errors", "audited"), [(0, 10**9), (10**9, 10**9), (10**6, 10**9)])
@pytest.mark.parametrize("limit", [1e-4, 0.02, 0.5, 0.96])
def test_a_billion_audits_neither_overflow_nor_lose_the_sign(errors: int, audited: int, limit: float) -> None:
    found = {"for": float(supporting(errors, audited, limit)), "against": float(against(errors, audited, limit))}
    assert np.isfinite(list(found.values())).all()
    assert (found["for"] > 20) == (errors < limit * audited)
    assert (found["against"] > 20) == (errors > limit * audited)


@examples(60)
@given(st.integers(1, 400), st.integers(0, 400), st.floats(0.001, 0.7))
def test_one_more_error_speaks_against_and_one_more_clean_ad_for(audited: int, errors: int, limit: float) -> None:
    errors = min(errors, audited)
    before, clean, wrong = (
        (supporting(k, n, limit), against(k, n, limit)) for k, n in ((errors, audited), (errors, audited + 1), (errors + 1, audited + 1))
    )
    assert wrong[0] < before[0] < clean[0] or before[0] in (0.0, wrong[0], clean[0])
    assert clean[1] < before[1] < wrong[1] or before[1] in (0.0, wrong[1], clean[1])


def test_evidence_against_is_the_weighted_mean_of_likelihood_ratios() -> None:
    limit, k, n = 0.01, 4, 120
    ratios = [(p / limit) ** k * ((1 - p) / (1 - limit)) ** (n - k) for p in limit * TIMES]
    assert against(k, n, limit) == pytest.approx(np.average(ratios, weights=TIMES_PARTS))


def test_counts_of_many_runs_are_taken_at_once() -> None:
    k, n = np.array([[0, 1, 4], [2, 0, 9]]), np.array([10, 100, 300])
    together = supporting(k, n, 0.05)
    assert together.shape == k.shape
    assert together[1, 2] == pytest.approx(supporting(9, 300, 0.05))


@pytest.mark.parametrize(("inclusion", "weight"), [(0.01, 1.0), (0.04, 0.25), (1.0, 0.01), (0.005, 1.0)])
def test_stakes_are_in_proportion_to_one_over_the_inclusion_down_to_the_floor(inclusion: float, weight: float) -> None:
    assert weights(inclusion, 0.01) == pytest.approx(weight)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: supporting(0, 10, 0.0), "limit = 0.0; expected more than 0 and less than 1"),
        (lambda: against(0, 10, 1.0), "limit = 1.0"),
        (lambda: weights([0.5, 0.0, 2.0], 0.1), "inclusion = 0.0; expected probabilities above 0, at most 1; 2 are not"),
        (lambda: weights(0.5, 0.0), "floor = 0.0; expected more than 0 and at most 1"),
    ],
)
def test_what_cannot_be_bet_on_is_refused_with_its_value(call: Callable[[], object], said: str) -> None:
    with pytest.raises(InvalidInput, match=said.split("; ")[0]) as refused:
        call()
    assert said in str(refused.value)
