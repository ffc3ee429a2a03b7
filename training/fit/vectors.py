"""Fits static word vectors to the texts at hand: common tokens count less, and the directions in which texts differ most are kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from adverdict.models.vectors import WORD, WordVectors
from adverdict.training.encoder.tables import MULTILINGUAL, TokenTable

COMMON = 1e-3
"""A token that is this share of all tokens counts half (smooth inverse frequency, Arora, Liang & Ma 2017, ICLR)."""
MOST_TEXTS = 20_000
"""Texts, evenly spread, that say which tokens are common and which directions matter: more of them say the same."""
MOST = 127


@dataclass(frozen=True)
class VectorSettings:
    """``source`` as in ``training.encoder.tables``; ``width`` numbers a text are kept of it."""

    source: str = MULTILINGUAL
    width: int = 64


def fit_vectors(table: TokenTable, texts: Sequence[str], width: int) -> WordVectors:
    """From normalised texts alone, no label. Fewer than ``width`` directions where the table or the texts have no more."""
    n_texts = min(len(texts), MOST_TEXTS)
    counts, tokens = _token_counts(table, [texts[place * len(texts) // n_texts] for place in range(n_texts)])
    share = np.asarray(counts.sum(axis=0)).ravel() / max(1.0, counts.sum())
    weight = np.ones(table.n_tokens)
    weight[tokens] = COMMON / (COMMON + share)
    n = np.maximum(np.asarray(counts.sum(axis=1)), 1.0)
    mean_vectors = (counts @ (table.rows(tokens).astype(np.float64) * weight[tokens, None])) / n
    centre = mean_vectors.mean(axis=0)
    away = mean_vectors - centre
    _, directions = np.linalg.eigh(away.T @ away)
    kept = directions[:, ::-1][:, : min(width, len(mean_vectors))]
    whole, scale = np.empty((table.n_tokens, kept.shape[1]), dtype=np.int8), np.empty(table.n_tokens, dtype=np.float32)
    for ids, rows in table.parts():
        projected = (rows @ kept) * weight[ids, None]
        scale[ids] = np.abs(projected).max(axis=1) / MOST
        whole[ids] = np.rint(projected / np.where(scale[ids] > 0, scale[ids], 1.0)[:, None])
    return WordVectors(table.name, table.tokenizer, whole, scale, (centre @ kept).astype(np.float32))


def _token_counts(table: TokenTable, texts: Sequence[str]) -> tuple[sparse.csr_matrix, NDArray[np.intp]]:
    """How often each text has each token that any has, ``(n_texts, n_present)``, and those tokens."""
    words = [WORD.findall(text) for text in texts]
    places = {word: place for place, word in enumerate(dict.fromkeys(chain.from_iterable(words)))}
    ids = [encoding.ids for encoding in table.tokenizer.encode_batch([*places], add_special_tokens=False)]
    tokens, column = np.unique(np.fromiter(chain.from_iterable(ids), dtype=np.intp), return_inverse=True)
    of_words = _ones(column, [*map(len, ids)], len(tokens))
    of_texts = _ones(np.array([places[word] for text in words for word in text], dtype=np.intp), [*map(len, words)], len(places))
    return (of_texts @ of_words).tocsr(), tokens


def _ones(columns: NDArray[np.intp], lengths: Sequence[int], n_columns: int) -> sparse.csr_matrix:
    """Rows of ``lengths`` in turn, each with a 1 for every column named, more than once where it is."""
    return sparse.csr_matrix((np.ones(len(columns)), columns, np.cumsum([0, *lengths])), shape=(len(lengths), n_columns))
