"""Slope, intercept and level say what was done to the risks, and how sure that is."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from adverdict.models.calibration import logit
from adverdict.training.evaluation.recalibration import recalibration
from tests.training.scores import scored


@pytest.mark.parametrize(
    ("slope", "shift"),
    [
        pytest.param(1.0, 0.0, id="right"),
        pytest.param(0.5, 0.0, id="too extreme"),
        pytest.param(2.0, 0.0, id="too timid"),
        pytest.param(1.0, -1.0, id="too high"),
    ],
)
def test_the_intervals_hold_what_was_done_to_the_risks(slope: float, shift: float) -> None:
    rated = scored(n=4000, slope=slope, shift=shift).labelled("blend", "deceptive")
    found = recalibration(rated.y, rated.p, rated.clusters)
    assert found["slope_interval"][0] < slope < found["slope_interval"][1]
    assert found["intercept_interval"][0] < shift < found["intercept_interval"][1]
    if slope == 1:
        assert found["in_the_large_interval"][0] < shift < found["in_the_large_interval"][1]


def test_it_is_the_maximum_likelihood_fit_scikit_learn_finds() -> None:
    rated = scored(n=800, slope=0.7, shift=0.4).labelled("blend", "deceptive")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # how scikit-learn wants "no penalty" spelled changes between its versions
        reference = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000).fit(logit(rated.p)[:, None], rated.y)
    found = recalibration(rated.y, rated.p, rated.clusters)
    assert found["slope"] == pytest.approx(reference.coef_[0, 0], rel=1e-4)
    assert found["intercept"] == pytest.approx(reference.intercept_[0], rel=1e-4)


def test_ads_that_repeat_within_an_advertiser_widen_the_interval() -> None:
    rated = scored(n=500).labelled("blend", "deceptive")
    alone = recalibration(rated.y, rated.p, np.arange(rated.y.size))
    again = np.tile(np.arange(rated.y.size), 4)
    repeated = recalibration(rated.y[again], rated.p[again], again)
    taken_as_new = recalibration(rated.y[again], rated.p[again], np.arange(again.size))
    assert width(repeated) == pytest.approx(width(alone), rel=0.15)
    assert width(taken_as_new) < 0.7 * width(alone)


@pytest.mark.parametrize(
    ("y", "p", "undefined", "defined"),
    [
        pytest.param([0, 0, 0], [0.1, 0.2, 0.3], ["slope", "intercept", "in_the_large"], [], id="no positive"),
        pytest.param([1, 1], [0.1, 0.2], ["slope", "intercept", "in_the_large"], [], id="no negative"),
        pytest.param([0, 0, 1, 1], [0.1, 0.2, 0.8, 0.9], ["slope", "intercept"], ["in_the_large"], id="separated"),
        pytest.param([0, 1, 0, 1], [0.3] * 4, ["slope", "intercept"], ["in_the_large"], id="one risk for all"),
        pytest.param([0, 1, 0, 1], [0.0, 1.0, 1.0, 0.0], [], ["slope", "intercept", "in_the_large"], id="certain and half wrong"),
    ],
)
def test_what_cannot_be_estimated_is_none(y: list[int], p: list[float], undefined: list[str], defined: list[str]) -> None:
    found = recalibration(np.array(y, dtype=bool), np.array(p), np.arange(len(y)))
    for name in undefined:
        assert found[name] is None
        assert found[f"{name}_interval"] is None
    for name in defined:
        assert np.isfinite([found[name], *found[f"{name}_interval"]]).all()


def width(found: dict[str, list[float]]) -> float:
    low, high = found["slope_interval"]
    return high - low
