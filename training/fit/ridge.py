"""Fits the ridge regression over n-grams, words and facts: all policies at once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from adverdict.features.creative import CREATIVE_FACTS
from adverdict.features.history.counts import PER_POLICY, SHARED
from adverdict.features.text.ngrams import N_COLUMNS
from adverdict.features.text.signals import TEXT_SIGNALS
from adverdict.models.ngram import NgramModel, tfidf
from adverdict.models.ridge import FACTS, WORDS, FactScale, NearCentres, RidgeModel, Views, nearness, point, signed_log
from adverdict.training.fit.newton import Columns, Solution, least_loss, nothing
from adverdict.training.parallel import side_by_side

MIN_ADS = 2
"""One ad's own words cannot say anything about another's."""
MOST_BETWEEN = 5_000
"""Ads of which all pairs are kept in memory: 100 MB. Of more the n-grams are multiplied as they are, which then takes no longer."""
MOST_TRIED = 10_000
"""Ads by which kinds of facts are chosen, and how deep a text is read; more choose the same."""
AT_ONCE = 1024
JITTER = 1e-4
LEAST_EIGENVALUE = 1e-6

CREATIVE, PAST, SIGNALS = "creative", "past", "signals"
"""Kinds of facts: of the creative, of what its advertiser and landing domain did before, of how its text is written."""
PAST_FACTS = ("advertiser_ads_28d", "advertiser_formats", "advertiser_categories", "advertiser_surfaces")
"""What is known of the past without a label."""

Floats = NDArray[np.float64]
FactsRead = Mapping[str, NDArray[np.bool_]]
"""Of each kind of facts ``(n_policies,)``: under which policies they count."""


@dataclass(frozen=True)
class KernelSettings:
    """A kernel exp(-sharpness |a - b|^2) on the views in ``reads``, side by side; ``weight`` beside 2.75, all that n-grams of an ad weigh
    together. Facts, those of one kind, are standardised; beside words each counts ``beside`` of that."""

    reads: tuple[str, ...]
    weight: float
    sharpness: float
    centres: int
    beside: float = 1.0
    facts: str = CREATIVE


@dataclass(frozen=True)
class RidgeSettings:
    """``penalty`` of half the squared coefficients, beside the log loss in nats."""

    penalty: float = 0.2
    kernels: tuple[KernelSettings, ...] = (
        KernelSettings((FACTS,), 0.25, 0.05, 64),
        KernelSettings((WORDS,), 1.25, 2.0, 128),
        KernelSettings((WORDS, FACTS), 0.5, 2.0, 128, 0.16),
        KernelSettings((FACTS,), 0.25, 0.05, 64, facts=PAST),
        KernelSettings((FACTS,), 0.25, 0.05, 64, facts=SIGNALS),
    )


@dataclass(frozen=True)
class Read:
    """What the ridge reads of some ads: ``counts`` ``(n_ads, N_COLUMNS)`` from ``features.text.ngrams``, ``views`` as kernels read them,
    but facts not yet on one scale: ``shared`` ``float64 (n_ads, n_columns)`` features, named by ``columns``, those in ``numbers`` facts."""

    counts: sparse.csr_matrix
    shared: Floats
    columns: Sequence[str]
    numbers: Sequence[str]
    views: Views

    def part(self, rows: NDArray[np.intp]) -> Read:
        views = {name: view[rows] for name, view in self.views.items()}
        return Read(self.counts[rows], self.shared[rows], self.columns, self.numbers, views)

    def of(self, scale: FactScale) -> Views:
        """The views, facts on their scale among them."""
        return {**self.views, FACTS: scale.of(self.shared, self.columns)}


def facts_of(columns: Sequence[str], categories: Collection[str]) -> tuple[str, ...]:
    """Features that are facts in numbers; what raters said of the past is LightGBM's, which sees it as of each ad."""
    return tuple(name for name in columns if kind_of(name) and name not in categories)


def kind_of(fact: str) -> str | None:
    """None: it is no fact that the ridge reads."""
    if fact in CREATIVE_FACTS:
        return CREATIVE
    if fact in PAST_FACTS:
        return PAST
    # What is none of ours is a plug-in's.
    return SIGNALS if fact in TEXT_SIGNALS or fact not in (*SHARED, *PER_POLICY) else None


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

    @classmethod
    def of(cls, read: Read, settings: RidgeSettings, seed: int) -> Design:
        idf = _idf(read.counts)
        # The commonest first: what is asked for most often then lies together in memory.
        used = np.flatnonzero(idf)[np.argsort(idf[idf > 0], kind="stable")]
        scale = _scale(read)
        grams = _tfidf(read.counts, idf, used)
        bare = cls(idf, used, grams, scale, (), np.empty((len(read.shared), 0), dtype=np.float32), _between(grams))
        return bare.beside(read, {}, settings.kernels, seed)

    def beside(self, read: Read, views: Views, kernels: Sequence[KernelSettings], seed: int) -> Design:
        """The same with more kernels, on ``views`` and on what is ``read`` of the same ads; without those whose views are not there."""
        views, names = {**read.of(self.scale), **views}, self.scale.names
        found = [near_centres(views, names, kernel, seed) for kernel in kernels if there(kernel, views, names)]
        near = np.concatenate([self.near, *(features.astype(np.float32) for _, features in found)], axis=1)
        return replace(self, kernels=(*self.kernels, *(kernel for kernel, _ in found)), near=near)

    def log_odds(self, fitted: Coefficients, rows: NDArray[np.intp]) -> Floats:
        """Of a violation, not calibrated, ``float64 (len(rows), n_policies)``."""
        return np.asarray(self.grams[rows] @ fitted.of_grams + self.near[rows] @ fitted.of_near + fitted.base)

    def model(self, fitted: Coefficients) -> RidgeModel:
        weights = np.zeros((fitted.of_near.shape[1], N_COLUMNS), dtype=np.float32)
        weights[:, self.used] = fitted.of_grams.T
        return RidgeModel(NgramModel(self.idf, weights, fitted.base), self.scale, with_coefficients(self.kernels, fitted.of_near))


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


def fit_ridge(
    design: Design, rows: NDArray[np.intp], targets: Floats, penalty: float, reads: FactsRead | None = None, start: Solution | None = None
) -> Coefficients:
    """Logistic regressions with a ridge penalty, one a policy, on the labelled ads among ``rows`` (le Cessie & van Houwelingen 1992).

    ``targets`` is ``(len(rows), n_policies)`` in [0, 1], NaN where unlabelled. ``reads``: under which policies which
    kinds of facts count beside n-grams and words; all, unless given. All policies go through the same products with the design; ``start``
    from what a similar design made of the same ads, and fewer are needed.
    """
    grams, near = design.grams[rows], design.near[rows]
    across = grams.T  # the same numbers in memory, not turned round
    between = None if design.between is None else design.between[np.ix_(rows, rows)]
    counts = np.ones((near.shape[1], targets.shape[1]), dtype=np.float32)
    for kind, under in (reads or {}).items():
        counts[np.ix_(of_facts(design.kernels, kind), ~under)] = 0

    def kernel(v: Floats, columns: Columns) -> Floats:
        """The design times itself."""
        v = v.astype(np.float32)
        of_grams = grams @ (across @ v) if between is None else between @ v
        return np.asarray(of_grams + near @ ((near.T @ v) * counts[:, columns]), dtype=np.float64)

    solution = least_loss(kernel, targets, penalty, start or nothing(targets))
    each: NDArray[np.float32] = solution.multipliers.astype(np.float32)
    return Coefficients(np.asarray(across @ each), np.asarray((near.T @ each) * counts, dtype=np.float32), solution)


@dataclass(frozen=True)
class FoldFits:
    """``log_odds`` ``(n_ads, n_policies)`` of each ad from a regression fitted to the other folds; ``solutions``, one a fold; ``whole``, of
    all ads, where it was asked for."""

    log_odds: Floats
    solutions: Sequence[Solution]
    fold: NDArray[np.intp]
    whole: Coefficients | None = None

    def solution(self, k: int) -> Solution | None:
        """Fitted to the ads that are not in fold ``k``, of which -1 has none."""
        if k >= 0:
            return self.solutions[k]
        return None if self.whole is None else self.whole.solution

    def part(self, rows: NDArray[np.intp]) -> FoldFits:
        """Of some of the ads, in order."""
        trained = [np.isin(np.flatnonzero(self.fold != k), rows) for k in range(len(self.solutions))]
        solutions = [Solution(one.multipliers[kept], one.base) for kept, one in zip(trained, self.solutions, strict=True)]
        return FoldFits(self.log_odds[rows], solutions, self.fold[rows])

    def of(self, columns: Columns) -> FoldFits:
        """Under some of the policies."""
        return FoldFits(self.log_odds[:, columns], [solution.of(columns) for solution in self.solutions], self.fold)


def out_of_fold(
    design: Design,
    targets: Floats,
    fold: NDArray[np.intp],
    penalty: float,
    reads: FactsRead,
    like: FoldFits | None = None,
    advance: Callable[[], object] = lambda: None,
    *,
    whole: bool = False,
) -> FoldFits:
    """``targets`` as in ``fit_ridge``; each regression starts from the one ``like`` has of the same ads. ``whole``: also of all ads."""

    def one(k: int) -> Coefficients:
        rows = np.flatnonzero(fold != k)
        fitted = fit_ridge(design, rows, targets[rows], penalty, reads, like.solution(k) if like else None)
        if k >= 0:
            out[fold == k] = design.log_odds(fitted, np.flatnonzero(fold == k))
        return fitted

    out, first = np.empty_like(targets), -1 if whole else 0  # that of all ads takes longest
    fits = side_by_side(lambda place: one(place + first), int(fold.max()) + 1 - first)
    for _ in fits:
        advance()
    return FoldFits(out, [fitted.solution for fitted in fits[-first:]], fold, fits[0] if whole else None)


@dataclass(frozen=True)
class Near:
    """Nearness to the ``centres`` times ``root`` are features whose inner products are the kernel's times its weight, as far as the centres
    tell."""

    reads: tuple[str, ...]
    scale: Floats
    centres: Floats
    sharpness: float
    root: Floats
    facts: str | None
    """Which kind it reads."""


def there(kernel: KernelSettings, views: Views, facts: Sequence[str]) -> bool:
    """Whether ads have what a kernel reads; ``facts`` as in ``near_centres``."""
    stated = FACTS not in kernel.reads or any(kind_of(name) == kernel.facts for name in facts)
    return stated and all(name in views and views[name].shape[1] for name in kernel.reads)


def near_centres(views: Views, facts: Sequence[str], settings: KernelSettings, seed: int) -> tuple[Near, Floats]:
    """Centres by k-means, which serves Nyström's approximation better than ads drawn by chance (Zhang, Tsang & Kwok 2008, ICML).

    ``facts`` names the columns of the view of facts; those of another kind than the kernel's count nothing.
    """
    from sklearn.cluster import MiniBatchKMeans

    of_kind = np.array([settings.beside if kind_of(name) == settings.facts else 0.0 for name in facts])
    scale = np.concatenate([of_kind if name == FACTS else np.ones(views[name].shape[1]) for name in settings.reads])
    points = point(views, settings.reads, scale)
    distinct = np.unique(points, axis=0)
    n = min(settings.centres, len(distinct))
    means = MiniBatchKMeans(n, random_state=seed, n_init=1, batch_size=1024, max_iter=20)
    centres = distinct if n == len(distinct) else means.fit(points).cluster_centers_.astype(np.float64)
    values, vectors = np.linalg.eigh(nearness(centres, centres, settings.sharpness) + JITTER * np.eye(n))
    root = np.sqrt(settings.weight) * (vectors / np.sqrt(np.maximum(values, LEAST_EIGENVALUE))) @ vectors.T
    near = nearness(points, centres, settings.sharpness)
    kind = settings.facts if FACTS in settings.reads else None
    return Near(settings.reads, scale, centres, settings.sharpness, root, kind), near @ root


def with_coefficients(kernels: Sequence[Near], coefficients: NDArray[np.floating]) -> tuple[NearCentres, ...]:
    """The kernels as served, from ``coefficients`` ``(n_near, n_policies)`` of their features side by side; those that count nowhere
    are not."""
    ends = np.cumsum([len(kernel.root) for kernel in kernels][:-1])
    return tuple(
        NearCentres(kernel.reads, kernel.scale, kernel.centres, kernel.root @ part.astype(np.float64), kernel.sharpness)
        for kernel, part in zip(kernels, np.split(coefficients, ends) if kernels else (), strict=True)
        if part.any()
    )


def of_facts(kernels: Sequence[Near], kind: str) -> NDArray[np.bool_]:
    """Which of their features read facts of a kind, ``(n_near,)``."""
    return np.repeat([kernel.facts == kind for kernel in kernels], [len(kernel.root) for kernel in kernels])


def _tfidf(counts: sparse.csr_matrix, idf: NDArray[np.float32], used: NDArray[np.intp]) -> sparse.csr_matrix:
    """``float32``, of the columns ``used``; some ads at a time, for twice as much memory is needed on the way."""
    starts = range(0, counts.shape[0], AT_ONCE)
    grams = sparse.vstack([tfidf(counts[start : start + AT_ONCE], idf).astype(np.float32)[:, used] for start in starts], format="csr")
    grams.sort_indices()
    return grams


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
