"""Calibrated risk: a probability that means what it says, in an order nothing can upset."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adverdict.models.calibration import FLOOR, Z90, Calibration, MarketShift, PolicyCalibration, logit, sigmoid
from adverdict.training.fit.calibration import fit_calibration


def _curve(n: int = 4000, slope: float = 0.5, offset: float = -1.0, shifts: tuple[float, ...] = (0.0, 0.0, 0.0)) -> PolicyCalibration:
    """A curve fitted to scores whose log-odds are ``slope * score + offset + the market's shift``."""
    rng = np.random.default_rng(3)
    score = rng.normal(0, 2.5, n)
    market = rng.integers(len(shifts), size=n)
    truth = sigmoid(slope * score + offset + np.array(shifts)[market])
    target = (rng.random(n) < truth).astype(float)
    groups = np.array([f"adv-{i}" for i in rng.integers(n // 4, size=n)])
    return fit_calibration(score, target, np.ones(n), groups, np.array([f"M{m}" for m in market]), seed=0)


def test_a_score_that_is_too_sure_is_brought_back() -> None:
    curve = _curve()
    x = np.array([-4.0, 0.0, 4.0])
    p = curve.apply(x, ["XX"] * 3)
    truth = sigmoid(0.5 * x - 1.0)
    np.testing.assert_allclose(p[:, 0], truth, atol=0.04)
    assert ((p[:, 1] <= truth) & (truth <= p[:, 2])).all()


def test_a_market_with_another_base_rate_is_shifted_towards_it_and_no_further() -> None:
    curve = _curve(shifts=(-1.0, 0.0, 1.0))
    centre = np.mean([-1.0, 0.0, 1.0])
    for market, shift in zip(("M0", "M1", "M2"), (-1.0, 0.0, 1.0), strict=True):
        assert abs(curve.markets[market].shift) <= abs(shift - centre) + 0.2
    assert curve.markets["M0"].shift < -0.5
    assert curve.markets["M2"].shift > 0.5


def test_a_market_never_seen_has_a_wider_interval() -> None:
    curve = _curve(shifts=(-1.0, 0.0, 1.0))
    known, unknown = curve.apply(np.zeros(2), ["M1", "ZZ"])
    assert unknown[2] - unknown[1] > known[2] - known[1]


def test_markets_that_do_not_differ_are_not_told_apart() -> None:
    shifts = [market.shift for market in _curve().markets.values()]
    assert max(map(abs, shifts)) < 0.15


@given(st.lists(st.floats(-50, 50), min_size=2, max_size=30))
def test_a_higher_score_is_never_a_lower_risk(scores: list[float]) -> None:
    x = np.sort(np.array(scores))
    p = CURVE.apply(x, ["M0"] * len(x))
    assert (np.diff(p[:, 0]) >= 0).all()
    assert (p[:, 1] <= p[:, 0]).all()
    assert (p[:, 0] <= p[:, 2]).all()
    assert ((p >= FLOOR) & (p <= 1 - FLOOR)).all()


CURVE = _curve(shifts=(-0.5, 0.0, 0.5))


def test_a_curve_survives_being_stored() -> None:
    stored = PolicyCalibration.from_json(json.loads(json.dumps(CURVE.to_json())))
    x = np.linspace(-20, 20, 101)
    np.testing.assert_array_equal(stored.apply(x, ["M0"] * 101), CURVE.apply(x, ["M0"] * 101))


@pytest.mark.parametrize(
    "change",
    [
        {"score": [0.0, 0.0]},
        {"centre": [1.0, 0.0]},
        {"low": [0.0]},
        {"high": [float("nan"), 1.0]},
    ],
)
def test_a_stored_curve_that_makes_no_sense_is_refused(change: dict[str, list[float]]) -> None:
    good = {"score": [0.0, 1.0], "centre": [0.0, 1.0], "low": [0.0, 1.0], "high": [0.0, 1.0], "markets": {}, "between_markets": 0.0}
    with pytest.raises(ValueError, match="calibration"):
        PolicyCalibration.from_json({**good, **change})


def test_few_labels_leave_the_blend_nearly_alone() -> None:
    score = np.linspace(-3, 3, 12)
    target = (score > 0).astype(float)
    curve = fit_calibration(score, target, np.ones(12), np.array([f"a{i}" for i in range(12)]), np.array(["M0"] * 12), seed=0)
    p = curve.apply(np.array([-2.0, 2.0]), ["M0"] * 2)
    assert 0.02 < p[0, 0] < 0.35
    assert 0.65 < p[1, 0] < 0.98


def test_log_odds_and_probabilities_are_inverse() -> None:
    x = np.linspace(-10, 10, 41)
    np.testing.assert_allclose(logit(sigmoid(x)), x, atol=1e-8)


def test_a_shift_is_plain_data() -> None:
    assert MarketShift(0.5, 0.1) == MarketShift(*json.loads("[0.5, 0.1]"))


def _one_curve_at_a_time(curve: PolicyCalibration, score: np.ndarray, markets: Sequence[str]) -> np.ndarray:
    """What reading a curve means, by ``np.interp``."""
    unseen = MarketShift(0.0, curve.between_markets)
    shift = np.array([curve.markets.get(market, unseen).shift for market in markets])
    spread = Z90 * np.array([curve.markets.get(market, unseen).standard_error for market in markets])
    knots, lines = curve.score, []
    for values in (curve.centre, curve.low, curve.high):
        left, right = ((values[i + 1] - values[i]) / (knots[i + 1] - knots[i]) for i in (0, len(knots) - 2))
        inside = np.interp(score, knots, values)
        lines.append(inside + np.minimum(score - knots[0], 0) * left + np.maximum(score - knots[-1], 0) * right)
    centre, low, high = lines
    ends = np.column_stack([centre, centre - np.hypot(centre - low, spread), centre + np.hypot(high - centre, spread)])
    return np.clip(sigmoid(ends + shift[:, None]), FLOOR, 1 - FLOOR)


def test_curves_read_together_say_what_each_says_alone_in_every_digit() -> None:
    curves = (_curve(shifts=(0.0, 1.0)), _curve(slope=1.5, shifts=(0.5, -1.0, 0.0)))
    short = PolicyCalibration(np.array([-1.0, 2.0]), np.array([-2.0, 1.0]), np.array([-3.0, 0.0]), np.array([-1.0, 2.0]), {}, 0.3)
    rng = np.random.default_rng(5)
    edges = np.array([curves[0].score[0], curves[0].score[-1], curves[0].score[7], -1.0, 2.0, -1e6, 1e6, 0.0, np.nan])
    scores = np.concatenate([rng.normal(0, 6, (500, 3)), np.repeat(edges[:, None], 3, axis=1)])
    markets = [f"M{row % 4}" for row in range(len(scores))]
    together = Calibration((*curves, short)).apply(scores, markets)
    for column, curve in enumerate((*curves, short)):
        np.testing.assert_array_equal(together[:, column], _one_curve_at_a_time(curve, scores[:, column], markets))
        np.testing.assert_array_equal(together[3:4, column], curve.apply(scores[3:4, column], markets[3:4]))
