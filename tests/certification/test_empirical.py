"""Thresholds from labelled ads: the empirical point, its edges, and that it is the best one."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from adverdict.certification.thresholds.empirical import MAX_RISK, MIN_DECIDED, MIN_MARKET_ADS, LabelledScores, solve, solve_all
from adverdict.decisions.policy import MarketRules, PolicyBook, Targets, Thresholds
from adverdict.decisions.thresholds import POOLED, SolvedFor, SolvedThresholds
from adverdict.domain.errors import InvalidInput
from tests.decisions.build import POLICY, TARGETS, book

Scores = tuple[NDArray[np.float64], NDArray[np.bool_]]


def scored(*groups: tuple[float, int, int]) -> Scores:
    """Groups of (risk, ads, violating among them)."""
    p = np.concatenate([np.full(n, risk) for risk, n, _ in groups]) if groups else np.empty(0)
    violating = np.concatenate([np.arange(n) < bad for _, n, bad in groups]) if groups else np.empty(0, dtype=bool)
    return p, violating


END = datetime(2026, 11, 22, tzinfo=UTC)
TENTH = Targets(max_leakage=0.1, max_wrongful_reject=0.1, confidence=0.95)
CASES = [
    ("no ads", scored(), 0.0, 1.0),
    ("clean apart", scored((0.1, 50, 0), (0.9, 50, 50)), 0.9, 0.9),
    ("a middle that neither side may take", scored((0.1, 50, 0), (0.5, 50, 25), (0.9, 50, 50)), 0.5, 0.9),
    ("leakage exactly at its target is within it", scored((0.1, 50, 5), (0.5, 50, 25)), 0.5, 1.0),
    ("one violating ad more is not", scored((0.1, 50, 6), (0.5, 50, 25)), 0.0, 1.0),
    ("wrongful rejection exactly at its target is within it", scored((0.5, 50, 25), (0.9, 50, 45)), 0.0, 0.9),
    ("one wronged ad more is not", scored((0.5, 50, 25), (0.9, 50, 44)), 0.0, 1.0),
    ("too few ads on the approving side", scored((0.1, MIN_DECIDED - 1, 0), (0.5, 50, 25), (0.9, 50, 50)), 0.0, 0.9),
    ("just enough ads on the approving side", scored((0.1, MIN_DECIDED, 0), (0.5, 50, 25), (0.9, 50, 50)), 0.5, 0.9),
    ("too few ads on the rejecting side", scored((0.1, 50, 0), (0.5, 50, 25), (0.9, MIN_DECIDED - 1, MIN_DECIDED - 1)), 0.5, 1.0),
    ("just enough ads on the rejecting side", scored((0.1, 50, 0), (0.5, 50, 25), (0.9, MIN_DECIDED, MIN_DECIDED)), 0.5, 0.9),
    ("all one risk, all fine", scored((0.3, 100, 0)), float(np.nextafter(0.3, 1)), 1.0),
    ("all one risk, all violating", scored((0.3, 100, 100)), 0.0, 0.3),
    ("ads of one risk are never parted", scored((0.3, 100, 50)), 0.0, 1.0),
    ("approving everything stops at the highest risk seen", scored((0.1, 990, 0), (0.2, 10, 1)), float(np.nextafter(0.2, 1)), 1.0),
    ("both sides could take the middle: it is rejected", scored((0.1, 900, 0), (0.8, 50, 50)), 0.8, 0.8),
    ("a bad group that later ones make up for", scored((0.1, 20, 5), (0.2, 80, 0), (0.6, 50, 25)), 0.6, 1.0),
    ("a risk of 1 counts as the highest calibrated risk", scored((0.1, 50, 0), (1.0, 50, 50)), MAX_RISK, MAX_RISK),
]


@pytest.mark.parametrize(("_case", "scores", "approve_below", "reject_at"), CASES, ids=[case[0] for case in CASES])
def test_the_empirical_point(_case: str, scores: Scores, approve_below: float, reject_at: float) -> None:
    assert solve(*scores, TENTH) == Thresholds(approve_below, reject_at, certificate_id=None)


@st.composite
def labelled(draw: st.DrawFn) -> Scores:
    n = draw(st.integers(0, 150))
    levels = draw(st.lists(st.floats(0, 1), min_size=1, max_size=12))
    p = draw(hnp.arrays(np.float64, n, elements=st.sampled_from(levels)))
    return p, draw(hnp.arrays(np.bool_, n))


targets = st.builds(Targets, st.floats(0, 1), st.floats(0, 1), st.just(0.95))


@given(labelled(), targets)
def test_the_targets_hold_and_nothing_larger_would_keep_them(scores: Scores, wanted: Targets) -> None:
    p, violating = np.minimum(scores[0], MAX_RISK), scores[1]
    found = solve(p, violating, wanted)
    approved, rejected = p < found.approve_below, p >= found.reject_at
    if approved.any():
        assert approved.sum() >= MIN_DECIDED
        assert violating[approved].mean() <= wanted.max_leakage
    if rejected.any():
        assert rejected.sum() >= MIN_DECIDED
        assert (~violating[rejected]).mean() <= wanted.max_wrongful_reject
    for level in np.unique(p):
        more = p >= level
        if level < found.reject_at and more.sum() >= MIN_DECIDED:
            assert (~violating[more]).mean() > wanted.max_wrongful_reject
        more = p <= level
        if found.approve_below <= level < found.reject_at and more.sum() >= MIN_DECIDED:
            assert violating[more].mean() > wanted.max_leakage


@given(labelled(), targets, st.randoms(use_true_random=False))
def test_the_order_of_ads_does_not_matter(scores: Scores, wanted: Targets, random: Random) -> None:
    order = list(range(len(scores[0])))
    random.shuffle(order)
    assert solve(*scores, wanted) == solve(scores[0][order], scores[1][order], wanted)


@pytest.mark.parametrize(
    ("p", "violating", "said"),
    [
        (np.array([0.1, np.nan]), np.array([True, False]), "p = nan; expected risks from 0 to 1; 1 are not"),
        (np.array([0.1, 1.1]), np.array([True, False]), "p = 1.1; expected risks from 0 to 1"),
        (np.array([0.1, 0.2]), np.array([True]), "violating = (1,); expected one value for each risk"),
        (np.zeros((2, 2)), np.zeros((2, 2), dtype=bool), "one value for each risk"),
    ],
)
def test_scores_that_cannot_be_right_are_refused(p: NDArray[np.float64], violating: NDArray[np.bool_], said: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        solve(p, violating, TENTH)
    assert said in str(refused.value)


def in_markets(**counts: tuple[int, int]) -> LabelledScores:
    """Markets with (fine ads at risk 0.1, violating ads at risk 0.9)."""
    p, violating, market = [], [], []
    for name, (fine, bad) in counts.items():
        p += [0.1] * fine + [0.9] * bad
        violating += [False] * fine + [True] * bad
        market += [name] * (fine + bad)
    return LabelledScores(np.array(p), np.array(violating), np.array(market))


@pytest.mark.parametrize(
    ("counts", "own"),
    [((280, 20), True), ((279, 20), False), ((281, 19), False), ((MIN_MARKET_ADS, 0), False), ((0, 0), False)],
)
def test_a_market_with_enough_labels_gets_its_own_thresholds(counts: tuple[int, int], own: bool) -> None:
    solved = solve_all({"gambling": in_markets(SE=counts, DE=(100, 100))}, book([POLICY]))
    assert set(solved.points) == {SolvedFor("gambling", POOLED, TARGETS)} | ({SolvedFor("gambling", "SE", TARGETS)} if own else set())
    assert all(found.certificate_id is None for found in solved.points.values())


def test_every_set_of_targets_in_the_book_is_solved_for() -> None:
    strict = Targets(0.001, 0.001, 0.95)
    rules = {"SE": MarketRules((POLICY,), {"kids_video": (replace(POLICY, targets=strict),)}), "DE": MarketRules((POLICY,))}
    solved = solve_all({"gambling": in_markets(SE=(300, 30), DE=(30, 30))}, PolicyBook(("gambling",), rules))
    assert {(key.market, key.targets) for key in solved.points} == {(m, t) for m in (POOLED, "SE") for t in (TARGETS, strict)}


def test_a_policy_without_labels_is_not_solved_and_one_outside_the_book_is_left_out() -> None:
    assert solve_all({"spam": in_markets(SE=(300, 30))}, book([POLICY])) == SolvedThresholds()


def test_a_million_ads_are_solved_in_seconds() -> None:
    rng = np.random.default_rng(0)
    p = rng.beta(0.3, 3.0, size=1_000_000)
    found = solve(p, rng.random(len(p)) < p, TARGETS)
    assert 0 < found.approve_below < found.reject_at < 1
