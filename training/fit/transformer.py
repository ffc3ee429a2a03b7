"""Fits the ridge that reads a transformer's untouched layers too: after how many a text is read, and all coefficients anew."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from adverdict.models.encoder.transformer import STATES, Directions, TransformerModel
from adverdict.models.ridge import FACTS
from adverdict.training.evaluation.gains import log_loss
from adverdict.training.fit.parallel import side_by_side
from adverdict.training.fit.ridge import Design, FactsRead, KernelSettings, Read, fit_ridge

KERNELS = (KernelSettings((STATES,), 1.25, 2.0, 128), KernelSettings((STATES, FACTS), 0.5, 2.0, 128, 0.16))
"""Beside those that the ridge reads of every ad."""

Floats = NDArray[np.float64]
Rows = NDArray[np.intp]


@dataclass(frozen=True)
class Offered:
    """What the regression is fitted on: ``states`` ``float32 (n_ads, n_depths, width)``, after each of ``depths`` layers; what the ridge
    reads of the same ads, its ``design``, ``penalty`` and the ``facts`` that count under which policy; ``ridge``, its log-odds of ads that
    it was not fitted to, and ``targets``, both ``(n_ads, n_policies)``, NaN for unlabelled; ``fold`` ``(n_ads,)``, which advertisers do
    not share."""

    states: NDArray[np.float32]
    depths: tuple[int, ...]
    read: Read
    design: Design
    penalty: float
    facts: FactsRead
    ridge: Floats
    targets: Floats
    fold: NDArray[np.intp]


@dataclass(frozen=True)
class FittedTransformer:
    """The model on the states after ``depth`` layers, and ``added``, how far each ad's log-odds, when fitted to the other folds, lie from
    the ridge's."""

    model: TransformerModel
    depth: int
    added: Floats


def fit_transformer(offered: Offered, width: int, seed: int, advance: Callable[[], object]) -> FittedTransformer:
    """Read after as many layers as say most of advertisers that were held back: by log loss, out of fold."""
    best = None
    for place, depth in enumerate(offered.depths):
        directions = _directions(offered.states[:, place], width)
        design = offered.design.beside(offered.read, {STATES: directions.of(offered.states[:, place])}, KERNELS, seed)
        found = _Reading(depth, directions, design, _out_of_fold(offered, design))
        if best is None or _loss(offered, found.said) < _loss(offered, best.said):
            best = found
        advance()
    if best is None:
        raise ValueError("no depth to read a text at")
    coefficients = fit_ridge(best.design, np.arange(len(offered.targets)), offered.targets, offered.penalty, offered.facts)
    return FittedTransformer(TransformerModel(best.directions, best.design.model(coefficients)), best.depth, best.said - offered.ridge)


@dataclass(frozen=True)
class _Reading:
    depth: int
    directions: Directions
    design: Design
    said: Floats


def _directions(states: NDArray[np.float32], width: int) -> Directions:
    """Those in which states differ most (principal components); fewer than ``width`` where there are no more."""
    centre = states.mean(axis=0, dtype=np.float64)
    away = states - centre
    _, vectors = np.linalg.eigh(away.T @ away)
    return Directions(centre, np.ascontiguousarray(vectors[:, ::-1][:, : min(width, len(states))].T))


def _out_of_fold(offered: Offered, design: Design) -> Floats:
    """Log-odds of each ad from a regression fitted to the other folds."""

    def one(k: int) -> tuple[Rows, Floats]:
        train, held_out = np.flatnonzero(offered.fold != k), np.flatnonzero(offered.fold == k)
        return held_out, design.log_odds(fit_ridge(design, train, offered.targets[train], offered.penalty, offered.facts), held_out)

    said = np.empty_like(offered.targets)
    for held_out, logits in side_by_side(one, int(offered.fold.max()) + 1):
        said[held_out] = logits
    return said


def _loss(offered: Offered, said: Floats) -> float:
    """Mean log loss of the labels, in nats."""
    known = ~np.isnan(offered.targets)
    return float(log_loss(said[known], offered.targets[known]).mean())
