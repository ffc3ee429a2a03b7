"""Each model learns what it should from data where the answer is known."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from adverdict.features.text.ngrams import NgramText, ngram_counts
from adverdict.models.calibration import sigmoid
from adverdict.training.fit.blend import fit_blend
from adverdict.training.fit.gbm import GbmSettings, fit_gbm
from adverdict.training.fit.kernel import fit_kernel, with_log_odds
from adverdict.training.fit.ngram import fit_ngram
from adverdict.training.fit.penalised import fit_logistic

RNG = np.random.default_rng(5)


def test_the_ngram_model_finds_the_word_and_ignores_unlabelled_ads() -> None:
    texts = [NgramText("win cash now" if i % 2 else "fresh bread here", "", "") for i in range(60)]
    targets = np.array([[float(i % 2)] for i in range(60)])
    targets[40:] = np.nan
    model = fit_ngram(ngram_counts(texts), targets)
    scores = model.logits(texts)[:, 0]
    assert scores[1] > 0 > scores[0]
    grams, _ = model.effects(NgramText("cash bread", "", ""), [0])
    assert grams.values[grams.rows["cash"], 0] > 0 > grams.values[grams.rows["bread"], 0]


def test_an_ad_its_raters_disagree_on_pulls_both_ways() -> None:
    texts = [NgramText(word, "", "") for word in ("alpha", "beta", "gamma") for _ in range(20)]
    targets = np.array([[1.0]] * 20 + [[0.5]] * 20 + [[0.0]] * 20)
    low, middle, high = sorted(
        fit_ngram(ngram_counts(texts), targets).logits([NgramText(w, "", "") for w in ("alpha", "beta", "gamma")])[:, 0]
    )
    assert low < -1 < middle < 1 < high


def test_boosters_use_categories_and_leave_out_unlabelled_rows() -> None:
    n = 600
    x = np.column_stack([RNG.normal(size=n), RNG.integers(0, 3, n)])
    y = (x[:, 1] == 2).astype(float)[:, None]
    y[::3] = np.nan
    model = fit_gbm(
        [x], y, np.ones(n), ["noise", "kind"], {"kind": ("a", "b", "c")}, GbmSettings(num_boost_round=30, learning_rate=0.2), seed=0
    )
    scores = model.logits([x])[:, 0]
    assert average_precision_score(x[:, 1] == 2, scores) == pytest.approx(1.0)


@pytest.mark.parametrize(("n", "landmarks"), [(300, 8000), (900, 300)])
def test_the_kernel_bends_where_a_line_cannot(n: int, landmarks: int) -> None:
    embedding = RNG.normal(size=(n + 150, 6)).astype(np.float32)
    target = (embedding[:, 0] * embedding[:, 1] > 0).astype(float)[:, None]  # exclusive or
    model = fit_kernel(embedding[:n], target[:n], seed=0, most_landmarks=landmarks)
    assert len(model.landmarks) == min(n, landmarks)
    unseen, truth = embedding[n:], target[n:]
    regression = model.regression(unseen)
    assert average_precision_score(truth[:, 0], regression[:, 0]) > 0.8
    p = sigmoid(with_log_odds(model, regression, truth).logits(unseen))[:, 0]
    assert abs(p.mean() - truth.mean()) < 0.05


def test_a_worthless_component_is_weighed_down_and_none_is_turned_around() -> None:
    y = (RNG.random(2000) < 0.3).astype(float)
    good = (y * 2 - 1) * 1.5 + RNG.normal(size=2000)
    parts = {"good": good[:, None], "noise": RNG.normal(size=(2000, 1)), "opposite": -good[:, None]}
    blend = fit_blend(parts, y[:, None], np.ones(2000))
    weights = dict(zip(blend.components, blend.weights[0], strict=True))
    assert (blend.weights >= 0).all()
    assert weights["good"] > 5 * max(weights["noise"], weights["opposite"])


def test_few_labels_leave_the_weights_equal_on_each_components_own_scale() -> None:
    score = np.linspace(-2, 2, 20)
    y = (score + np.tile([1.5, -1.5], 10) > 0).astype(float)
    blend = fit_blend({"a": score[:, None], "b": 4 * score[:, None]}, y[:, None], np.ones(20))
    assert blend.weights[0, 0] == pytest.approx(4 * blend.weights[0, 1], rel=0.35)


def test_penalised_regression_survives_separable_data() -> None:
    x = np.column_stack([np.linspace(-1, 1, 50), np.ones(50)])
    theta = fit_logistic(x, (x[:, 0] > 0).astype(float), np.ones(50), np.zeros(2), np.array([1e-3, 1e-3]), np.array([True, False]))
    assert np.isfinite(theta).all()
    assert theta[0] > 10


def test_penalised_regression_agrees_with_scikit_learn() -> None:
    from sklearn.linear_model import LogisticRegression

    x = RNG.normal(size=(500, 2))
    y = (RNG.random(500) < sigmoid(x @ np.array([1.0, -0.5]) + 0.3)).astype(float)
    ours = fit_logistic(
        np.column_stack([x, np.ones(500)]), y, np.ones(500), np.zeros(3), np.array([0.5, 0.5, 1e-9]), np.zeros(3, dtype=bool)
    )
    theirs = LogisticRegression(C=2.0, tol=1e-10, max_iter=1000).fit(x, y)
    np.testing.assert_allclose(ours, [*theirs.coef_[0], theirs.intercept_[0]], atol=1e-5)
