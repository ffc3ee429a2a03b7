"""The ridge finds the words and the facts that matter, as another solver would, and says the same of an ad in any company."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from adverdict.features.text.ngrams import NgramText, ngram_counts
from adverdict.models.ridge import FACTS, FILE, WORDS, RidgeModel
from adverdict.training.fit.facts import how_many_kinds
from adverdict.training.fit.ridge.design import Design, Read
from adverdict.training.fit.ridge.kernels import CREATIVE, PAST, SIGNALS, KernelSettings, facts_of
from adverdict.training.fit.ridge.newton import Solution
from adverdict.training.fit.ridge.regression import FactsRead, RidgeSettings, fit_ridge, out_of_fold

COLUMNS = ("caps_share", "creative_duration_s", "impressions")
NUMBERS = COLUMNS[1:]
SETTINGS = RidgeSettings()
Targets = NDArray[np.float64]


def read_of(texts: Sequence[NgramText], shared: NDArray[np.float64] | None = None, words: NDArray[np.float64] | None = None) -> Read:
    shared = np.full((len(texts), 3), np.nan) if shared is None else shared
    return Read(shared, COLUMNS, NUMBERS, {} if words is None else {WORDS: words})


def design_of(texts: Sequence[NgramText], read: Read, fold: NDArray[np.intp], settings: RidgeSettings = SETTINGS) -> Design:
    return Design.of(ngram_counts(texts), read, fold).beside(read, {}, settings.kernels, 0)


def fitted(
    texts: Sequence[NgramText], read: Read, targets: Targets, settings: RidgeSettings = SETTINGS, reads: FactsRead | None = None
) -> RidgeModel:
    design = design_of(texts, read, np.arange(len(targets)) % 3, settings)
    return design.model(fit_ridge(design, np.arange(len(targets)), targets, settings.penalty, reads))


def said(model: RidgeModel, texts: Sequence[NgramText], read: Read) -> Targets:
    return model.logits(model.ngram.logits(texts), read.of(model.scale))


def texts_of(words: Sequence[str]) -> list[NgramText]:
    return [NgramText(word, "", "") for word in words]


def test_it_finds_the_word_and_ignores_unlabelled_ads() -> None:
    texts = texts_of(["win cash now", "fresh bread here"] * 30)
    targets = np.array([[1.0], [0.0]] * 30)
    targets[40:] = np.nan
    model = fitted(texts, read_of(texts), targets)
    assert model.kernels == ()
    scores = said(model, texts, read_of(texts))[:, 0]
    assert scores[0] > 0 > scores[1]
    grams, _ = model.ngram.effects(NgramText("cash bread", "", ""), [0])
    assert grams.values[grams.rows["cash"], 0] > 0 > grams.values[grams.rows["bread"], 0]


def test_an_ad_its_raters_disagree_on_pulls_both_ways() -> None:
    texts = texts_of([word for word in ("alpha", "beta", "gamma") for _ in range(20)])
    model = fitted(texts, read_of(texts), np.repeat([[1.0], [0.5], [0.0]], 20, axis=0))
    three = texts_of(["alpha", "beta", "gamma"])
    high, middle, low = said(model, three, read_of(three))[:, 0]
    assert low < -1 < -0.3 < middle < 0.3 < 1 < high


@pytest.fixture
def made() -> tuple[list[NgramText], Read, Targets]:
    """Ads whose violation hangs on their length, in two steps that no line follows, whatever they say; two policies, rated apart."""
    rng = np.random.default_rng(3)
    n = 400
    texts = texts_of([" ".join(rng.choice(["alpha", "beta", "gamma", "delta"], 3)) for _ in range(n)])
    seconds = rng.uniform(1, 200, n)
    shared = np.column_stack([rng.random(n), seconds, rng.integers(0, 10**6, n)]).astype(np.float64)
    shared[::7, 2] = np.nan
    bad = ((seconds > 20) & (seconds < 60)).astype(np.float64)
    targets = np.column_stack([bad, 1 - bad])
    targets[::3, 1] = np.nan
    words = rng.normal(size=(n, 5))
    return texts, read_of(texts, shared, words / np.linalg.norm(words, axis=1, keepdims=True)), targets


def test_it_follows_a_fact_that_no_line_can(made: tuple[list[NgramText], Read, Targets]) -> None:
    from sklearn.metrics import roc_auc_score

    texts, read, targets = made
    train, rest = np.arange(300), np.arange(300, 400)
    model = fitted(
        [texts[row] for row in train], read.part(train), targets[train], RidgeSettings(0.1, (KernelSettings((FACTS,), 1.0, 0.5, 64),))
    )
    found = said(model, [texts[i] for i in rest], read.part(rest))
    assert roc_auc_score(targets[rest, 0], found[:, 0]) > 0.95
    longest = read.part(np.array([int(np.argmax(targets[:, 0]))]))
    effects = model.fact_effects(longest.of(model.scale))
    assert effects.shape == (2, 2)
    assert abs(effects[0, 0]) > 5 * abs(effects[1, 0])


def test_another_solver_finds_the_same_coefficients(made: tuple[list[NgramText], Read, Targets]) -> None:
    from sklearn.linear_model import LogisticRegression

    texts, read, targets = made
    design = design_of(texts, read, np.zeros(400, dtype=np.intp))
    found = design.log_odds(fit_ridge(design, np.arange(400), targets, SETTINGS.penalty), np.arange(400))
    columns = np.concatenate([design.grams.toarray(), design.near], axis=1).astype(np.float64)
    for policy in range(2):
        known = np.flatnonzero(~np.isnan(targets[:, policy]))
        other = LogisticRegression(C=1 / SETTINGS.penalty, solver="newton-cholesky", tol=1e-8)
        other.fit(columns[known], targets[known, policy])
        np.testing.assert_allclose(found[:, policy], other.decision_function(columns), atol=0.1)


def test_neither_where_it_starts_nor_how_n_grams_are_multiplied_changes_where_it_ends(made: tuple[list[NgramText], Read, Targets]) -> None:
    texts, read, targets = made
    design, rows = design_of(texts, read, np.arange(400) % 3), np.arange(400)
    noise = np.random.default_rng(1).normal(size=targets.shape)
    there = fit_ridge(design, rows, targets, SETTINGS.penalty)
    expected = design.log_odds(there, rows)
    near, lost = Solution(there.solution.multipliers + 0.02 * noise, there.base - 0.5), Solution(noise, there.base)
    for one in (design, replace(design, between=None)):
        for start in (None, near, lost):
            found = one.log_odds(fit_ridge(one, rows, targets, SETTINGS.penalty, start=start), rows)
            np.testing.assert_allclose(found, expected, atol=0.05)


def test_ads_of_all_folds_but_one_are_not_copied_and_others_are_fitted_alike(made: tuple[list[NgramText], Read, Targets]) -> None:
    texts, read, targets = made
    fold = np.random.default_rng(2).integers(0, 3, 400)
    by_fold = replace(design_of(texts, read, fold), between=None)
    scattered = replace(design_of(texts, read, np.zeros(400, dtype=np.intp)), between=None)
    for k in range(-1, 3):
        rows = np.flatnonzero(fold != k)
        pieces = by_fold.pieces(rows)
        assert sorted(np.concatenate([piece.ads for piece in pieces])) == [*range(len(rows))]
        assert all(np.shares_memory(piece.grams.data, by_fold.grams.data) for piece in pieces)
        assert all(np.shares_memory(piece.grams.indices, by_fold.grams.indices) for piece in pieces)
        assert all(np.shares_memory(piece.near, by_fold.near) for piece in pieces)
        found = [one.log_odds(fit_ridge(one, rows, targets[rows], SETTINGS.penalty), np.arange(400)) for one in (by_fold, scattered)]
        np.testing.assert_allclose(*found, atol=0.01)  # where steps end differs by so much


def test_all_ads_are_fitted_beside_the_folds_and_a_part_keeps_what_each_ad_contributes(made: tuple[list[NgramText], Read, Targets]) -> None:
    texts, read, targets = made
    fold = np.arange(400) % 3
    design = design_of(texts, read, fold)
    fits = out_of_fold(design, targets, fold, SETTINGS.penalty, {}, whole=True)
    alone = fit_ridge(design, np.arange(400), targets, SETTINGS.penalty)
    assert fits.whole is not None
    np.testing.assert_array_equal(fits.whole.solution.multipliers, alone.solution.multipliers)
    some = np.array([0, 5, 7, 120, 399])
    part = fits.part(some)
    for k, solution in enumerate(part.solutions):
        whole = np.full(targets.shape, np.nan)
        whole[fold != k] = fits.solutions[k].multipliers
        np.testing.assert_array_equal(solution.multipliers, whole[some[fold[some] != k]])


def test_facts_count_only_under_policies_that_read_them(made: tuple[list[NgramText], Read, Targets]) -> None:
    texts, read, targets = made
    model = fitted(texts, read, np.repeat(targets[:, :1], 2, axis=1), reads={CREATIVE: np.array([True, False])})
    effects = model.fact_effects(read.part(np.array([5])).of(model.scale))
    assert np.abs(effects[:, 0]).max() > 0
    assert (effects[:, 1] == 0).all()


def test_a_kernel_reads_the_facts_of_its_kind_alone() -> None:
    rng = np.random.default_rng(4)
    columns = ("capitals_share", "creative_duration_s", "advertiser_ads_28d", "advertiser_labels_any")
    shared = rng.uniform(1, 100, (300, 4))
    texts = texts_of(["alpha"] * 300)
    read = replace(read_of(texts), shared=shared, columns=columns, numbers=facts_of(columns, ()))
    assert read.numbers == columns[:3]
    violates = (shared[:, :3] > 50).astype(np.float64)  # policy i hangs on fact i, whatever the others say
    only = {SIGNALS: np.array([True, False, False]), CREATIVE: np.array([False, True, False]), PAST: np.array([False, False, True])}
    model = fitted(texts, read, violates, RidgeSettings(), only)
    effects = model.fact_effects(read.part(np.array([5])).of(model.scale))
    assert (np.abs(effects) > 0).tolist() == np.eye(3, dtype=bool).tolist()
    assert len(model.kernels) == 3
    assert len(fitted(texts, read, violates, RidgeSettings(), {**only, PAST: np.zeros(3, dtype=np.bool_)}).kernels) == 2


def test_an_ad_alone_is_scored_as_among_others_and_after_being_kept(made: tuple[list[NgramText], Read, Targets], tmp_path: Path) -> None:
    texts, read, targets = made
    facts, *others = SETTINGS.kernels
    model = fitted(texts, read, targets, RidgeSettings(0.2, (replace(facts, centres=300), *others)))
    together = said(model, texts, read)
    for i in (0, 7, 399):
        assert (said(model, [texts[i]], read.part(np.array([i]))) == together[[i]]).all()
    model.save(tmp_path)
    assert (said(RidgeModel.load(tmp_path, 2, {WORDS: 5}), texts, read) == together).all()
    with pytest.raises(ValueError, match=r"expected \(3, "):
        RidgeModel.load(tmp_path, 3, {WORDS: 5})


def test_tensors_that_do_not_fit_each_other_are_refused(made: tuple[list[NgramText], Read, Targets], tmp_path: Path) -> None:
    from safetensors import safe_open
    from safetensors.numpy import load_file, save_file

    texts, read, targets = made
    fitted(texts, read, targets).save(tmp_path)
    with pytest.raises(ValueError, match="words"):
        RidgeModel.load(tmp_path, 2, {})
    with pytest.raises(ValueError, match="words"):
        RidgeModel.load(tmp_path, 2, {WORDS: 6})
    tensors = load_file(tmp_path / FILE)
    with safe_open(tmp_path / FILE, framework="numpy") as file:
        told = file.metadata()
    for name, broken in (("deviation", tensors["deviation"] * 0), ("0.centres", tensors["0.centres"][:, :1].copy())):
        save_file({**tensors, name: broken}, tmp_path / FILE, told)
        with pytest.raises(ValueError, match=FILE):
            RidgeModel.load(tmp_path, 2, {WORDS: 5})


@pytest.mark.parametrize(
    ("creative", "past", "kept"),
    [
        pytest.param(0.0, 0.0, 1, id="facts of the creative stay where they change nothing, those of the past do not"),
        pytest.param(-0.5, 0.0, 0, id="what does harm is left out"),
        pytest.param(0.0, 0.5, 2, id="what helps most advertisers joins"),
        pytest.param(-0.5, 0.5, 2, id="and brings with it what was fitted beside it"),
    ],
)
def test_a_kind_of_facts_joins_where_unseen_advertisers_gain(creative: float, past: float, kept: int) -> None:
    rng = np.random.default_rng(6)
    violates = rng.integers(0, 2, 400).astype(np.float64)
    violates[::9] = np.nan
    right = np.where(violates == 1, 1.0, -1.0)
    said = np.column_stack([right, right * (1 + creative), right * (1 + past)]) + 1e-3 * rng.normal(size=(400, 3))
    said[:, 1] = said[:, 0] if creative == 0 else said[:, 1]
    said[:, 2] = said[:, 1] if past == 0 else said[:, 2]
    assert how_many_kinds(said, violates, np.arange(400) // 4, (CREATIVE, PAST)) == kept
