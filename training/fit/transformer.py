"""Fits the ridge that reads a transformer's untouched layers too: after how many a text is read, and all coefficients anew."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from adverdict.models.encoder.transformer import STATES, Directions, TransformerModel
from adverdict.models.ridge import FACTS
from adverdict.training.evaluation.gains import log_loss
from adverdict.training.fit.ridge import MOST_BETWEEN, Design, FactsRead, KernelSettings, Read, RidgeSettings, fit_ridge, out_of_fold
from adverdict.training.fit.splits import some_advertisers

KERNELS = (KernelSettings((STATES,), 1.25, 2.0, 128), KernelSettings((STATES, FACTS), 0.5, 2.0, 128, 0.16))
"""Beside those that the ridge reads of every ad."""

Floats = NDArray[np.float64]
Rows = NDArray[np.intp]


@dataclass(frozen=True)
class Offered:
    """What the regression is fitted on: ``states`` ``float32 (n_ads, n_depths, width)``, after each of ``depths`` layers; what the ridge
    reads of the same ads, its ``settings``, ``design`` and the ``facts`` that count under which policy; ``ridge``, its log-odds of ads that
    it was not fitted to, and ``targets``, both ``(n_ads, n_policies)``, NaN for unlabelled; ``fold`` ``(n_ads,)``, which advertisers,
    ``groups``, do not share."""

    states: NDArray[np.float32]
    depths: tuple[int, ...]
    read: Read
    design: Design
    settings: RidgeSettings
    facts: FactsRead
    ridge: Floats
    targets: Floats
    groups: Sequence[str]
    fold: NDArray[np.intp]

    def part(self, rows: Rows, seed: int) -> Offered:
        """Some of the ads, with a design of their own."""
        read, groups = self.read.part(rows), [self.groups[row] for row in rows.tolist()]
        design = Design.of(read, self.settings, seed)
        some = {name: getattr(self, name)[rows] for name in ("states", "ridge", "targets", "fold")}
        return replace(self, read=read, design=design, groups=groups, **some)


@dataclass(frozen=True)
class FittedTransformer:
    """The model on the states after ``depth`` layers, and ``added``, how far each ad's log-odds, when fitted to the other folds, lie from
    the ridge's."""

    model: TransformerModel
    depth: int
    added: Floats


def fit_transformer(offered: Offered, width: int, seed: int, advance: Callable[[], object]) -> FittedTransformer:
    """Read after as many layers as say most of advertisers that were held back: by log loss, out of fold, of all of them or of as many as a
    design still keeps all pairs of."""
    rows = some_advertisers(offered.groups, MOST_BETWEEN, seed)
    some = offered if len(rows) == len(offered.groups) else offered.part(rows, seed)
    best = None
    for place in range(len(offered.depths)):
        found = _reading(some, place, width, seed)
        if best is None or _loss(some, found.said) < _loss(some, best.said):
            best = found
        advance()
    if best is None:
        raise ValueError("no depth to read a text at")
    if some is not offered:
        best = _reading(offered, best.place, width, seed)
    everyone = np.arange(len(offered.targets))
    coefficients = fit_ridge(best.design, everyone, offered.targets, offered.settings.penalty, offered.facts)
    model = TransformerModel(best.directions, best.design.model(coefficients))
    return FittedTransformer(model, offered.depths[best.place], best.said - offered.ridge)


@dataclass(frozen=True)
class _Reading:
    place: int
    directions: Directions
    design: Design
    said: Floats


def _reading(offered: Offered, place: int, width: int, seed: int) -> _Reading:
    states = offered.states[:, place]
    directions = _directions(states, width)
    design = offered.design.beside(offered.read, {STATES: directions.of(states)}, KERNELS, seed)
    return _Reading(place, directions, design, out_of_fold(design, offered.targets, offered.fold, offered.settings.penalty, offered.facts))


def _directions(states: NDArray[np.float32], width: int) -> Directions:
    """Those in which states differ most (principal components); fewer than ``width`` where there are no more."""
    centre = states.mean(axis=0, dtype=np.float64)
    away = states - centre
    _, vectors = np.linalg.eigh(away.T @ away)
    return Directions(centre, np.ascontiguousarray(vectors[:, ::-1][:, : min(width, len(states))].T))


def _loss(offered: Offered, said: Floats) -> float:
    """Mean log loss of the labels, in nats."""
    known = ~np.isnan(offered.targets)
    return float(log_loss(said[known], offered.targets[known]).mean())
