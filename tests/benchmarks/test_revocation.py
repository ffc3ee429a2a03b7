"""The benchmarks of certificates in service draw what they say, and find out a certificate that is revoked too often or too late."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from adverdict.benchmarks.truth import borrowed, lives, revocation
from adverdict.benchmarks.truth.borrowed import ALSO, JUDGED, Markets
from adverdict.benchmarks.truth.revocation import (
    AT_THE_LIMIT,
    CHANGE,
    DRIFTS,
    SPELL,
    AtTheLimit,
    Drift,
    audits_of,
    clustered,
    issued,
    quantile,
)
from adverdict.certification.life import Terms, life
from adverdict.certification.statistics.sequential import against
from adverdict.cli.benchmark.audits import show_certificates
from adverdict.domain.errors import InvalidSettings
from adverdict.domain.progress import Silent
from adverdict.domain.standing import Standing
from tests.effort import part_of

pytestmark = pytest.mark.slow


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.mark.parametrize("run", [revocation.revocation, lives.lives, borrowed.borrowed])
def test_too_few_runs_to_tell_are_refused(run) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InvalidSettings, match="= 499; expected at least 500"):
        run(499, 0, Silent())


def test_the_bars_are_about_a_limit_of_002_and_fifty_audits_a_day() -> None:
    assert (DRIFTS[0].limit, DRIFTS[0].audits) == (0.02, 50)
    assert {drift.limit for drift in DRIFTS} == {0.02, 0.005, 0.001}
    assert [(one.rate, one.own, one.limit, one.unlike) for one in JUDGED] == [(0.006, 180, 0.02, 0.0), (0.006, 180, 0.02, 0.1)]


@pytest.mark.parametrize("setting", AT_THE_LIMIT, ids=lambda one: f"{one.limit} {one.ads * one.inclusion:g}{' bursts' * one.bursts}")
def test_windows_lie_exactly_at_their_limit_and_never_above_it_since_any_week_of_theirs(setting: AtTheLimit) -> None:
    violating = revocation.violating_a_day(setting)
    assert violating.sum() >= (SPELL - 6) * setting.ads * setting.limit * (1 - 1e-9)
    for start in range(0, SPELL, 7):
        running = np.cumsum(violating[start:])
        assert (running <= np.arange(1, SPELL - start + 1) * setting.ads * setting.limit + 1e-9).all()
    assert (violating < setting.ads).all()


@pytest.mark.sampled
def test_at_the_limit_few_are_revoked_and_beyond_it_nearly_all() -> None:
    runs, setting = part_of(400), AtTheLimit(1000, 0.02, 0.2)
    found = revocation.at_the_limit(setting, runs, rng(), Silent())
    assert found["revoked"]["runs"] == runs
    assert found["revoked"]["share"] <= 0.06
    worse = replace(setting, ads=500)
    errors = np.full(SPELL, 20)  # twice the limit
    audits = audits_of((np.full(SPELL, worse.ads), errors), 1.0)
    assert life(audits, [issued(0.02, Terms(0.02))], Terms(0.02), SPELL + 1)[-1].standing is Standing.REVOKED


@pytest.mark.sampled
def test_a_larger_drift_is_found_sooner_and_days_count_from_the_first_of_it() -> None:
    found = [revocation.delay(DRIFTS[0], times, part_of(80), rng(), Silent()) for times in (2.0, 8.0)]
    assert 1 <= found[1]["median"] < found[0]["median"]
    assert found[1]["revoked"]["share"] > 0.9
    assert json.loads(json.dumps(found)) == found


def test_audited_ads_come_at_the_rate_and_violate_as_often_as_stated_and_alike_within_an_advertiser() -> None:
    drift = Drift(50, 0.02)
    counts = [clustered(lambda came: np.where(came < CHANGE, 0.01, 0.08), drift, SPELL, rng()) for _ in range(1)]
    audited, violating = counts[0]
    assert audited.sum() == pytest.approx(50 * SPELL, rel=0.06)
    assert violating[:CHANGE].sum() / audited[:CHANGE].sum() < 0.04
    assert violating[30:].sum() / audited[30:].sum() == pytest.approx(0.08, abs=0.03)


@pytest.mark.parametrize(
    ("values", "at", "expected"),
    [([3, 1, 2, 4, 5, 6, 7, 8, 9, 10], 0.9, 9.0), ([1.0, np.inf, 2.0], 0.5, 2.0), ([1.0, np.inf, np.inf], 0.5, None)],
)
def test_a_quantile_is_a_value_that_was_seen_or_none_where_it_did_not_happen(
    values: list[float], at: float, expected: float | None
) -> None:
    found, (low, high) = quantile(values, at)
    assert found == expected
    assert low is not None
    assert found is None or low <= found
    assert high is None or found is None or high >= found


def test_a_quantile_s_interval_holds_it_as_often_as_it_says() -> None:
    draws = rng().random((400, 200))
    held = [low <= 0.9 <= high for low, high in (quantile(list(row), 0.9)[1] for row in draws)]  # type: ignore[operator]
    assert np.mean(held) > 0.92


@pytest.mark.sampled
def test_a_whole_life_is_issued_renewed_revoked_and_certified_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lives, "FEWEST", 1)
    found = lives.lives(part_of(160), 0, Silent())
    assert found["issued"]["share"] > 0.9
    assert found["renewed"]["share"] > 0.5
    assert found["revoked_before"]["share"] < 0.15
    assert found["again"]["share"] > 0.5
    assert found["days_to_revoke"]["median"] < 40


@pytest.mark.sampled
def test_everything_can_be_shown_and_stored(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for module in (lives, revocation):
        monkeypatch.setattr(module, "FEWEST", 1)
    figures = revocation.revocation(2, 0, Silent())
    figures["lives"] = lives.lives(2, 0, Silent())
    assert json.loads(json.dumps(figures)) == figures
    assert figures["days_to_revoke_4x_p90"] == next(row["p90"] for row in figures["drifts"] if row["times"] == 4.0)
    assert figures["false_revocation"] == max(row["revoked"]["share"] for row in figures["at_the_limit"])
    show_certificates(figures)
    assert "certified again" in capsys.readouterr().out


def test_borrowed_figures_count_markets_by_what_is_true_of_them() -> None:
    found = borrowed.borrowed(500, 0, Silent())
    assert json.loads(json.dumps(found)) == found
    rows = found["markets"]
    assert len(rows) == len(JUDGED) + len(ALSO)
    assert found["borrowed_certified"] == min(row["borrowed"]["certified"]["share"] for row in rows[:2]) > 0.4
    assert found["borrowed_coverage"] > 0.96
    assert all(row["borrowed"]["covered"]["runs"] == 500 for row in rows)
    assert rows[1]["pool"]["bad_served"]["share"] > 0.5 > found["bad_served"]
    assert rows[0]["own"]["certified"]["share"] == 0.0


def test_without_unlike_markets_few_are_bad_and_with_them_more() -> None:
    few, more = (borrowed._figures(Markets(unlike=unlike), 500, rng())["bad"]["share"] for unlike in (0.0, 0.3))
    assert few < 0.02 < 0.1 < more


def test_evidence_of_the_last_weeks_is_what_a_revocation_rests_on() -> None:
    """As a reader would check one: some stretch from the beginning of a week to the day has strong evidence by itself."""
    errors = np.array([1] * 40 + [5] * 8)
    audits = audits_of((np.full(48, 50), errors), 1.0)
    standings = life(audits, [issued(0.02, Terms(0.02))], Terms(0.02), 49)
    day = next(one.day for one in standings if one.standing is Standing.REVOKED)
    assert max(float(against(errors[start:day].sum(), 50 * (day - start), 0.02)) for start in range(0, day, 7)) >= 20
