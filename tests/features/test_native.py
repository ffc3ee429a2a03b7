"""The native core gives what Python gives, to the last digit; and where it cannot, Python does it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from adverdict.decisions.policy import PolicyBook
from adverdict.domain.ad import Ad
from adverdict.features.native import core, pure_python
from adverdict.features.text.language import READ, language_of
from adverdict.features.text.ngrams import N_COLUMNS, NgramText, character_columns
from adverdict.features.text.normalise import normalise
from adverdict.models.gbm import GbmModel
from adverdict.models.ngram import COUNTED, NgramModel
from adverdict.scoring.opened import open_bundle
from adverdict.scoring.scorer import Scorer
from adverdict.storage.tables.pack import read_ads

pytestmark = pytest.mark.skipif(core() is None, reason="the native core is not installed: make native")

POLICIES = 3
texts = st.text(max_size=120).map(lambda raw: normalise(raw).text)
ALPHABETS = ("abc aé_1'", "日本 語ab", "ا ب\u200cج ", "नमस् ते", "!?.,:- \n", "АВ вг0")
alike = st.sampled_from(ALPHABETS).flatmap(lambda letters: st.text(letters, max_size=200)).map(lambda raw: normalise(raw).text)
ngram_texts = st.builds(NgramText, texts | alike, texts | alike, texts)


@pytest.fixture(scope="module")
def ngrams() -> NgramModel:
    rng = np.random.default_rng(5)
    weights = rng.normal(size=(POLICIES, N_COLUMNS)).astype(np.float32)
    return NgramModel(rng.uniform(0, 9, N_COLUMNS).astype(np.float32), weights, rng.normal(size=POLICIES))


def of_both(work: Callable[[], object]) -> tuple[object, object]:
    with pure_python():
        by_python = work()
    return work(), by_python


@given(some=st.lists(ngram_texts, min_size=1, max_size=3))
def test_any_texts_n_grams_say_the_same(ngrams: NgramModel, some: list[NgramText]) -> None:
    natively, by_python = of_both(lambda: ngrams.logits(some).tolist())
    assert natively == by_python


def test_a_word_said_too_often_to_be_counted_natively_says_the_same(ngrams: NgramModel) -> None:
    facts = NgramText("a", "b", "keyword=x " * (COUNTED + 1))
    natively, by_python = of_both(lambda: ngrams.logits([facts]).tolist())
    assert natively == by_python


def test_what_utf_8_cannot_say_is_refused_by_both(ngrams: NgramModel) -> None:
    lone = NgramText("a\ud800", "", "")
    with pytest.raises(UnicodeEncodeError):
        ngrams.logits([lone])
    with pure_python(), pytest.raises(UnicodeEncodeError):
        ngrams.logits([lone])


@given(words=st.lists((texts | alike).map(lambda text: "".join(text.split())), max_size=6))
def test_any_words_have_the_same_character_columns(words: list[str]) -> None:
    natively, by_python = of_both(lambda: character_columns([word for word in words if word], 2**22 - 1).tolist())
    assert natively == by_python


@given(text=st.text(min_size=12, max_size=READ) | alike)
def test_any_text_reads_as_the_same_language(text: str) -> None:
    natively, by_python = of_both(lambda: language_of(text))
    assert natively == by_python


def test_trees_say_the_same_of_any_numbers_and_of_what_is_missing() -> None:
    model, rng = boosters(leaves=31), np.random.default_rng(3)
    shared, own, ngram = features(rng, 400)
    natively, by_python = of_both(lambda: model.all_logits(shared, own, ngram).tolist())
    assert natively == by_python
    assert len(np.unique(natively)) > 400
    assert model._forest(shared.shape[1], own.shape[2]) is not None


@pytest.mark.parametrize(("leaves", "settings"), [(100, {}), (7, {"zero_as_missing": True}), (7, {"linear_tree": True})])
def test_trees_that_the_core_does_not_know_are_left_to_lightgbm(leaves: int, settings: dict[str, object]) -> None:
    model, rng = boosters(leaves=leaves, **settings), np.random.default_rng(3)
    shared, own, ngram = features(rng, 20)
    assert model._forest(shared.shape[1], own.shape[2]) is None
    natively, by_python = of_both(lambda: model.all_logits(shared, own, ngram).tolist())
    assert natively == by_python


def features(rng: np.random.Generator, n: int) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Four shared columns, of which the last is a category, two of each policy, the n-grams' score; a tenth is missing."""
    shared, own, ngram = rng.normal(size=(n, 4)), rng.integers(0, 5, (n, POLICIES, 2)).astype(float), rng.normal(size=(n, POLICIES))
    shared[:, 3] = rng.integers(0, 70, n)
    shared[:, 1] = np.where(rng.random(n) < 0.3, 0.0, shared[:, 1])
    for array in (shared, own):
        array[rng.random(array.shape) < 0.1] = np.nan
    return shared, own, ngram


def boosters(leaves: int, **settings: object) -> GbmModel:
    import lightgbm

    rng = np.random.default_rng(1)
    shared, own, ngram = features(rng, 3000)
    found = []
    for policy in range(POLICIES):
        columns = np.column_stack([shared, own[:, policy], ngram[:, policy]])
        odd = np.nan_to_num(columns[:, 3]) % 2
        target = rng.random(len(columns)) < 1 / (1 + np.exp(-(np.nan_to_num(columns[:, 0]) + odd - ngram[:, policy])))
        kind = {"objective": "binary", "num_leaves": leaves, "min_data_in_leaf": 5, "verbosity": -1, "num_threads": 1, **settings}
        categories = [] if "linear_tree" in settings else [3]
        data = lightgbm.Dataset(columns, target.astype(float), categorical_feature=categories, params={"verbosity": -1})
        found.append(lightgbm.train(kind, data, num_boost_round=12).model_to_string())
    return GbmModel(tuple(found))


def test_decisions_are_the_same_with_and_without_it(tiny_bundle: Path, marketplace: Path, book: PolicyBook) -> None:
    ads, scorer = read_ads(marketplace)[:60], Scorer(open_bundle(tiny_bundle), book)
    told = {"decision_id", "decided_at"}

    def decided(some: list[Ad]) -> list[object]:
        return [decision.model_dump(exclude=told) for decision in scorer.score(some, explain="none")]

    natively, by_python = of_both(lambda: decided(ads))
    assert natively == by_python
