"""A distance is certified by campaigns and not by copies, from near to far, and each look spends some of the error allowed."""

from __future__ import annotations

import numpy as np
import pytest

from adverdict.certification.carrying import GRID, CarryingEvidence, certify, level_of, speaks_against


def evidence(groups: int, each: int = 1, wrong_from: float = 2.0, rate: float = 0.0, seed: int = 0) -> CarryingEvidence:
    """Distances spread over the grid; beyond ``wrong_from`` half of all is wrong, elsewhere ``rate`` of the groups."""
    rng = np.random.default_rng(seed)
    group = np.repeat(np.arange(groups), each)
    distance = rng.choice(GRID, group.size)
    bad = np.repeat(rng.random(groups) < rate, each)
    return CarryingEvidence(distance, bad | ((distance > wrong_from) & (rng.random(group.size) < 0.5)), group)


def test_nothing_is_carried_before_there_is_evidence() -> None:
    found = certify(evidence(10), 0.05, 0.95)
    assert found.distance is None
    assert found.groups_needed == 72  # (1 - .05)^72 is below .025, the first look's share
    assert certify(CarryingEvidence(*(np.empty(0, dtype=kind) for kind in (float, bool, np.int64))), 0.05, 0.95).distance is None


def test_distances_are_certified_up_to_where_verdicts_go_wrong() -> None:
    found = certify(evidence(2000, wrong_from=0.1), 0.05, 0.95)
    assert found.distance == pytest.approx(0.10)
    assert found.upper <= 0.05


def test_many_copies_of_few_campaigns_show_nothing() -> None:
    assert certify(evidence(20, each=500), 0.05, 0.95).distance is None
    assert certify(evidence(10_000), 0.05, 0.95).distance == GRID[-1]


def test_all_looks_together_spend_no_more_than_the_error_allowed() -> None:
    assert sum(level_of(0.95, look) for look in range(1, 10_000)) < 0.05


def test_evidence_since_that_goes_wrong_ends_it_and_a_single_error_does_not() -> None:
    assert speaks_against(evidence(200, rate=0.2), 0.2, 0.05)
    assert not speaks_against(evidence(200, rate=0.02), 0.2, 0.05)
    assert not speaks_against(evidence(0), 0.2, 0.05)


@pytest.mark.slow
def test_a_limit_that_does_not_hold_is_certified_no_more_often_than_allowed() -> None:
    """At a true share of exactly the limit, half of it at each look."""
    runs = 200
    wrong = sum(certify(evidence(300, rate=0.05, seed=seed), 0.05, 0.95).distance is not None for seed in range(runs))
    assert wrong / runs <= 0.05
