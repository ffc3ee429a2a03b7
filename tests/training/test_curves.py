"""The report's curves agree with the libraries and papers they follow."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import precision_recall_curve

from adverdict.training.evaluation.curves import decision_curve, precision_recall, reliability
from adverdict.training.evaluation.metrics import PolicyScores
from tests.training.scores import scored


def test_precision_and_recall_are_scikit_learns() -> None:
    rated = scored().labelled("blend", "deceptive")
    rated = PolicyScores(rated.y, np.round(rated.p, 1), rated.clusters, rated.markets)
    precision, recall, threshold = precision_recall_curve(rated.y, rated.p)
    found = precision_recall(rated)
    assert found is not None
    np.testing.assert_allclose(found.threshold[::-1], threshold)
    np.testing.assert_allclose(found.precision[::-1], precision[:-1])
    np.testing.assert_allclose(found.recall[::-1], recall[:-1])


@pytest.mark.parametrize("near", [(), (0.05,), (0.02, 0.9), (0.05, 0.08), (0.0, 1.0)])
def test_reliability_bins_hold_every_ad_once_and_end_at_the_thresholds(near: tuple[float, ...]) -> None:
    rated = scored().labelled("blend", "deceptive")
    bins = reliability(rated, near)
    assert sum(part.n for part in bins) == rated.y.size
    assert sum(part.positives for part in bins) == rated.y.sum()
    assert all(part.low <= part.risk <= part.high and part.rate_low <= part.rate <= part.rate_high for part in bins)
    ends = [end for part in bins for end in (part.low, part.high)]
    assert all(min(abs(end - threshold) for end in ends) < 1e-9 for threshold in near if 0 < threshold < 1)


def test_net_benefit_weighs_wrongful_rejections_by_the_odds_of_the_threshold() -> None:
    y = np.array([True, True, False, False, False])
    rated = PolicyScores(y, np.array([0.9, 0.3, 0.6, 0.1, 0.1]), np.arange(5), np.array(["SE"] * 5, dtype=object))
    found = decision_curve(rated, [0.0, 0.2, 0.5])
    assert found is not None
    assert found.model.tolist() == pytest.approx([2 / 5, 2 / 5 - 1 / 5 * 0.25, 1 / 5 - 1 / 5])
    assert found.reject_all.tolist() == pytest.approx([2 / 5, 2 / 5 - 3 / 5 * 0.25, 2 / 5 - 3 / 5])


def test_without_labels_there_is_nothing_to_draw() -> None:
    nothing = PolicyScores(np.zeros(0, dtype=bool), np.zeros(0), np.zeros(0, dtype=np.intp), np.zeros(0, dtype=object))
    assert precision_recall(nothing) is None
    assert reliability(nothing) == []
    assert decision_curve(nothing, [0.5]) is None
