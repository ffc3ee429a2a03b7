"""What an average hides: the bound on the riskiest ads approved, and the bound on violating ads that are approved."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from adverdict.certification.certificate import Edge
from adverdict.certification.thresholds.edge import LEAKED_SHARE, WIDTH, edge, missed_upper
from adverdict.certification.thresholds.sequence import LabelledAds
from tests.effort import part_of

THRESHOLD, LEVEL = 0.3, 0.05


def ads(*parts: tuple[float, int, int]) -> LabelledAds:
    """Parts of (risk, ads, violating among them), each ad of its own advertiser."""
    risk = np.concatenate([np.full(n, risk) for risk, n, _ in parts]) if parts else np.zeros(0)
    violating = np.concatenate([np.arange(n) < bad for _, n, bad in parts]) if parts else np.zeros(0, dtype=bool)
    return LabelledAds(risk, violating, np.arange(len(risk)), alike=0.0)


def clopper_pearson(errors: int, n: int, level: float) -> float:
    return 1.0 if errors == n else float(stats.beta.ppf(1 - level, errors + 1, n - errors))


@pytest.mark.parametrize(("errors", "n"), [(0, 21), (1, 50), (5, 80), (30, 30)])
def test_the_edge_is_the_exact_bound_of_the_ads_in_it(errors: int, n: int) -> None:
    found = edge(ads((0.05, 500, 0), (0.2, n, errors), (0.6, 100, 100)), THRESHOLD, 0.25, LEVEL)
    assert found is not None
    assert (found.ads, found.errors, found.limit) == (n, errors, 0.25)
    assert found.risk_from == pytest.approx(THRESHOLD / WIDTH)
    assert found.upper == pytest.approx(clopper_pearson(errors, n, LEVEL), abs=1e-4)


@pytest.mark.parametrize(
    ("risk", "inside"), [(0.0999, False), (0.1, True), (0.2999, True), (0.3, False)], ids=["below", "from", "up to", "not at"]
)
def test_it_reaches_from_a_third_of_the_threshold_up_to_it(risk: float, inside: bool) -> None:
    assert (edge(ads((risk, 10, 0)), THRESHOLD, 0.25, LEVEL) is not None) is inside


@pytest.mark.parametrize("found", [ads(), ads((0.01, 100, 0)), ads((0.9, 100, 0))])
def test_where_nothing_is_labelled_there_nothing_is_said_of_it(found: LabelledAds) -> None:
    assert edge(found, THRESHOLD, 0.25, LEVEL) is None


@pytest.mark.parametrize(("clean", "shown"), [(10, False), (11, True)])
def test_a_limit_of_a_quarter_is_shown_by_eleven_clean_labels(clean: int, shown: bool) -> None:
    found = edge(ads((0.2, clean, 0)), THRESHOLD, 0.25, LEVEL)
    assert found is not None
    assert found.shown is shown


def test_ads_of_one_advertiser_are_worth_fewer() -> None:
    alone = ads((0.2, 60, 1))
    together = LabelledAds(alone.risk, alone.violating, np.arange(60) // 6, alike=1.0)
    bounds = [found.upper for found in (edge(one, THRESHOLD, 0.25, LEVEL) for one in (alone, together)) if isinstance(found, Edge)]
    assert len(bounds) == 2
    assert bounds[0] < bounds[1]


# --- violating ads that are approved -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        pytest.param(ads(), None, id="nothing is labelled"),
        pytest.param(ads((0.9, 50, 40)), 0.0, id="nothing is approved"),
        pytest.param(ads((0.1, 50, 0)), 1.0, id="everything is approved: nothing shows that any violation is caught"),
        pytest.param(ads((0.1, 50, 0), (0.9, 50, 0)), 1.0, id="nothing violates: whatever does may be approved"),
    ],
)
def test_the_ends(found: LabelledAds, expected: float | None) -> None:
    upper = missed_upper(found, THRESHOLD, LEVEL)
    assert upper == (None if expected is None else pytest.approx(expected))


@pytest.mark.parametrize(("leaked", "caught"), [(2, 40), (0, 90), (10, 10)])
def test_at_most_so_many_leak_and_at_least_so_many_are_caught(leaked: int, caught: int) -> None:
    found = ads((0.1, 800, leaked), (0.9, 100, caught))
    most = 800 / 900 * clopper_pearson(leaked, 800, LEAKED_SHARE * LEVEL)
    least = 100 / 900 * (1 - clopper_pearson(100 - caught, 100, (1 - LEAKED_SHARE) * LEVEL))
    assert missed_upper(found, THRESHOLD, LEVEL) == pytest.approx(most / (most + least), abs=1e-3)


@given(st.integers(0, 50), st.integers(1, 50), st.integers(0, 50), st.integers(1, 50))
def test_the_bound_lies_above_what_was_seen_and_rises_with_what_leaked(leaked: int, clean: int, caught: int, innocent: int) -> None:
    def upper(more: int) -> float:
        found = missed_upper(ads((0.1, leaked + clean, leaked + more), (0.9, caught + innocent, caught)), THRESHOLD, LEVEL)
        assert found is not None
        return found

    if leaked + caught:
        assert upper(0) >= leaked / (leaked + caught)
    assert upper(1) >= upper(0)


@pytest.mark.slow
def test_it_holds_in_every_world_with_the_probability_it_says() -> None:
    """Against exact enumeration: every outcome of so many labels on each side, with its probability."""
    n, share = (60, 30), 60 / 90
    upper = np.array(
        [[missed_upper(ads((0.1, n[0], a), (0.9, n[1], b)), THRESHOLD, LEVEL) for b in range(n[1] + 1)] for a in range(n[0] + 1)]
    )
    for leaks, catches in product((0.01, 0.05, 0.2), (0.1, 0.5, 0.9)):
        missed = share * leaks / (share * leaks + (1 - share) * catches)
        chance = np.outer(stats.binom.pmf(np.arange(n[0] + 1), n[0], leaks), stats.binom.pmf(np.arange(n[1] + 1), n[1], catches))
        assert chance[upper < missed].sum() <= LEVEL


def test_it_holds_where_the_share_approved_is_drawn_too() -> None:
    rng, runs = np.random.default_rng(1), part_of(2000)
    below, leaks, catches = 0.7, 0.03, 0.5
    missed = below * leaks / (below * leaks + (1 - below) * catches)
    broken = 0
    for _ in range(runs):
        approved = rng.random(300) < below
        violating = rng.random(300) < np.where(approved, leaks, catches)
        found = missed_upper(LabelledAds(np.where(approved, 0.1, 0.9), violating, np.arange(300), alike=0.0), THRESHOLD, LEVEL)
        assert found is not None
        broken += found < missed
    assert stats.binomtest(broken, runs, LEVEL, alternative="greater").pvalue > 0.01
