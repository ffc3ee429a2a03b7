"""Thresholds from labelled ads: the empirical point, its edges, and that it is the nearest to what is aimed at."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from adverdict.certification.thresholds.capacity import review_price
from adverdict.certification.thresholds.empirical import MAX_CALIBRATED, MIN_DECIDED, MIN_MARKET_ADS, solve, solve_all
from adverdict.certification.thresholds.least_harm import Stakes, least_harm
from adverdict.certification.thresholds.scored import ScoredAds
from adverdict.certification.thresholds.strata import questions
from adverdict.decisions.harm import LEAKED
from adverdict.decisions.policy import MarketRules, PolicyBook, PolicyInForce, Severity, Stance, Targets, Thresholds
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
    ("a risk of 1 counts as the highest calibrated risk", scored((0.1, 50, 0), (1.0, 50, 50)), MAX_CALIBRATED, MAX_CALIBRATED),
]


@pytest.mark.parametrize(("_case", "scores", "approve_below", "reject_at"), CASES, ids=[case[0] for case in CASES])
def test_the_empirical_point(_case: str, scores: Scores, approve_below: float, reject_at: float) -> None:
    assert solve(*scores, TENTH) == Thresholds(approve_below, reject_at, certificate_id=None)


@pytest.mark.parametrize(
    ("aim", "approve_below", "reject_at"),
    [
        pytest.param(Thresholds(0.3, 0.7), 0.3, 0.9, id="no further than is aimed at, nor than ads were seen"),
        pytest.param(Thresholds(0.05, 0.95), 0.0, 1.0, id="an aim beyond all ads decides none"),
        pytest.param(Thresholds(0.1, 0.9), 0.0, 0.9, id="an ad of the risk aimed at is not approved, and is rejected"),
        pytest.param(Thresholds(1.0, 1.0), 0.9, 1.0, id="an aim that rejects nobody"),
    ],
)
def test_what_is_aimed_at_is_never_passed(aim: Thresholds, approve_below: float, reject_at: float) -> None:
    assert solve(*scored((0.1, 50, 0), (0.9, 50, 50)), TENTH, aim) == Thresholds(approve_below, reject_at)


def test_before_what_is_aimed_at_the_targets_draw_back() -> None:
    leaking = scored((0.1, 50, 0), (0.2, 50, 20), (0.9, 50, 50))
    assert solve(*leaking, TENTH, Thresholds(0.3, 0.7)).approve_below == 0.2


@st.composite
def labelled(draw: st.DrawFn) -> Scores:
    n = draw(st.integers(0, 150))
    levels = draw(st.lists(st.floats(0, 1), min_size=1, max_size=12))
    p = draw(hnp.arrays(np.float64, n, elements=st.sampled_from(levels)))
    return p, draw(hnp.arrays(np.bool_, n))


targets = st.builds(Targets, st.floats(0, 1), st.floats(0, 1), st.just(0.95))


aims = st.none() | st.tuples(st.floats(0, 1), st.floats(0, 1)).map(lambda pair: Thresholds(*sorted(pair)))


@given(labelled(), targets, aims)
def test_the_targets_hold_and_nothing_larger_within_the_aim_would_keep_them(
    scores: Scores, wanted: Targets, aim: Thresholds | None
) -> None:
    p, violating = np.minimum(scores[0], MAX_CALIBRATED), scores[1]
    found = solve(p, violating, wanted, aim)
    below, at = (1.0, 0.0) if aim is None else (aim.approve_below, aim.reject_at)
    assert found.approve_below <= below
    assert found.reject_at >= at
    approved, rejected = p < found.approve_below, p >= found.reject_at
    if approved.any():
        assert approved.sum() >= MIN_DECIDED
        assert violating[approved].mean() <= wanted.max_leakage
    if rejected.any():
        assert rejected.sum() >= MIN_DECIDED
        assert (~violating[rejected]).mean() <= wanted.max_wrongful_reject
    for level in np.unique(p):
        more = p >= level
        if at <= level < found.reject_at and more.sum() >= MIN_DECIDED:
            assert (~violating[more]).mean() > wanted.max_wrongful_reject
        more = p <= level
        if found.approve_below <= level < min(below, found.reject_at) and more.sum() >= MIN_DECIDED:
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


LIMITED = replace(POLICY, thresholds=None, max_risk=0.25, min_risk_rejected=0.5)


def in_markets(policy: str = "gambling", surface: str = "", **counts: tuple[int, int]) -> ScoredAds:
    """Markets with (fine ads at risk 0.01, violating ads at risk 0.99)."""
    p, violating, market = [], [], []
    for name, (fine, bad) in counts.items():
        p += [0.01] * fine + [0.99] * bad
        violating += [0.0] * fine + [1.0] * bad
        market += [name] * (fine + bad)
    n = len(p)
    return ScoredAds((policy,), np.array(market), np.full(n, surface), np.arange(n), np.array(p)[:, None], np.array(violating)[:, None])


@pytest.mark.parametrize(
    ("counts", "own"),
    [((280, 20), True), ((279, 20), False), ((281, 19), False), ((MIN_MARKET_ADS, 0), False), ((0, 0), False)],
)
def test_a_market_with_enough_labels_gets_its_own_thresholds(counts: tuple[int, int], own: bool) -> None:
    solved = solve_all(in_markets(SE=counts, DE=(100, 100)), book([LIMITED]))
    assert set(solved.points) == {SolvedFor("gambling", POOLED, TARGETS)} | ({SolvedFor("gambling", "SE", TARGETS)} if own else set())
    assert all(found.certificate_id is None for found in solved.points.values())


def test_every_set_of_targets_in_the_book_is_solved_for() -> None:
    strict = Targets(0.001, 0.001, 0.95)
    rules = {"SE": MarketRules((LIMITED,), {"kids_video": (replace(LIMITED, targets=strict),)}), "DE": MarketRules((LIMITED,))}
    solved = solve_all(in_markets(SE=(300, 30), DE=(30, 30)), PolicyBook(("gambling",), rules))
    assert {(key.market, key.targets) for key in solved.points} == {(m, t) for m in (POOLED, "SE") for t in (TARGETS, strict)}


@pytest.mark.parametrize(
    ("policy", "left_out"),
    [
        pytest.param(replace(LIMITED, stance=Stance.ALLOWED), True, id="where nothing is forbidden nothing is solved"),
        pytest.param(replace(LIMITED, thresholds=Thresholds(0.1, 0.9)), False, id="under thresholds of its own it still is: files change"),
        pytest.param(replace(LIMITED, stance=Stance.RESTRICTED), False, id="restricted"),
    ],
)
def test_what_is_solved_for(policy: PolicyInForce, left_out: bool) -> None:
    assert (solve_all(in_markets(SE=(300, 30)), book([policy])) == SolvedThresholds()) is left_out


def test_a_policy_outside_the_book_is_left_out() -> None:
    assert solve_all(in_markets("spam", SE=(300, 30)), book([LIMITED])) == SolvedThresholds()


def spread(n: int, seed: int = 0) -> ScoredAds:
    rng = np.random.default_rng(seed)
    p = rng.beta(0.3, 1.5, size=n)
    verdict = (rng.random(n) < p).astype(np.float64)
    return ScoredAds(("gambling",), np.full(n, "SE"), np.full(n, ""), np.arange(n), p[:, None], verdict[:, None])


@pytest.mark.parametrize("changes", [{}, {"max_risk": 0.02}, {"min_risk_rejected": 0.97}, {"severity": Severity.ZERO_TOLERANCE}])
def test_nothing_is_solved_beyond_least_harm_nor_beyond_the_limits(changes: dict[str, Any]) -> None:
    policy = replace(LIMITED, targets=Targets(0.5, 0.9, 0.95), **changes)
    scores, rules = spread(4000), book([policy])
    aim = least_harm(
        review_price(scores, rules, questions(scores, rules)).price,
        Stakes(LEAKED[policy.severity], policy.max_risk or 1.0, policy.min_risk_rejected or 0.0),
    )
    for found in solve_all(scores, rules).points.values():
        assert found.approve_below <= aim.approve_below <= (policy.max_risk or 1.0)
        assert found.reject_at >= aim.reject_at >= (policy.min_risk_rejected or 0.0)
        assert found.approve_below > aim.approve_below - 0.01, "the targets are loose, so the aim is reached"


def test_what_may_be_rejected_nowhere_is_rejected_nowhere() -> None:
    solved = solve_all(spread(4000), book([replace(LIMITED, stance=Stance.RESTRICTED)]))
    assert {found.reject_at for found in solved.points.values()} == {1.0}


def test_a_million_ads_are_solved_in_seconds() -> None:
    rng = np.random.default_rng(0)
    p = rng.beta(0.3, 3.0, size=1_000_000)
    found = solve(p, rng.random(len(p)) < p, TARGETS)
    assert 0 < found.approve_below < found.reject_at < 1
