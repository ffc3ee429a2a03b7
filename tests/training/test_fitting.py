"""Each model learns what it should from data where the answer is known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import sparse
from sklearn.metrics import average_precision_score

from adverdict.domain.progress import SILENT
from adverdict.features.text.ngrams import N_COLUMNS
from adverdict.models.calibration import sigmoid
from adverdict.models.encoder.transformer import STATES
from adverdict.storage.tables.pack import read_pack
from adverdict.training.dataset import dataset
from adverdict.training.fit import facts
from adverdict.training.fit import prepared as prepared_by
from adverdict.training.fit.gbm import GbmSettings, fit_gbm
from adverdict.training.fit.penalised import fit_logistic
from adverdict.training.fit.prepared import FitSettings, prepare
from adverdict.training.fit.ridge.design import Design, Read, Tried
from adverdict.training.fit.ridge.newton import nothing
from adverdict.training.fit.ridge.regression import FoldFits, RidgeSettings, out_of_fold
from adverdict.training.fit.splits import some_advertisers
from adverdict.training.fit.transformer import Offered, fit_transformer

RNG = np.random.default_rng(5)


def test_boosters_use_categories_and_leave_out_unlabelled_rows() -> None:
    n = 600
    x = np.column_stack([RNG.normal(size=n), RNG.integers(0, 3, n)])
    y = (x[:, 1] == 2).astype(float)[:, None]
    y[::3] = np.nan
    settings = GbmSettings(num_boost_round=30, learning_rate=0.2)
    model = fit_gbm([x].__getitem__, y, np.ones(n), ["noise", "kind"], {"kind": ("a", "b", "c")}, settings, seed=0)
    scores = model.logits([x])[:, 0]
    assert average_precision_score(x[:, 1] == 2, scores) == pytest.approx(1.0)


@pytest.mark.parametrize("most", [10_000, 300])
def test_a_text_is_read_where_it_says_most_and_bends_where_no_line_can(most: int) -> None:
    """Also where only some of the advertisers are asked how deep."""
    n = 600
    states = RNG.normal(size=(n, 3, 6)).astype(np.float32)
    target = (states[:, 1, 0] * states[:, 1, 1] > 0).astype(float)[:, None]  # exclusive or, after the second of three depths
    fold, unread = np.arange(n) % 3, Read(np.empty((n, 0)), (), (), {})
    some = np.arange(min(most, n))
    offered = Offered(
        states=lambda rows, depths: states[np.ix_(rows, [(2, 4, 5).index(depth) for depth in depths])],
        depths=(2, 4, 5),
        read=unread,
        design=Design.of(sparse.csr_matrix((n, N_COLUMNS)), unread, fold),
        settings=RidgeSettings(),
        facts={},
        ridge=FoldFits(np.zeros((n, 1)), [nothing(np.zeros((n * 2 // 3, 1)))] * 3, fold),
        targets=target,
        fold=fold,
        tried=Tried.of(sparse.csr_matrix((len(some), N_COLUMNS)), unread.part(some), fold[some], some) if most < n else None,
    )
    fitted = fit_transformer(offered, 6, 0, SILENT)
    assert fitted.depth == 4
    assert average_precision_score(target[:, 0], fitted.added[:, 0]) > 0.8

    def said(rows: slice) -> NDArray[np.float64]:
        directions, ridge = fitted.model.directions, fitted.model.ridge
        some = states[rows, 1]
        return ridge.logits(np.tile(ridge.ngram.bias, (len(some), 1)), {STATES: directions.of(some)})

    known = said(slice(None))
    assert average_precision_score(target[:, 0], known[:, 0]) > 0.95
    alone = np.concatenate([said(slice(row, row + 1)) for row in range(20)])
    np.testing.assert_array_equal(alone, known[:20])


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


def test_of_many_ads_only_some_choose_the_facts_and_all_are_fitted(marketplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pack = read_pack(marketplace)
    kept = {ad.ad_id for ad in pack.ads[:500]}
    some = replace(pack, ads=pack.ads[:500], labels=[label for label in pack.labels if label.ad_id in kept])
    data = dataset([some], ("deceptive",))
    monkeypatch.setattr(prepared_by, "MOST_TRIED", 120)
    prepared = prepare(data, FitSettings(encoder=None, n_folds=2), SILENT)
    found = facts.ridge_out_of_fold(data, prepared, RidgeSettings(), 0, lambda: None)
    expected = out_of_fold(found.design, data.targets, prepared.fold, RidgeSettings().penalty, found.reads, whole=True)
    assert len(found.design.near) == len(data.ads) > 120
    assert found.said.whole is not None
    np.testing.assert_array_equal(found.said.log_odds, expected.log_odds)
    tried = prepared.tried
    assert tried is not None
    assert tried.rows.tolist() == some_advertisers(data.groups, 120, 0).tolist()
    alone = replace(prepared, read=tried.read, design=tried.design, tried=None, fold=prepared.fold[tried.rows])
    few = facts.ridge_out_of_fold(data.part(tried.rows), alone, RidgeSettings(), 0, lambda: None)
    assert {kind: under.tolist() for kind, under in found.reads.items()} == {kind: under.tolist() for kind, under in few.reads.items()}
