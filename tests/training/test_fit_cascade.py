"""How far the whole model strays from the early exit is learned from ads that neither was fitted to."""

from __future__ import annotations

import numpy as np
import pytest

from adverdict.models.calibration import logit, sigmoid
from adverdict.models.cascade import Spread
from adverdict.training.fit.cascade import ADS_A_KNOT, LEAST_SPREAD, MOST_KNOTS, cheap, fit_spread


def drawn(ads: int, down: float, up: float, seed: int = 0) -> Spread:
    """From ads whose whole log-odds are three halves of the early ones, and stray half-normally by ``down`` and ``up``."""
    rng = np.random.default_rng(seed)
    early, stray = rng.uniform(-5, 5, ads), rng.normal(size=ads)
    return fit_spread(sigmoid(early), sigmoid(1.5 * early + stray * np.where(stray < 0, down, up)))


def test_it_finds_the_centre_and_the_width_of_each_side() -> None:
    found = drawn(40_000, down=0.2, up=0.8)
    assert len(found.score) == MOST_KNOTS
    np.testing.assert_allclose(found.centre[1:-1], 1.5 * found.score[1:-1], atol=0.15)
    assert np.median(found.up) > 1.5 * np.median(found.down)
    assert np.median(drawn(40_000, down=0.8, up=0.8).up) == pytest.approx(0.8, rel=0.15)


def test_most_of_what_is_to_come_is_foreseen() -> None:
    found = drawn(20_000, down=0.5, up=0.5)
    rng = np.random.default_rng(9)
    early = rng.uniform(-5, 5, 20_000)
    whole = 1.5 * early + 0.5 * rng.normal(size=20_000)
    for cut in (-2.0, 0.0, 2.0):
        assert found.below(early, np.full(20_000, cut)).mean() == pytest.approx((whole < cut).mean(), abs=0.02)


@pytest.mark.parametrize(
    ("ads", "knots"), [(1, 1), (ADS_A_KNOT, 1), (2 * ADS_A_KNOT - 1, 1), (2 * ADS_A_KNOT, 2), (100 * ADS_A_KNOT, MOST_KNOTS)]
)
def test_few_ads_make_few_knots(ads: int, knots: int) -> None:
    assert len(drawn(ads, 0.5, 0.5).score) == knots


def test_models_that_agree_are_still_doubted_a_little() -> None:
    risk = np.linspace(0.001, 0.999, 2_000)
    found = fit_spread(risk, risk)
    assert min(found.down.min(), found.up.min()) >= LEAST_SPREAD


def test_one_early_risk_shared_by_many_ads_makes_one_knot_of_all_of_them() -> None:
    """A calibration curve has level stretches. The ads on one come in no order, so a part of them says nothing of the others."""
    early = np.repeat([0.1, 0.5], [2_000, 200])
    whole = np.concatenate([np.repeat([0.02, 0.2], 1_000), np.full(200, 0.5)])
    found = fit_spread(early, whole)
    np.testing.assert_allclose(found.score, logit(np.array([0.1, 0.5])))
    assert found.down[0] + found.up[0] > 1
    assert Spread.from_json(found.to_json()).to_json() == found.to_json()


def test_risks_of_0_and_1_stay_finite() -> None:
    found = fit_spread(np.array([0.0, 1.0] * 300), np.array([1.0, 0.0] * 300))
    assert Spread.from_json(found.to_json()).score.size == len(found.score)


def test_cheap_is_what_is_computed_before_the_encoder() -> None:
    assert cheap(["ridge", "gbm", "transformer", "encoder"]) == ["ridge", "gbm"]
    assert cheap(["ridge", "encoder"]) == ["ridge"]
