"""Alarms of leakage and of calibration: what rings, since when, and how often by chance."""

from __future__ import annotations

import numpy as np
import pytest

from adverdict.models.calibration import logit, sigmoid
from adverdict.monitoring import calibration, leakage
from adverdict.monitoring.calibration import LEAST, MOST, Tolerated, tolerated
from adverdict.monitoring.leakage import REPEAT_DAYS, SettledAudits

LIMIT = 0.02


def stream(rates: np.ndarray, a_day: int, rng: np.random.Generator) -> SettledAudits:
    day = np.repeat(np.arange(len(rates)), a_day)
    return SettledAudits(day, np.arange(len(day)), rng.random(len(day)) < rates[day])


def test_only_an_advertisers_first_audit_counts_until_four_weeks_have_gone() -> None:
    audits = SettledAudits(np.array([0, 0, 5, 27, 28, 30]), np.array([1, 2, 1, 1, 1, 2]), np.array([0, 0, 1, 1, 1, 1], dtype=np.bool_))
    assert REPEAT_DAYS == 28
    kept = audits.firsts()
    assert kept.day.tolist() == [0, 0, 28, 30]
    assert kept.error.tolist() == [False, False, True, True]


def test_leakage_rings_as_often_by_chance_as_it_may_and_seldom_below_its_limit() -> None:
    rng = np.random.default_rng(1)
    audited = np.full(364, 6)
    level = leakage.level_of(audited, LIMIT, 0.5, rng)

    def rung(rate: float) -> float:
        rates = np.full(364, rate)
        return float(np.mean([leakage.evidence(stream(rates, 6, rng), LIMIT, 364).max() >= level for _ in range(150)]))

    assert 0.25 < rung(LIMIT) < 0.55  # 1 - e^-.5 = .39 may, in a year
    assert rung(LIMIT / 2) < 0.06


def test_a_change_rings_within_weeks_and_is_dated() -> None:
    rng = np.random.default_rng(2)
    audits = stream(np.where(np.arange(120) < 70, LIMIT / 2, 4 * LIMIT), 6, rng)
    found = leakage.evidence(audits, LIMIT, 120)
    assert found[:70].max() < 30 < found[70:95].max()
    change = leakage.likely_change(audits, LIMIT, 120)
    assert 63 <= change.since <= 77
    assert change.interval[0] < change.share < change.interval[1]
    assert change.share == pytest.approx(change.errors / change.audited)


def test_risks_may_be_off_by_as_much_as_changes_few_decisions() -> None:
    risk = sigmoid(np.random.default_rng(3).normal(-5.5, 1.5, 10_000))
    within = tolerated(risk, 0.05, 0.8, changed=0.01)
    assert LEAST < within.log_odds < MOST
    moved = sigmoid(logit(risk) + within.log_odds)
    crossed = ((risk < 0.05) & (moved >= 0.05)) | ((risk < 0.8) & (moved >= 0.8))
    assert crossed.mean() == pytest.approx(0.01, abs=0.002)
    assert tolerated(risk, 0.0, 1.0) == Tolerated(MOST, 0.5)
    assert tolerated(risk, 0.05, 1.0).log_odds >= within.log_odds


@pytest.mark.parametrize("shift", [0.7, -0.9])
def test_risks_that_are_off_ring_and_those_that_are_off_by_what_is_tolerated_hardly_ever(shift: float) -> None:
    rng = np.random.default_rng(4)
    within, weeks = Tolerated(0.15, 0.05), 12
    week = np.repeat(np.arange(weeks), 100)
    risk = rng.uniform(0.05, 0.5, len(week))
    level = calibration.level_of(risk, week, within, weeks, 0.4, rng)

    def rings(off: float) -> bool:
        violates = rng.random(len(risk)) < sigmoid(logit(risk) + off)
        return bool(calibration.evidence(risk, violates, week, within, weeks).max() >= level)

    assert np.mean([rings(shift) for _ in range(20)]) > 0.9
    assert np.mean([rings(np.sign(shift) * 0.1) for _ in range(40)]) < 0.25
