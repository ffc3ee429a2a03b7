"""Fits the linear n-gram model."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from adverdict.features.text.ngrams import N_COLUMNS
from adverdict.models.ngram import NgramModel, tfidf
from adverdict.training.fit.parallel import each_policy

INVERSE_REGULARISATION = 8.0
"""scikit-learn's ``C``."""

MIN_ADS = 2
"""One ad's own words cannot say anything about another's."""


def fit_ngram(
    counts: sparse.csr_matrix, targets: NDArray[np.float64], inverse_regularisation: float = INVERSE_REGULARISATION
) -> NgramModel:
    """One logistic regression a policy on the ads that policy has labels for.

    ``counts`` is ``(n_ads, N_COLUMNS)`` from ``features.text.ngrams``,
    ``targets`` ``(n_ads, n_policies)`` in [0, 1] with NaN for unlabelled.
    An ad its raters disagree on counts as both, in proportion.
    """
    idf = _idf(counts)
    rows = tfidf(counts, idf)
    used = np.flatnonzero(idf)
    compact = rows[:, used]
    fitted = each_policy(lambda policy: _fit_one(compact, targets[:, policy], inverse_regularisation), targets.shape[1])
    weights = np.zeros((targets.shape[1], N_COLUMNS), dtype=np.float32)
    weights[:, used] = [coefficients for coefficients, _ in fitted]
    return NgramModel(idf, weights, np.array([bias for _, bias in fitted]))


def _fit_one(rows: sparse.csr_matrix, target: NDArray[np.float64], inverse_regularisation: float) -> tuple[NDArray[np.float64], float]:
    from sklearn.linear_model import LogisticRegression

    labelled = np.flatnonzero(~np.isnan(target))
    violating, innocent = labelled[target[labelled] > 0], labelled[target[labelled] < 1]
    if not len(violating) or not len(innocent):  # a fold that was dealt none of one kind knows the base rate, and no more
        share = (target[labelled].sum() + 0.5) / (len(labelled) + 1)
        return np.zeros(rows.shape[1]), float(np.log(share / (1 - share)))
    both = np.concatenate([violating, innocent])
    weight = np.concatenate([target[violating], 1 - target[innocent]])
    answer = np.repeat([1, 0], [len(violating), len(innocent)])
    model = LogisticRegression(C=inverse_regularisation, solver="liblinear", max_iter=200, random_state=0)
    model.fit(rows[both], answer, sample_weight=weight)
    return model.coef_[0], float(model.intercept_[0])


def _idf(counts: sparse.csr_matrix) -> NDArray[np.float32]:
    """Smoothed inverse document frequency, ``float32 (N_COLUMNS,)``: ln((1 + n) / (1 + df)) + 1; 0 below ``MIN_ADS``."""
    df = np.bincount(counts.indices, minlength=N_COLUMNS)
    return np.where(df >= MIN_ADS, np.log((1 + counts.shape[0]) / (1 + df)) + 1, 0.0).astype(np.float32)
