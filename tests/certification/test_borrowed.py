"""Strength borrowed from other markets: against the mixture written out, and what no other market may make of a market's own labels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special, stats

from adverdict.certification.statistics.borrowed import FEWEST_OTHERS, MEANS, UNLIKE, VAGUE, WORTH, Draws, borrowed_p, borrowed_upper
from adverdict.certification.statistics.bounds import Sizes, p_value, upper_bound
from adverdict.domain.errors import InvalidInput
from tests.effort import examples, part_of

ALIKE = ([6, 4, 9, 5, 7, 8, 3, 6], 1000)
"""Eight other markets with rates around .006."""


def p(errors: float, draws: float, others: tuple[list[int], float], limit: float = 0.02) -> float:
    return float(borrowed_p(Draws.of(errors, draws), Draws.of(*others), limit))


def upper(errors: float, draws: float, others: tuple[list[int], float], level: float = 0.025) -> float:
    return float(borrowed_upper(Draws.of(errors, draws), Draws.of(*others), level))


def written_out(errors: int, draws: int, others: list[tuple[int, int]], limit: float) -> float:
    """P(rate > limit) by summing over a fine grid of rates: prior times likelihood, the prior averaged distribution by distribution."""
    centre = (sum(k for k, _ in others) + 0.5) / (sum(n for _, n in others) + 1)
    wide = max(0.5, 2 * centre), 2 * (1 - centre)
    edges = np.concatenate([np.linspace(0, limit, 4001), np.linspace(limit, 1, 4001)[1:]])
    rate, step = (edges[1:] + edges[:-1]) / 2, np.diff(edges)
    prior, total = np.zeros_like(rate), 0.0
    for mean in MEANS:
        for worth in WORTH:
            a, b = mean * worth, (1 - mean) * worth
            seen = [(1 - UNLIKE) * likelihood(k, n, a, b) + UNLIKE * likelihood(k, n, *wide) for k, n in others]
            prior += np.prod(seen) * stats.beta.pdf(rate, a, b)
            total += float(np.prod(seen))
    belief = (1 - VAGUE) * prior / total + VAGUE * stats.beta.pdf(rate, *wide)
    posterior = belief * rate**errors * (1 - rate) ** (draws - errors) * step
    return float(posterior[rate > limit].sum() / posterior.sum())


def likelihood(errors: int, draws: int, a: float, b: float) -> float:
    return float(np.exp(special.betaln(errors + a, draws - errors + b) - special.betaln(a, b)))


@pytest.mark.parametrize(("errors", "draws"), [(2, 60), (4, 180)])
def test_it_is_the_posterior_of_the_mixture(errors: int, draws: int) -> None:
    others = [(1, 200), (2, 300), (0, 150)]
    expected = written_out(errors, draws, others, 0.02)
    assert p(errors, draws, ([k for k, _ in others], [n for _, n in others])) == pytest.approx(expected, rel=5e-3)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "others", [([], 0), ([0] * FEWEST_OTHERS, 0), ([5] * (FEWEST_OTHERS - 1), 1000)], ids=["none", "no labels", "too few"]
)
@pytest.mark.parametrize(("errors", "draws"), [(0, 0), (0, 180), (3, 400), (7, 7)])
def test_where_nothing_is_borrowed_it_is_the_exact_bound_of_the_own_labels(
    errors: int, draws: int, others: tuple[list[int], float]
) -> None:
    assert p(errors, draws, others) == pytest.approx(p_value(errors, Sizes.single(draws), 0.02))
    assert upper(errors, draws, others) == pytest.approx(upper_bound(errors, Sizes.single(draws), 0.025), rel=1e-4)


def test_few_own_labels_and_markets_that_are_alike_show_what_own_labels_alone_do_not() -> None:
    assert upper_bound(1, Sizes.single(180), 0.025) > 0.03
    assert upper(1, 180, ALIKE) < 0.02


def test_without_a_label_of_its_own_no_market_is_passed() -> None:
    assert p(0, 0, ALIKE) > 0.3


def test_a_market_unlike_the_others_is_judged_by_its_own_labels() -> None:
    alone = upper_bound(12, Sizes.single(180), 0.025)
    assert 0.9 * alone < upper(12, 180, ALIKE) < alone


def test_markets_unlike_each_other_lend_little() -> None:
    apart = ([0, 80, 3, 1, 40, 0, 10, 2], 1000)
    assert upper(1, 180, apart) > 1.15 * upper(1, 180, ALIKE)


def test_one_market_unlike_the_rest_takes_little_of_what_they_lend() -> None:
    with_one = ([6, 4, 9, 5, 7, 8, 3, 60], 1000)
    assert upper(1, 180, with_one) < 1.15 * upper(1, 180, ALIKE)


@examples(40)
@given(st.integers(0, 30), st.integers(30, 400), st.lists(st.integers(0, 40), min_size=3, max_size=6), st.floats(0.002, 0.2))
def test_more_errors_and_a_lower_limit_leave_more_doubt(errors: int, draws: int, others: list[int], limit: float) -> None:
    here = p(errors, draws, (others, 500), limit)
    assert 0 <= here <= 1 + 1e-9
    assert p(errors + 0.5, draws + 0.5, (others, 500), limit) >= here - 1e-6
    assert p(errors, draws, (others, 500), limit * 0.8) >= here


@examples(40)
@given(st.integers(0, 30), st.integers(30, 400), st.lists(st.integers(0, 40), min_size=3, max_size=6), st.sampled_from([0.01, 0.025, 0.2]))
def test_the_upper_bound_is_where_the_doubt_left_is_the_level(errors: int, draws: int, others: list[int], level: float) -> None:
    bound = upper(errors, draws, (others, 500), level)
    assert p(errors, draws, (others, 500), bound) <= level * (1 + 1e-3)
    assert p(errors, draws, (others, 500), bound * 0.999) >= level * 0.98


def test_many_questions_are_answered_at_once_each_with_its_own_others() -> None:
    own = Draws.of([[0, 3], [1, 9]], 180)
    others = Draws.of([[[1, 2, 3, 0], [9, 9, 9, 9]], [[40, 2, 3, 5], [0, 0, 0, 0]]], 900)
    together = borrowed_p(own, others, 0.02)
    assert together.shape == (2, 2)
    assert together[1, 0] == pytest.approx(p(1, 180, ([40, 2, 3, 5], 900)))
    assert borrowed_upper(own, others, 0.025)[0, 1] == pytest.approx(upper(3, 180, ([9, 9, 9, 9], 900)))
    assert borrowed_p(own, Draws.of([1, 2, 3, 0], 900), 0.02)[0, 0] == pytest.approx(together[0, 0])
    assert borrowed_p(Draws.of([], []), Draws.of([1, 2, 3], 100), 0.02).shape == (0,)


@pytest.mark.sampled
@pytest.mark.parametrize("unlike", [0.0, 0.1], ids=["alike", "a tenth five times as bad"])
def test_over_markets_the_bound_is_above_the_rate_as_often_as_it_says(unlike: float) -> None:
    rng, runs = np.random.default_rng(2), part_of(2000)
    rates = special.expit(special.logit(0.006) + 0.5 * rng.normal(size=(runs, 9)) + np.log(5) * (rng.random((runs, 9)) < unlike))
    own, others = Draws.of(rng.binomial(180, rates[:, 0]), 180), Draws.of(rng.binomial(1000, rates[:, 1:]), 1000)
    covered = int((borrowed_p(own, others, rates[:, 0]) >= 0.025).sum())
    assert stats.binomtest(covered, runs, 0.975, alternative="less").pvalue > 0.01
    assert (borrowed_p(own, others, 0.02) <= 0.025).mean() > 0.4, "a bound that is always 1 would cover everything"


@pytest.mark.parametrize(("errors", "draws", "said"), [(-1, 5, "-1 of 5"), (6, 5, "6 of 5"), (float("nan"), 5, "nan of 5")])
def test_counts_that_cannot_be_are_refused(errors: float, draws: float, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        Draws.of(errors, draws)
