"""What the audit stream tells: likelihoods checked against ones written out ad by ad, and intervals that cover."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize, stats

from adverdict.domain.errors import InvalidInput
from adverdict.domain.verdict import Verdict
from adverdict.review.quality.audit_design import AuditDesign
from adverdict.review.quality.latent_class import LatentClass, Point
from adverdict.review.quality.prevalence import CRITICAL, AuditStratum, GoldenReadings, Patterns, audit
from tests.effort import examples

PERFECT = GoldenReadings(10**7, 10**7, 10**7, 10**7)
GOLDEN = GoldenReadings(300, 276, 300, 296)


def stratum(patterns: Patterns, decisions: int = 10**9, verdict: Verdict = Verdict.APPROVE, name: str = "approved") -> AuditStratum:
    return AuditStratum(name, verdict, decisions, 1.0, patterns)


def read(rng: np.random.Generator, ads: int, violating: int, sensitivity: float, specificity: float) -> dict[tuple[int, int], int]:
    """One ad after the other, by the recommended design."""
    design, patterns = AuditDesign(), Counter[tuple[int, int]]()
    for number in range(ads):
        says = sensitivity if number < violating else 1 - specificity
        first = bool(rng.random() < says)
        more = int(rng.binomial(design.further, says)) if rng.random() < design.again(first) else None
        patterns[(1, int(first)) if more is None else (1 + design.further, first + more)] += 1
    return dict(patterns)


@pytest.mark.parametrize(("k", "n"), [(1, 50), (10, 1000), (30, 100), (3, 2000)])
def test_with_perfect_reviewers_the_interval_is_the_binomials_by_likelihood_ratio(k: int, n: int) -> None:
    def beyond(p: float) -> float:
        return 2 * float(stats.binom.logpmf(k, n, k / n) - stats.binom.logpmf(k, n, p)) - CRITICAL

    found = audit([stratum({(1, 0): n - k, (1, 1): k})], PERFECT).prevalence
    least = 8e-6  # no reviewer is taken as better than 6 errors in a million
    assert found.value == pytest.approx(k / n, abs=least)
    assert found.low == pytest.approx(optimize.brentq(beyond, 1e-12, k / n), rel=5e-3, abs=least)
    assert found.high == pytest.approx(optimize.brentq(beyond, k / n, 1 - 1e-9), rel=5e-3, abs=least)
    assert (found.audited, found.said_violating, found.decisions) == (n, k, 10**9)


def test_no_violation_found_gives_an_upper_limit_and_no_lower_one() -> None:
    found = audit([stratum({(1, 0): 1000})], PERFECT).prevalence
    assert (found.value, found.low) == (pytest.approx(0, abs=1e-9), 0)
    assert found.high == pytest.approx(CRITICAL / 2 / 1000, rel=0.01)


def test_the_likelihood_and_its_slope_are_those_written_out_ad_by_ad() -> None:
    ads: dict[tuple[int, int], float] = {(1, 0): 5, (1, 1): 2, (3, 2): 4, (3, 0): 1}
    other: dict[tuple[int, int], float] = {(1, 0): 2, (3, 3): 1}
    patterns = list(ads)
    patterns.append((3, 3))
    table = np.array([[one.get(pattern, 0.0) for pattern in patterns] for one in (ads, other)])
    model = LatentClass(*np.array(patterns, dtype=np.float64).T, table, np.array([[8.0, 2.0], [9.0, 1.0]]))

    def written_out(x: list[float]) -> float:
        sensitivity, specificity = (1 / (1 + math.exp(-one)) for one in x[:2])
        total = 8 * math.log(sensitivity) + 2 * math.log(1 - sensitivity) + 9 * math.log(specificity) + math.log(1 - specificity)
        for share, one in zip(x[2:], (ads, other), strict=True):
            for (n, yes), count in one.items():
                right = sensitivity**yes * (1 - sensitivity) ** (n - yes)
                total += count * math.log(share * right + (1 - share) * (1 - specificity) ** yes * specificity ** (n - yes))
        return total

    at = [2.0, 3.0, 0.3, 0.4]
    value, slope = model._likelihood(np.array(at[2:]), np.array(at[:2]))
    assert value == pytest.approx(written_out(at))
    assert slope == pytest.approx(optimize.approx_fprime(at, written_out, 1e-7), rel=1e-4, abs=1e-4)
    begin = [4 * model.likeliest().errors[0], 3.0, 0.5, 0.5]
    best = -optimize.minimize(lambda x: -written_out(x), begin, method="Nelder-Mead", bounds=[(0, 12), (0, 12), (0, 1), (0, 1)]).fun
    assert model.likeliest().log_likelihood >= best - 1e-3


def test_the_covariance_is_the_inverse_of_the_likelihoods_curvature() -> None:
    patterns = {(1, 0): 900.0, (1, 1): 5.0, (3, 3): 70.0, (3, 2): 20.0, (3, 1): 8.0, (3, 0): 18.0}
    shapes = np.array(list(patterns), dtype=np.float64).T
    model = LatentClass(*shapes, np.array([list(patterns.values())]), np.array([[92.0, 8.0], [98.0, 2.0]]))
    top = model.likeliest()

    def slope(x: np.ndarray) -> np.ndarray:
        return model._likelihood(x[2:], x[:2])[1]

    at = np.concatenate([top.errors, top.share])
    step = 1e-5 * np.eye(3)
    curvature = np.array([(slope(at + one) - slope(at - one)) / 2e-5 for one in step])
    assert model.covariance(top)[0, 0] == pytest.approx(np.linalg.inv(-curvature)[2, 2], rel=1e-3)


@pytest.mark.parametrize("seed", range(6))
def test_an_end_is_where_no_rates_of_error_bring_the_likelihood_within_the_limit(seed: int) -> None:
    """Against climbs from many random places: little golden reading, several strata, so the likelihood may have several tops."""
    rng = np.random.default_rng(seed)
    ads = int(rng.integers(30, 500))
    strata = [stratum(read(rng, ads, int(ads * share), 0.7, 0.9), name=str(share)) for share in rng.uniform(0, 0.3, 2).round(3)]
    found = audit(strata, GoldenReadings(10, 7, 10, 9)).prevalence
    patterns = sorted({pattern for one in strata for pattern in one.patterns})
    table = np.array([[one.patterns.get(pattern, 0) for pattern in patterns] for one in strata], dtype=np.float64)
    model = LatentClass(*np.array(patterns, dtype=np.float64).T, table, np.array([[7.0, 3.0], [9.0, 1.0]]))
    weights = np.array([0.5, 0.5])

    def highest(total: float) -> float:
        begin = [Point(rng.beta(0.5, 2, 2), rng.uniform(0, 6, 2), 0.0) for _ in range(8)]
        return max(model.likeliest_with(weights, total, point).log_likelihood for point in begin)

    for end in (found.low, found.high):
        ratio = 2 * (model.likeliest().log_likelihood - highest(end))
        assert ratio == pytest.approx(CRITICAL, abs=0.08) or (end in (0.0, 1.0) and ratio <= CRITICAL)


def test_what_was_audited_itself_is_no_longer_uncertain() -> None:
    patterns = {(1, 0): 900, (1, 1): 100}
    wide, half = (audit([stratum(patterns, decisions)], PERFECT).prevalence for decisions in (10**9, 2000))
    assert (half.high - half.low) / (wide.high - wide.low) == pytest.approx(math.sqrt(0.5), rel=0.02)
    everything = audit([stratum(patterns, 1000)], PERFECT).prevalence
    assert everything.high - everything.low < 0.001
    doubted = audit([stratum(patterns, 1000)], GOLDEN).prevalence
    assert doubted.high - doubted.low > 0.01  # but what reviewers err by still is


def test_strata_weigh_as_many_decisions_as_they_hold_not_as_many_as_were_audited() -> None:
    strata = [
        stratum({(1, 0): 9900, (1, 1): 100}, 90_000, name="seldom audited"),
        stratum({(1, 0): 5000, (1, 1): 5000}, 10_000, name="always audited"),
        stratum({(1, 0): 100, (1, 1): 900}, 100_000, Verdict.REJECT, "rejected"),
    ]
    found = audit(strata, PERFECT, each=True)
    assert found.leakage is not None
    assert found.wrongful_rejection is not None
    assert found.leakage.value == pytest.approx(0.9 * 0.01 + 0.1 * 0.5, abs=1e-4)
    assert found.wrongful_rejection.value == pytest.approx(0.1, abs=1e-3)
    assert found.prevalence.value == pytest.approx(0.5 * 0.059 + 0.5 * 0.9, abs=1e-3)
    assert {name: share.value for name, share in found.strata.items()} == pytest.approx(
        {"seldom audited": 0.01, "always audited": 0.5, "rejected": 0.9}, abs=1e-3
    )
    assert found.wrongful_rejection.said_violating == 900


def test_a_side_without_audits_is_not_reported() -> None:
    found = audit([stratum({(1, 0): 10})])
    assert found.wrongful_rejection is None
    assert audit([stratum({(1, 0): 10}, verdict=Verdict.REJECT)]).leakage is None


def test_false_alarms_are_not_taken_for_violations() -> None:
    """20 of 1000 flagged once, as often as reviewers of this specificity flag what does not violate."""
    golden = GoldenReadings(1000, 920, 10_000, 9800)
    naive = 20 / 1000
    found = audit([stratum({(1, 0): 980, (3, 1): 20})], golden).prevalence
    assert found.low == 0
    assert found.high < naive / 2


@pytest.mark.parametrize(
    ("golden", "also_read"),
    [(GoldenReadings(500, 460, 500, 493), None), (None, {(3, 3): 900, (3, 2): 200, (3, 1): 90, (3, 0): 2000})],
    ids=["golden tasks", "ads read three times elsewhere"],
)
def test_knowing_of_reviewers_errors_narrows_the_interval(golden: GoldenReadings | None, also_read: Patterns | None) -> None:
    patterns = {(1, 0): 960, (1, 1): 40}
    ignorant, informed = audit([stratum(patterns)]).prevalence, audit([stratum(patterns)], golden, also_read).prevalence
    assert ignorant.low == 0  # all of them may be false alarms
    assert informed.high - informed.low < 0.6 * (ignorant.high - ignorant.low)


def test_nothing_audited_is_nothing_known() -> None:
    found = audit([stratum({})]).prevalence
    assert (found.low, found.high, found.audited) == (0, 1, 0)
    assert not math.isnan(found.value)


PATTERN = st.sampled_from([(1, 0), (1, 1), (2, 0), (2, 1), (2, 2), (3, 0), (3, 1), (3, 2), (3, 3)])


@examples(15)
@given(st.lists(st.dictionaries(PATTERN, st.integers(0, 200)), min_size=1, max_size=3), st.integers(0, 50), st.integers(0, 50))
def test_any_counts_give_an_interval_around_the_value_within_0_and_1(
    tables: list[dict[tuple[int, int], int]], tasks: int, right: int
) -> None:
    golden = GoldenReadings(tasks, min(tasks, right), right, min(tasks, right))
    found = audit([stratum(table, 10_000, name=str(number)) for number, table in enumerate(tables)], golden)
    share = found.prevalence
    assert 0 <= share.low <= share.value <= share.high <= 1
    assert 0.5 <= found.sensitivity <= 1
    assert 0.5 <= found.specificity <= 1


def test_every_mistake_is_named_at_once() -> None:
    bad = AuditStratum("a", Verdict.REVIEW, 10, 1.0, {(1, 2): 3, (1, 0): 9})
    never = AuditStratum("a", Verdict.APPROVE, 10, 0.0, {})
    picked = AuditStratum("b", Verdict.APPROVE, 100_000, 0.001, {(1, 0): 500})
    with pytest.raises(InvalidInput) as caught:
        audit([bad, never, picked], GoldenReadings(5, 6, 5, 5), {(0, 0): 1})
    fields = [mistake.field for mistake in caught.value.mistakes]
    assert fields == ["name", "verdict", "decisions", "pattern", "inclusion", "audited", "pattern", "called_violating"]
    assert "about 100: 0.001 of 100000" in str(caught.value)


@pytest.mark.parametrize(("drawn", "refused"), [(130, False), (50, False), (200, True)])
def test_more_audits_than_the_recorded_probability_can_have_drawn_are_refused(drawn: int, refused: bool) -> None:
    suspect = AuditStratum("approved", Verdict.APPROVE, 1000, 0.1, {(1, 0): drawn})
    if refused:
        with pytest.raises(InvalidInput, match="audited = 200"):
            audit([suspect])
    else:
        assert audit([suspect]).prevalence.audited == drawn


def test_no_strata_are_refused() -> None:
    with pytest.raises(InvalidInput, match="strata"):
        audit([])


def test_the_interval_covers_when_violations_are_rare_and_false_alarms_outnumber_them() -> None:
    """32 of 8000 violate, 120 others are flagged at first."""
    rng = np.random.default_rng(0)
    covered = 0
    for _ in range(12):
        patterns = read(rng, 8000, int(rng.binomial(8000, 0.004)), 0.92, 0.985)
        found = audit([stratum(patterns)], GOLDEN).prevalence
        covered += found.low <= 0.004 <= found.high
    assert covered >= 10


DESIGN = AuditDesign(again_if_violating=1.0, again_otherwise=0.1, further=2)


def test_expected_patterns_are_those_of_many_ads_read() -> None:
    rng = np.random.default_rng(0)
    drawn = read(rng, 20_000, 4000, 0.9, 0.95)
    expected = AuditDesign().expected(20_000, 0.2, 0.9, 0.95)
    assert sum(expected.values()) == pytest.approx(20_000)
    for pattern, ads in expected.items():
        assert abs(drawn.get(pattern, 0) - ads) < 5 * math.sqrt(ads) + 1


def test_expected_readings_are_those_of_the_expected_patterns() -> None:
    patterns = DESIGN.expected(1000, 0.2, 0.9, 0.95)
    assert DESIGN.readings(1000, 0.2, 0.9, 0.95) == pytest.approx(sum(n * ads for (n, _), ads in patterns.items()))
