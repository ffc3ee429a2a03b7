"""Fits the ridge that reads a transformer's untouched layers too: after how many a text is read, and all coefficients anew."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from adverdict.domain.progress import Progress
from adverdict.models.encoder.transformer import STATES, Directions, TransformerModel
from adverdict.models.ridge import FACTS
from adverdict.training.evaluation.gains import log_loss
from adverdict.training.fit.ridge import (
    MOST_TRIED,
    Design,
    FactsRead,
    FoldFits,
    KernelSettings,
    Read,
    RidgeSettings,
    fit_ridge,
    out_of_fold,
)
from adverdict.training.fit.splits import some_advertisers

KERNELS = (KernelSettings((STATES,), 1.25, 2.0, 128), KernelSettings((STATES, FACTS), 0.5, 2.0, 128, 0.16))
"""Beside those that the ridge reads of every ad."""

Floats = NDArray[np.float64]
Rows = NDArray[np.intp]
States = Callable[[Rows, tuple[int, ...]], NDArray[np.float32]]


@dataclass(frozen=True)
class Offered:
    """What the regression is fitted on: ``states``, ``float32 (len(rows), len(depths), width)`` after some of the ``depths`` layers; what
    the ridge reads of the same ads, its ``settings``, ``design``, the ``facts`` that count under which policy, and what it says of ads that
    it was not fitted to; ``targets`` ``(n_ads, n_policies)``, NaN for unlabelled; ``fold`` ``(n_ads,)``, which advertisers, ``groups``, do
    not share."""

    states: States
    depths: tuple[int, ...]
    read: Read
    design: Design
    settings: RidgeSettings
    facts: FactsRead
    ridge: FoldFits
    targets: Floats
    groups: Sequence[str]
    fold: NDArray[np.intp]

    def part(self, rows: Rows, seed: int) -> Offered:
        """Some of the ads, with a design of their own."""
        read, groups = self.read.part(rows), [self.groups[row] for row in rows.tolist()]
        design = Design.of(read, self.settings, seed)
        return replace(
            self,
            states=lambda some, depths: self.states(rows[some], depths),
            read=read,
            design=design,
            ridge=self.ridge.part(rows),
            targets=self.targets[rows],
            groups=groups,
            fold=self.fold[rows],
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
    rows = some_advertisers(offered.groups, MOST_TRIED, seed)
    some = offered if len(rows) == len(offered.groups) else offered.part(rows, seed)
    states = some.states(np.arange(len(rows)), offered.depths)
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
    everyone = np.arange(len(offered.targets))
    if some is not offered:
        whole = offered.states(everyone, (best.depth,))[:, 0]
        progress.stage("transformer, of all ads", 1)
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
    away = states - centre
    _, vectors = np.linalg.eigh(away.T @ away)
    return Directions(centre, np.ascontiguousarray(vectors[:, ::-1][:, : min(width, len(states))].T))


def _loss(offered: Offered, said: FoldFits) -> float:
    """Mean log loss of the labels, in nats."""
    known = ~np.isnan(offered.targets)
    return float(log_loss(said.log_odds[known], offered.targets[known]).mean())
