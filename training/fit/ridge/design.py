"""What the ridge is fitted on: n-grams by tf-idf and nearness to centres, of all ads at hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from adverdict.features.text.ngrams import N_COLUMNS
from adverdict.models.ngram import NgramModel, tfidf
from adverdict.models.ridge import FACTS, FactScale, RidgeModel, Views, signed_log
from adverdict.training.fit.ridge.kernels import JITTER, KernelSettings, Near, near_centres, there, with_coefficients
from adverdict.training.fit.ridge.newton import Solution
from adverdict.training.parallel import side_by_side

MIN_ADS = 2
"""One ad's own words cannot say anything about another's."""
MOST_BETWEEN = 5_000
"""Ads of which all pairs are kept in memory: 100 MB. Of more the n-grams are multiplied as they are, which then takes no longer."""
AT_ONCE = 1024
MOST_PIECES = 4
"""In which rows of a design may lie that are not copied."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Read:
    """What the ridge reads of some ads beside n-grams: ``views`` as kernels read them, but facts not yet on one scale: ``shared``
    ``float64 (n_ads, n_columns)`` features, named by ``columns``, those in ``numbers`` facts."""

    shared: Floats
    columns: Sequence[str]
    numbers: Sequence[str]
    views: Views

    def part(self, rows: NDArray[np.intp]) -> Read:
        views = {name: view[rows] for name, view in self.views.items()}
        return Read(self.shared[rows], self.columns, self.numbers, views)

    def of(self, scale: FactScale) -> Views:
        """The views, facts on their scale among them."""
        return {**self.views, FACTS: scale.of(self.shared, self.columns)}


@dataclass(frozen=True)
class Design:
    """What the regression is fitted on: n-grams by tf-idf, ``float32 (n_ads, n_used)``, and nearness to the kernels' centres,
    ``float32 (n_ads, n_near)``. Made of all ads at hand, for no label says what it is; fitted on some of them."""

    idf: NDArray[np.float32]
    used: NDArray[np.intp]
    grams: sparse.csr_matrix
    scale: FactScale
    kernels: tuple[Near, ...]
    near: NDArray[np.float32]
    between: NDArray[np.float32] | None
    """What any two ads' n-grams have in common, ``(n_ads, n_ads)``: products with it are a tenth of the work. None of too many ads."""
    order: NDArray[np.intp]
    """``(n_ads,)``, which ad each row of ``grams``, ``near`` and ``between`` is: fold after fold, so that those of all folds but one lie in
    two pieces, and a regression on them needs no copy."""

    @classmethod
    def of(cls, counts: sparse.csr_matrix, read: Read, fold: NDArray[np.intp]) -> Design:
        """Of n-grams alone: ``counts`` ``(n_ads, N_COLUMNS)`` from ``features.text.ngrams``."""
        idf = _idf(counts)
        # The commonest first: what is asked for most often then lies together in memory.
        used = np.flatnonzero(idf)[np.argsort(idf[idf > 0], kind="stable")]
        scale = _scale(read)
        order = np.argsort(fold, kind="stable")
        grams = _tfidf(counts, order, idf, used)
        return cls(idf, used, grams, scale, (), np.empty((len(order), 0), dtype=np.float32), _between(grams), order)

    def beside(self, read: Read, views: Views, kernels: Sequence[KernelSettings], seed: int) -> Design:
        """The same with kernels, or more of them, on ``views`` and on what is ``read`` of the same ads; without those whose views are not
        there."""
        views, names = {**read.of(self.scale), **views}, self.scale.names
        found, near = list[Near](), [self.near]
        for kernel in (kernel for kernel in kernels if there(kernel, views, names)):
            one, features = near_centres(views, names, kernel, seed)
            found.append(one)
            near.append(features.astype(np.float32)[self.order])
        return replace(self, kernels=(*self.kernels, *found), near=np.concatenate(near, axis=1))

    @cached_property
    def place(self) -> NDArray[np.intp]:
        """``(n_ads,)``, which row each ad is."""
        return np.argsort(self.order)

    def log_odds(self, fitted: Coefficients, rows: NDArray[np.intp]) -> Floats:
        """Of a violation, not calibrated, ``float64 (len(rows), n_policies)``."""
        found = np.empty((len(rows), len(fitted.base)))
        for piece in self.pieces(rows):
            found[piece.ads] = piece.grams @ fitted.of_grams + piece.near @ fitted.of_near + fitted.base
        return found

    def pieces(self, rows: NDArray[np.intp]) -> list[Piece]:
        """The rows of some ads, as they lie together."""
        places = self.place[rows]
        ads = np.argsort(places)
        places = places[ads]
        begin = np.flatnonzero(np.diff(places, prepend=-2) != 1)
        if len(begin) > MOST_PIECES:
            return [Piece(ads, self.grams[places], self.near[places])]
        ends = [*begin[1:].tolist(), len(rows)]
        runs = [(slice(a, b), int(places[a]), int(places[b - 1]) + 1) for a, b in zip(begin.tolist(), ends, strict=True) if a < b]
        return [Piece(ads[run], _rows(self.grams, first, last), self.near[first:last]) for run, first, last in runs]

    def model(self, fitted: Coefficients) -> RidgeModel:
        weights = np.zeros((fitted.of_near.shape[1], N_COLUMNS), dtype=np.float32)
        weights[:, self.used] = fitted.of_grams.T
        return RidgeModel(NgramModel(self.idf, weights, fitted.base), self.scale, with_coefficients(self.kernels, fitted.of_near))


@dataclass(frozen=True)
class Piece:
    """Some rows of a ``Design``: not a copy, where they lie together. ``ads``: which of those that were asked for each of them is."""

    ads: NDArray[np.intp]
    grams: sparse.csr_matrix
    near: NDArray[np.float32]


@dataclass(frozen=True)
class Tried:
    """Some of the ads, by which is chosen what all are fitted with: their ``rows``, what is ``read`` of them, and their own design."""

    rows: NDArray[np.intp]
    read: Read
    design: Design

    @classmethod
    def of(cls, counts: sparse.csr_matrix, read: Read, fold: NDArray[np.intp], rows: NDArray[np.intp]) -> Tried:
        """All but ``rows`` of these ads alone."""
        return cls(rows, read, Design.of(counts, read, fold))


@dataclass(frozen=True)
class Coefficients:
    """Of a ``Design``'s columns, one column a policy, and the ``solution`` they are made of."""

    of_grams: NDArray[np.float32]
    of_near: NDArray[np.float32]
    solution: Solution

    @property
    def base(self) -> Floats:
        """``(n_policies,)``, added to what the columns make of an ad."""
        return self.solution.base


def _tfidf(counts: sparse.csr_matrix, rows: NDArray[np.intp], idf: NDArray[np.float32], used: NDArray[np.intp]) -> sparse.csr_matrix:
    """``float32``, of the columns ``used``; some ads at a time, for twice as much memory is needed on the way."""
    starts = range(0, len(rows), AT_ONCE)
    grams = sparse.vstack([tfidf(counts[rows[start : start + AT_ONCE]], idf).astype(np.float32)[:, used] for start in starts], format="csr")
    grams.sort_indices()
    return grams


def _rows(grams: sparse.csr_matrix, first: int, last: int) -> sparse.csr_matrix:
    """Rows ``first`` to ``last``, without a copy of them, which slicing would make, and a new matrix of less than half of an array."""
    start, end = grams.indptr[first], grams.indptr[last]
    rows = sparse.csr_matrix((last - first, grams.shape[1]), dtype=grams.dtype)
    rows.data, rows.indices, rows.indptr = grams.data[start:end], grams.indices[start:end], grams.indptr[first : last + 1] - start
    return rows


def _between(grams: sparse.csr_matrix) -> NDArray[np.float32] | None:
    n, across = grams.shape[0], grams.T.tocsr()
    if n > MOST_BETWEEN:
        return None
    some = -(-n // AT_ONCE)
    return np.concatenate(side_by_side(lambda part: (grams[part * AT_ONCE : (part + 1) * AT_ONCE] @ across).toarray(), some))


def _scale(read: Read) -> FactScale:
    """Facts that any two ads differ in."""
    values = signed_log(read.shared[:, [read.columns.index(name) for name in read.numbers]])
    stated = ~np.isnan(values)
    n = np.maximum(stated.sum(axis=0), 1)
    mean = np.where(stated, values, 0.0).sum(axis=0) / n
    deviation = np.sqrt(np.where(stated, (values - mean) ** 2, 0.0).sum(axis=0) / n)
    kept = np.flatnonzero(deviation > JITTER).tolist()
    return FactScale(tuple(read.numbers[i] for i in kept), mean[kept], deviation[kept])


def _idf(counts: sparse.csr_matrix) -> NDArray[np.float32]:
    """Smoothed inverse document frequency, ``float32 (N_COLUMNS,)``: ln((1 + n) / (1 + df)) + 1; 0 below ``MIN_ADS``."""
    df = np.bincount(counts.indices, minlength=N_COLUMNS)
    return np.where(df >= MIN_ADS, np.log((1 + counts.shape[0]) / (1 + df)) + 1, 0.0).astype(np.float32)
