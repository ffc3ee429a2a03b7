"""Linear model over hashed n-grams: fast, and every part of its score can be named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file
from scipy import sparse

from adverdict.features.native import core
from adverdict.features.text.ngrams import (
    BLOCKS,
    N_COLUMNS,
    NgramRows,
    NgramText,
    block_of,
    grams_and_columns,
    ngram_rows,
    sublinear,
)

FILE = "ngram.safetensors"
ANALYZERS = ("word", "char_wb", "split")
"""As the native core numbers them."""
COUNTED = 16_384
"""Times one n-gram of a text is counted natively; a text of thousands of the same word is left to Python."""


@dataclass(frozen=True)
class NamedEffects:
    """What each of some n-grams added to the log-odds of some policies."""

    rows: Mapping[str, int]
    """N-gram -> its row in ``values``."""
    values: NDArray[np.float64]
    """``(n_grams, n_policies)``"""


@dataclass(frozen=True)
class NgramModel:
    """Logistic regression on tf-idf n-grams, one row of weights a policy.

    ``idf`` is ``float32 (N_COLUMNS,)``, ``weights`` ``float32 (n_policies, N_COLUMNS)``, ``bias`` ``float64 (n_policies,)``, in log-odds.
    """

    idf: NDArray[np.float32]
    weights: NDArray[np.float32]
    bias: NDArray[np.float64]

    @cached_property
    def _columns(self) -> NDArray[np.float64]:
        """Weights as the sparse product wants them, ``float64 (N_COLUMNS, n_policies)``: converted once, not once a call."""
        return np.ascontiguousarray(self.weights.T, dtype=np.float64)

    def logits(self, texts: Sequence[NgramText]) -> NDArray[np.float64]:
        """Log-odds of a violation, ``float64 (n_texts, n_policies)``, not calibrated."""
        native = core()
        if native is not None:
            scored = np.empty((len(texts), len(self.bias)))
            if self._native.logits([*texts], scored):
                return scored
        return self._logits(ngram_rows(texts))

    @cached_property
    def _native(self) -> Any:
        """The same in C++, where the core is installed: idf and weights of a column beside each other, one step to memory and not two."""
        rows = np.empty((N_COLUMNS, 1 + len(self.bias)), dtype=np.float32)
        rows[:, 0], rows[:, 1:] = self.idf, self.weights.T
        blocks = [(NgramText._fields.index(one.source), ANALYZERS.index(one.analyzer), one.bits, one.weight) for one in BLOCKS]
        found: ModuleType | None = core()
        assert found is not None, "asked for only where it is"
        return found.Ngrams(rows, np.ascontiguousarray(self.bias), sublinear(COUNTED), blocks)

    def logits_of(self, counts: sparse.csr_matrix) -> NDArray[np.float64]:
        """The same from ``features.text.ngrams.ngram_counts``."""
        return self._logits(NgramRows(counts.data, counts.indices, counts.indptr))

    def _logits(self, rows: NgramRows) -> NDArray[np.float64]:
        # Summed column after column, so that a text's sum is the same in any company.
        return np.asarray(_matrix(weighted(rows, self.idf), rows) @ self._columns) + self.bias

    def effects(self, text: NgramText, policies: Sequence[int]) -> tuple[NamedEffects, NamedEffects]:
        """The log-odds each n-gram added under these policies: of text and title by gram, and of the facts by ``name=value``.

        Of n-grams that share a column the first stands for all.
        """
        row = ngram_rows([text])
        added = weighted(row, self.idf)[:, None] * self._columns.take(row.columns, axis=0)[:, policies]
        facts = [number for number, block in enumerate(BLOCKS) if block.source == "facts"]
        others = [number for number in range(len(BLOCKS)) if number not in facts]
        return _named(text, others, row, added), _named(text, facts, row, added)

    def save(self, folder: Path) -> None:
        save_file({"idf": self.idf, "weights": self.weights, "bias": self.bias}, folder / FILE)

    @classmethod
    def load(cls, folder: Path, n_policies: int) -> NgramModel:
        """Raises ValueError when the tensors are not those of ``n_policies`` policies."""
        tensors = load_file(folder / FILE)
        model = cls(tensors["idf"], tensors["weights"], tensors["bias"])
        if model.idf.shape != (N_COLUMNS,) or model.weights.shape != (n_policies, N_COLUMNS) or model.bias.shape != (n_policies,):
            raise ValueError(f"{FILE}: tensors of {model.weights.shape}, expected ({n_policies}, {N_COLUMNS})")
        return model


def _named(text: NgramText, blocks: Sequence[int], row: NgramRows, added: NDArray[np.float64]) -> NamedEffects:
    """The effects of some blocks' n-grams; ``added`` has a row for each of ``row.columns``."""
    found = [grams_and_columns(text, block) for block in blocks]
    grams = [*chain.from_iterable(grams for grams, _ in found)]
    names = {gram: row for row, gram in enumerate(dict.fromkeys(grams))}
    places = np.array([*map(names.__getitem__, grams)], dtype=np.intp)
    columns, first = np.unique(np.concatenate([columns for _, columns in found]), return_index=True)
    return NamedEffects(names, sums(places[first], added[np.searchsorted(row.columns, columns)], len(names)))


def sums(at: NDArray[np.intp], values: NDArray[np.float64], n: int) -> NDArray[np.float64]:
    """Row i of ``float64 (n, n_columns)``: the sum, in their order, of the rows of ``values`` that ``at`` says belong to i."""
    return np.stack([np.bincount(at, weights=column, minlength=n) for column in values.T], axis=1) if values.shape[1] else np.zeros((n, 0))


def tfidf(counts: sparse.csr_matrix, idf: NDArray[np.float32]) -> sparse.csr_matrix:
    """Counts times idf, each block of each row scaled to the block's weight."""
    rows = NgramRows(counts.data, counts.indices, counts.indptr)
    return _matrix(weighted(rows, idf), rows)


def weighted(rows: NgramRows, idf: NDArray[np.float32]) -> NDArray[np.float64]:
    """The same as values for ``rows.columns``, in their order."""
    values = rows.values * idf.take(rows.columns)
    n = len(rows.starts) - 1
    # The block of its row that each value is in, numbered over all rows.
    block = block_of(rows.columns) + np.repeat(np.arange(n) * len(BLOCKS), np.diff(rows.starts))
    squares = np.bincount(block, weights=values * values, minlength=n * len(BLOCKS))
    norms = np.sqrt(np.where(squares > 0, squares, 1.0)).reshape(n, len(BLOCKS)) / [block.weight for block in BLOCKS]
    values /= norms.ravel()[block]
    return values


def _matrix(values: NDArray[np.float64], rows: NgramRows) -> sparse.csr_matrix:
    return sparse.csr_matrix((values, rows.columns, rows.starts), shape=(len(rows.starts) - 1, N_COLUMNS))
