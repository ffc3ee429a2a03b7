"""The curves of the report: precision-recall, reliability, net benefit. Arrays only; nothing here draws."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from adverdict.certification.statistics.intervals import by_group
from adverdict.models.calibration import logit, sigmoid
from adverdict.training.evaluation.metrics import PolicyScores

Floats = NDArray[np.float64]

NEAR = (-0.5, 0.5, -1.0, 1.0)
"""Where bins end around a threshold, beside at it, in log-odds: to e times less likely than the threshold and e times more."""

APART = 0.4
"""No bin ends closer than this, in log-odds, to one that a threshold asks for: slivers would hold a handful of ads."""


@dataclass(frozen=True)
class PrecisionRecall:
    """Rejecting at each score there is, the highest first: all ``float64 (n_scores,)``, in [0, 1]."""

    threshold: Floats
    precision: Floats
    recall: Floats


@dataclass(frozen=True)
class Bin:
    """Ads whose risk lies in ``[low, high)``: what was promised (``risk``, their mean) and what came (``rate`` with a 95 % interval)."""

    low: float
    high: float
    n: int
    positives: int
    risk: float
    rate: float
    rate_low: float
    rate_high: float


@dataclass(frozen=True)
class DecisionCurve:
    """Net benefit an ad of rejecting at each ``threshold``, ``float64 (n_thresholds,)``; rejecting nothing has 0."""

    threshold: Floats
    model: Floats
    reject_all: Floats


def precision_recall(rated: PolicyScores) -> PrecisionRecall | None:
    """Precision and recall at every distinct score; ``None`` without a positive."""
    if not rated.y.any():
        return None
    order = np.argsort(-rated.p, kind="stable")
    p, y = rated.p[order], rated.y[order]
    last = np.flatnonzero(np.append(np.diff(p) != 0, True))
    found = np.cumsum(y)[last]
    return PrecisionRecall(p[last], found / (last + 1), found / y.sum())


def reliability(rated: PolicyScores, near: Sequence[float] = (), bins: int = 10) -> list[Bin]:
    """Promised against observed, in bins of equally many ads, and finer round each threshold of ``near``, where an error costs verdicts.

    Bins nobody is in are left out. The interval is over whole advertisers.
    """
    if not rated.p.size:
        return []
    edges = _edges(rated.p, near, bins)
    where = np.clip(np.searchsorted(edges, rated.p, side="right") - 1, 0, edges.size - 2)
    return [_bin(float(edges[i]), float(edges[i + 1]), rated, where == i) for i in np.unique(where)]


def decision_curve(rated: PolicyScores, thresholds: Sequence[float] | Floats) -> DecisionCurve | None:
    """Net benefit per ad (Vickers & Elkin 2006, Med Decis Making 26, 565-574); ``None`` without ads.

    Violations rejected, less wrongful rejections at the rate t / (1 - t) at which somebody who rejects from risk t accepts them. Thresholds
    lie in [0, 1).
    """
    if not rated.p.size:
        return None
    t = np.asarray(thresholds, dtype=np.float64)
    price = t / (1 - t)
    rejected = rated.p[None, :] >= t[:, None]
    right = (rejected & rated.y).mean(axis=1)
    wrong = (rejected & ~rated.y).mean(axis=1)
    prevalence = float(rated.y.mean())
    return DecisionCurve(t, right - wrong * price, prevalence - (1 - prevalence) * price)


def _edges(p: Floats, near: Sequence[float], bins: int) -> Floats:
    thresholds = [threshold for threshold in near if 0 < threshold < 1]
    fine = logit(np.array(thresholds)).tolist()
    for end in [centre + off for off in NEAR for centre in fine]:
        fine += [end] if _is_apart(end, fine) else []
    even = np.quantile(p, np.linspace(0, 1, bins + 1)[1:-1])
    coarse = [edge for edge, at in zip(even, logit(even), strict=True) if _is_apart(at, fine)]
    return np.unique(np.concatenate([[0.0, 1.0], thresholds, sigmoid(np.array(fine[len(thresholds) :])), coarse]))


def _is_apart(end: float, others: Sequence[float]) -> bool:
    return all(abs(end - other) >= APART for other in others)


def _bin(low: float, high: float, rated: PolicyScores, here: NDArray[np.bool_]) -> Bin:
    y = rated.y[here]
    n, positives = y.size, int(y.sum())
    return Bin(low, high, n, positives, float(rated.p[here].mean()), positives / n, *by_group(y, rated.clusters[here]))
