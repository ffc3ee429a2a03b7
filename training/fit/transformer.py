"""Fits the ridge that reads a transformer's untouched layers too: after how many a text is read, and all coefficients anew."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from adverdict.domain.progress import Progress
from adverdict.models.encoder.transformer import STATES, Directions, TransformerModel
from adverdict.models.ridge import FACTS
from adverdict.training.evaluation.gains import log_loss
from adverdict.training.fit.ridge.design import Design, Read, Tried
from adverdict.training.fit.ridge.kernels import KernelSettings
from adverdict.training.fit.ridge.regression import FactsRead, FoldFits, RidgeSettings, fit_ridge, out_of_fold
from adverdict.training.memory import give_back

KERNELS = (KernelSettings((STATES,), 1.25, 2.0, 128), KernelSettings((STATES, FACTS), 0.5, 2.0, 128, 0.16))
"""Beside those that the ridge reads of every ad."""

AT_ONCE = 8192

Floats = NDArray[np.float64]
Rows = NDArray[np.intp]
States = Callable[[Rows, tuple[int, ...]], NDArray[np.float32]]


@dataclass(frozen=True)
class Offered:
    """What the regression is fitted on: ``states``, ``float32 (len(rows), len(depths), width)`` after some of the ``depths`` layers; what
    the ridge reads of the same ads, its ``settings``, ``design``, the ``facts`` that count under which policy, and what it says of ads that
    it was not fitted to; ``targets`` ``(n_ads, n_policies)``, NaN for unlabelled; ``fold`` ``(n_ads,)``, which advertisers do not share."""

    states: States
    depths: tuple[int, ...]
    read: Read
    design: Design
    settings: RidgeSettings
    facts: FactsRead
    ridge: FoldFits
    targets: Floats
    fold: NDArray[np.intp]
    tried: Tried | None
    """The ads that tell how deep a text is read; None: all."""

    def part(self, tried: Tried) -> Offered:
        rows = tried.rows
        return replace(
            self,
            states=lambda some, depths: self.states(rows[some], depths),
            read=tried.read,
            design=tried.design,
            ridge=self.ridge.part(rows),
            targets=self.targets[rows],
            fold=self.fold[rows],
            tried=None,
        )


@dataclass(frozen=True)
class FittedTransformer:
    """The model on the states after ``depth`` layers, and ``added``, how far each ad's log-odds, when fitted to the other folds, lie from
    the ridge's."""

    model: TransformerModel
    depth: int
    added: Floats


def fit_transformer(offered: Offered, width: int, seed: int, progress: Progress) -> FittedTransformer:
    """Read after as many layers as say most of advertisers that were held back: by log loss, out of fold, of all of them or of as many as
    tell; no text of the others is read further."""
    some = offered.part(offered.tried) if offered.tried else offered
    states = some.states(np.arange(len(some.targets)), offered.depths)
    progress.stage("transformer", len(offered.depths) + 1)
    best = None
    for place, depth in enumerate(offered.depths):
        found = _reading(some, states[:, place], depth, width, seed)
        if best is None or _loss(some, found.said) < _loss(some, best.said):
            best = found
        progress.advance()
    if best is None:
        raise ValueError("no depth to read a text at")
    del states
    give_back()
    everyone = np.arange(len(offered.targets))
    if some is not offered:
        whole = offered.states(everyone, (best.depth,))[:, 0]
        progress.stage("transformer, of all ads", 1)
        give_back()
        best = _reading(offered, whole, best.depth, width, seed, whole=True)
    coefficients = best.said.whole or fit_ridge(
        best.design, everyone, offered.targets, offered.settings.penalty, offered.facts, offered.ridge.solution(-1)
    )
    progress.advance()
    model = TransformerModel(best.directions, best.design.model(coefficients))
    return FittedTransformer(model, best.depth, best.said.log_odds - offered.ridge.log_odds)


@dataclass(frozen=True)
class _Reading:
    depth: int
    directions: Directions
    design: Design
    said: FoldFits


def _reading(offered: Offered, states: NDArray[np.float32], depth: int, width: int, seed: int, *, whole: bool = False) -> _Reading:
    directions = _directions(states, width)
    design = offered.design.beside(offered.read, {STATES: directions.of(states)}, KERNELS, seed)
    said = out_of_fold(design, offered.targets, offered.fold, offered.settings.penalty, offered.facts, offered.ridge, whole=whole)
    return _Reading(depth, directions, design, said)


def _directions(states: NDArray[np.float32], width: int) -> Directions:
    """Those in which states differ most (principal components); fewer than ``width`` where there are no more."""
    centre = states.mean(axis=0, dtype=np.float64)
    spread = np.zeros((states.shape[1],) * 2)
    for start in range(0, len(states), AT_ONCE):
        away = states[start : start + AT_ONCE] - centre
        spread += away.T @ away
    _, vectors = np.linalg.eigh(spread)
    return Directions(centre, np.ascontiguousarray(vectors[:, ::-1][:, : min(width, len(states))].T))


def _loss(offered: Offered, said: FoldFits) -> float:
    """Mean log loss of the labels, in nats."""
    known = ~np.isnan(offered.targets)
    return float(log_loss(said.log_odds[known], offered.targets[known]).mean())
