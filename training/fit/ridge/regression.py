"""Fits the ridge regression over n-grams, words and facts: all policies at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from adverdict.models.ridge import FACTS, WORDS
from adverdict.training.fit.ridge.design import Coefficients, Design
from adverdict.training.fit.ridge.kernels import PAST, SIGNALS, KernelSettings, of_facts
from adverdict.training.fit.ridge.newton import Columns, Solution, least_loss, nothing
from adverdict.training.parallel import side_by_side

Floats = NDArray[np.float64]
FactsRead = Mapping[str, NDArray[np.bool_]]
"""Of each kind of facts ``(n_policies,)``: under which policies they count."""


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


def fit_ridge(
    design: Design, rows: NDArray[np.intp], targets: Floats, penalty: float, reads: FactsRead | None = None, start: Solution | None = None
) -> Coefficients:
    """Logistic regressions with a ridge penalty, one a policy, on the labelled ads among ``rows`` (le Cessie & van Houwelingen 1992).

    ``targets`` is ``(len(rows), n_policies)`` in [0, 1], NaN where unlabelled. ``reads``: under which policies which
    kinds of facts count beside n-grams and words; all, unless given. All policies go through the same products with the design; ``start``
    from what a similar design made of the same ads, and fewer are needed.
    """
    pieces = design.pieces(rows)
    between = None if design.between is None else design.between[np.ix_(design.place[rows], design.place[rows])]
    counts = np.ones((design.near.shape[1], targets.shape[1]), dtype=np.float32)
    for kind, under in (reads or {}).items():
        counts[np.ix_(of_facts(design.kernels, kind), ~under)] = 0

    def kernel(v: Floats, columns: Columns) -> Floats:
        """The design times itself."""
        small = v.astype(np.float32)
        of_near = _sum(piece.near.T @ small[piece.ads] for piece in pieces) * counts[:, columns]
        of_grams = None if between is not None else _sum(piece.grams.T @ small[piece.ads] for piece in pieces)
        found = np.zeros(v.shape) if between is None else (between @ small).astype(np.float64)
        for piece in pieces:
            found[piece.ads] += piece.near @ of_near if of_grams is None else piece.grams @ of_grams + piece.near @ of_near
        return found

    solution = least_loss(kernel, targets, penalty, start or nothing(targets))
    each: NDArray[np.float32] = solution.multipliers.astype(np.float32)
    of_grams = _sum(piece.grams.T @ each[piece.ads] for piece in pieces)  # turned round they are the same numbers in memory
    return Coefficients(of_grams, _sum(piece.near.T @ each[piece.ads] for piece in pieces) * counts, solution)


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


def _sum(parts: Iterable[NDArray[np.float32]]) -> NDArray[np.float32]:
    first, *others = parts
    return sum(others, start=first)
