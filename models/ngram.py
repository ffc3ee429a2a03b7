"""Linear model over hashed n-grams: fast, and every part of its score can be named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file
from scipy import sparse

from features.ngrams import N_COLUMNS, NgramText, block_slices, named_columns, ngram_counts

FILE = "ngram.safetensors"


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
        return self.logits_of(ngram_counts(texts))

    def logits_of(self, counts: sparse.csr_matrix) -> NDArray[np.float64]:
        """The same from ``features.ngrams.ngram_counts``."""
        return np.asarray(tfidf(counts, self.idf) @ self._columns) + self.bias

    def effects(self, text: NgramText, policies: Sequence[int]) -> tuple[NamedEffects, NamedEffects]:
        """The log-odds each n-gram added under these policies: of text and title by gram, and of the facts by ``name=value``.

        Of n-grams that share a column the first stands for all.
        """
        row = tfidf(ngram_counts([text]), self.idf)
        added = row.data[:, None] * self._columns[row.indices][:, policies]
        at = {column: position for position, column in enumerate(row.indices.tolist())}
        kinds: tuple[dict[str, int], dict[str, int]] = ({}, {})
        places: tuple[list[int], list[int]] = ([], [])
        sources: tuple[list[int], list[int]] = ([], [])
        for block, gram, column in named_columns(text):
            kind = block.source == "facts"
            place = kinds[kind].setdefault(gram, len(kinds[kind]))
            if (position := at.pop(column, None)) is not None:
                places[kind].append(place)
                sources[kind].append(position)
        return _summed(kinds[0], added, places[0], sources[0]), _summed(kinds[1], added, places[1], sources[1])

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


def _summed(names: Mapping[str, int], added: NDArray[np.float64], places: Sequence[int], sources: Sequence[int]) -> NamedEffects:
    effects = np.zeros((len(names), added.shape[1]))
    np.add.at(effects, np.array(places, dtype=np.intp), added[np.array(sources, dtype=np.intp)])
    return NamedEffects(names, effects)


def tfidf(counts: sparse.csr_matrix, idf: NDArray[np.float32]) -> sparse.csr_matrix:
    """Counts times idf, each block of each row scaled to the block's weight."""
    weighted = counts.copy()
    weighted.data *= idf[weighted.indices]
    rows = np.repeat(np.arange(weighted.shape[0]), np.diff(weighted.indptr))
    for block, columns in block_slices():
        inside = (weighted.indices >= columns.start) & (weighted.indices < columns.stop)
        squares = np.bincount(rows[inside], weights=weighted.data[inside] ** 2, minlength=weighted.shape[0])
        norm = np.sqrt(np.where(squares > 0, squares, 1.0)) / block.weight
        weighted.data[inside] /= norm[rows[inside]]
    return weighted
