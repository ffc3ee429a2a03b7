"""N-grams: the same columns alone and in company, each with a name."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse
from sklearn.feature_extraction.text import HashingVectorizer

from adverdict.domain.ad import Ad
from adverdict.features.text import ngrams
from adverdict.features.text.ngrams import (
    BLOCKS,
    MAX_CHARACTERS,
    N_COLUMNS,
    Block,
    NgramText,
    grams_and_columns,
    ngram_counts,
    ngram_text,
)
from adverdict.features.text.normalise import ad_text
from tests.effort import examples

TEXTS = [
    NgramText("free money today\nask us", "free money today", "category=finance label=money"),
    NgramText("", "", ""),
    NgramText("देखो नया खेल", "नया", "format=video"),
    NgramText("free free free", "", ""),
]


def _ad(**fields: object) -> Ad:
    return Ad.model_validate({"ad_id": "a", "advertiser_id": "b", "market": "SE", "submitted_at": "2026-01-01T00:00:00Z", **fields})


def test_a_text_alone_has_the_counts_it_has_among_others() -> None:
    together = ngram_counts(TEXTS)
    for row, text in enumerate(TEXTS):
        assert (together[row] != ngram_counts([text])).nnz == 0


def test_a_word_said_three_times_counts_one_plus_its_logarithm() -> None:
    grams, columns = grams_and_columns(TEXTS[3], 0)
    assert ngram_counts([TEXTS[3]])[0, columns[grams.index("free")]] == pytest.approx(1 + np.log(3))


@pytest.mark.parametrize("text", TEXTS)
def test_every_column_in_use_has_a_name_and_every_name_a_column(text: NgramText) -> None:
    named = {column for number in range(len(BLOCKS)) for column in grams_and_columns(text, number)[1].tolist()}
    assert named == set(ngram_counts([text]).indices.tolist())


def test_blocks_fill_all_columns() -> None:
    assert sum(2**block.bits for block in BLOCKS) == N_COLUMNS


def test_facts_become_words_that_no_text_can_say() -> None:
    ad = _ad(
        title="Spin", creative_category="Casual Games", keywords=["free spins"], landing_domain="play.spin-city.example", surface="feed"
    )
    assert ngram_text(ad, ad_text(ad)).facts.split() == [
        "category=casual_games",
        "surface=feed",
        "keyword=free_spins",
        "domain=play.spin-city.example",
        "tld=example",
        "label=play",
        "label=spin-city",
        "label=example",
    ]


def test_market_is_no_word() -> None:
    one, other = _ad(title="Hello"), _ad(title="Hello").model_copy(update={"market": "BR"})
    assert ngram_text(one, ad_text(one)) == ngram_text(other, ad_text(other))


def test_a_text_is_read_up_to_its_limit() -> None:
    ad = _ad(title="x " * MAX_CHARACTERS)
    assert len(ngram_text(ad, ad_text(ad)).text) <= MAX_CHARACTERS


SOME_TEXT = st.text(st.sampled_from("ab éß_-'.!\n\t 1\u0926\u094b\u4e2d\U0001f600\u200d"), max_size=60) | st.text(max_size=30)


def _by_scikit_learn(texts: list[NgramText]) -> sparse.csr_matrix:
    """What the n-grams are, said by the library whose hashing trick this is."""

    def hasher(block: Block) -> HashingVectorizer:
        how: Any = {"analyzer": str.split} if block.analyzer == "split" else {"analyzer": block.analyzer, "ngram_range": block.span}
        plain = {"lowercase": False, "norm": None, "alternate_sign": False, "token_pattern": r"(?u)\b\w+\b"}
        return HashingVectorizer(n_features=2**block.bits, **plain, **how)

    counts = sparse.hstack([hasher(block).transform([getattr(text, block.source) for text in texts]) for block in BLOCKS], format="csr")
    counts.sum_duplicates()
    counts.data = np.log(counts.data) + 1.0
    return counts


@given(st.lists(st.builds(NgramText, SOME_TEXT, SOME_TEXT, SOME_TEXT), min_size=1, max_size=5))
@examples(60)
def test_columns_and_counts_are_those_of_scikit_learns_hashing_in_every_digit(texts: list[NgramText]) -> None:
    ours, theirs = ngram_counts(texts), _by_scikit_learn(texts)
    assert ours.indptr.tolist() == theirs.indptr.tolist()
    assert ours.indices.tolist() == theirs.indices.tolist()
    assert ours.data.tolist() == theirs.data.tolist()


def test_a_word_too_long_to_be_kept_is_counted_like_any_other() -> None:
    texts = [NgramText("a" * n + "bc" * n, "", "") for n in (1, 12, 13, 200)]
    assert (ngram_counts(texts) != _by_scikit_learn(texts)).nnz == 0


def test_many_texts_are_counted_as_few_are(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = ngram_counts(TEXTS)
    monkeypatch.setattr(ngrams, "TEXTS_AT_A_TIME", 3)
    assert (ngram_counts(TEXTS) != whole).nnz == 0
    assert ngram_counts([]).shape == (0, N_COLUMNS)
