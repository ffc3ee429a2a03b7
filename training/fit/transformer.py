"""Fits what a transformer's untouched layers add to the ridge: after how many a text is read, and a kernel regression there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from adverdict.models.encoder.transformer import STATES, Directions, TransformerModel
from adverdict.models.ridge import FACTS
from adverdict.training.evaluation.gains import log_loss
from adverdict.training.fit.parallel import side_by_side
from adverdict.training.fit.penalised import fit_logistic
from adverdict.training.fit.ridge import CREATIVE, KernelSettings, Near, near_centres, of_facts, there, with_coefficients

PENALTY = 0.5
"""Of half the squared coefficients, beside the log loss in nats."""
KERNELS = (KernelSettings((STATES,), 1.25, 2.0, 128), KernelSettings((STATES, FACTS), 0.5, 2.0, 128, 0.16))

Floats = NDArray[np.float64]
Rows = NDArray[np.intp]


@dataclass(frozen=True)
class Offered:
    """What the regression is fitted on: ``states`` ``float32 (n_ads, n_depths, width)``, after each of ``depths`` layers; ``facts`` on the
    ridge's scale; ``ridge``, its log-odds of ads it was not fitted to, and ``targets``, both ``(n_ads, n_policies)``, NaN for unlabelled;
    ``reads_facts`` ``(n_policies,)``, those of the creative, as the ridge does; ``fold`` ``(n_ads,)``, which advertisers do not share."""

    states: NDArray[np.float32]
    depths: tuple[int, ...]
    facts: Floats
    fact_names: tuple[str, ...]
    ridge: Floats
    targets: Floats
    reads_facts: NDArray[np.bool_]
    fold: NDArray[np.intp]


@dataclass(frozen=True)
class FittedTransformer:
    """The model on the states after ``depth`` layers, and ``added``, what it adds to each ad's log-odds when fitted to the other folds."""

    model: TransformerModel
    depth: int
    added: Floats


def fit_transformer(offered: Offered, width: int, seed: int, advance: Callable[[], object]) -> FittedTransformer:
    """Read after as many layers as say most of advertisers that were held back: by log loss, out of fold."""
    best = None
    for place, depth in enumerate(offered.depths):
        directions = _directions(offered.states[:, place], width)
        views = {STATES: directions.of(offered.states[:, place]), FACTS: offered.facts}
        names = offered.fact_names
        kernels = [near_centres(views, names, kernel, seed) for kernel in KERNELS if there(kernel, views, names)]
        design = np.concatenate([features for _, features in kernels], axis=1)
        found = _Read(depth, directions, [kernel for kernel, _ in kernels], design, _out_of_fold(offered, design, kernels))
        if best is None or _loss(offered, found.added) < _loss(offered, best.added):
            best = found
        advance()
    if best is None:
        raise ValueError("no depth to read a text at")
    everyone = np.arange(len(offered.targets))
    return FittedTransformer(best.model(_fit(offered, best.design, best.kernels, everyone)), best.depth, best.added)


@dataclass(frozen=True)
class _Read:
    depth: int
    directions: Directions
    kernels: list[Near]
    design: Floats
    added: Floats

    def model(self, coefficients: Floats) -> TransformerModel:
        return TransformerModel(self.directions, with_coefficients(self.kernels, coefficients))


def _directions(states: NDArray[np.float32], width: int) -> Directions:
    """Those in which states differ most (principal components); fewer than ``width`` where there are no more."""
    centre = states.mean(axis=0, dtype=np.float64)
    away = states - centre
    _, vectors = np.linalg.eigh(away.T @ away)
    return Directions(centre, np.ascontiguousarray(vectors[:, ::-1][:, : min(width, len(states))].T))


def _out_of_fold(offered: Offered, design: Floats, kernels: list[tuple[Near, Floats]]) -> Floats:
    added = np.empty_like(offered.targets)
    for fold in range(int(offered.fold.max()) + 1):
        train, held_out = np.flatnonzero(offered.fold != fold), np.flatnonzero(offered.fold == fold)
        added[held_out] = design[held_out] @ _fit(offered, design, [kernel for kernel, _ in kernels], train)
    return added


def _fit(offered: Offered, design: Floats, kernels: list[Near], rows: Rows) -> Floats:
    """Coefficients ``(n_columns, n_policies)``: logistic regressions whose log-odds start from the ridge's."""
    reading = of_facts(kernels, CREATIVE)
    out = np.zeros((design.shape[1], offered.targets.shape[1]))

    def one(policy: int) -> None:
        columns = np.flatnonzero(~reading | offered.reads_facts[policy])
        known = rows[~np.isnan(offered.targets[rows, policy])]
        n = len(columns)
        out[columns, policy] = fit_logistic(
            design[np.ix_(known, columns)],
            offered.targets[known, policy],
            np.ones(len(known)),
            prior=np.zeros(n),
            precision=np.full(n, PENALTY),
            nonnegative=np.zeros(n, dtype=bool),
            offset=offered.ridge[known, policy],
        )

    side_by_side(one, out.shape[1])
    return out


def _loss(offered: Offered, added: Floats) -> float:
    """Mean log loss of the labels, in nats."""
    known = ~np.isnan(offered.targets)
    return float(log_loss((offered.ridge + added)[known], offered.targets[known]).mean())
