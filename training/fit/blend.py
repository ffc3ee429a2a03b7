"""Fits the blend: how much each model's log-odds count, and which of them earn their place."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from adverdict.models.blend import ADDED, BlendModel
from adverdict.training.evaluation.gains import NEEDED_ERRORS, Earned, by_advertiser, log_loss
from adverdict.training.fit.penalised import fit_logistic

PRIOR_STRENGTH = 30.0
"""Precision of the prior that the first component decides alone, on its own best scale: with few violations that is the safer guess."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class OutOfFold:
    """Log-odds ``(n, n_policies)`` a component of ads that it was not fitted to, beside their ``targets`` of that shape in [0, 1], NaN for
    unlabelled, and ``weight``, ``groups`` (advertisers) and ``fold``, each ``(n,)``. The first component reads the text."""

    parts: Mapping[str, Floats]
    targets: Floats
    weight: Floats
    groups: NDArray[np.intp]
    fold: NDArray[np.intp]

    def only(self, names: Collection[str]) -> OutOfFold:
        return OutOfFold(
            {name: part for name, part in self.parts.items() if name in names}, self.targets, self.weight, self.groups, self.fold
        )

    def of(self, rows: NDArray[np.bool_]) -> OutOfFold:
        parts = {name: part[rows] for name, part in self.parts.items()}
        return OutOfFold(parts, self.targets[rows], self.weight[rows], self.groups[rows], self.fold[rows])

    def policy(self, column: int) -> OutOfFold:
        """The ads labelled under one policy, and it alone."""
        one = OutOfFold(
            {name: part[:, [column]] for name, part in self.parts.items()}, self.targets[:, [column]], self.weight, self.groups, self.fold
        )
        return one.of(~np.isnan(one.targets[:, 0]))


def fit_blend(scores: OutOfFold, earned: Sequence[Earned], policies: Sequence[str]) -> BlendModel:
    """One non-negative logistic blend a policy. Weights shrink to those of the first component alone; one that has not earned its place has
    none."""
    names = tuple(scores.parts)
    out = {(one.component, one.policy) for one in earned if not one.kept}
    weights, bias = np.zeros((len(policies), len(names))), np.zeros(len(policies))
    for column, policy in enumerate(policies):
        kept = [i for i, name in enumerate(names) if (name, policy) not in out]
        x, y, w, _ = _known(scores, column, kept)
        *weights[column, kept], bias[column] = _fit(x, y, w, [names[i] == ADDED for i in kept])
    return BlendModel(names, weights, bias)


def earn(scores: OutOfFold, policies: Sequence[str], keep: Collection[str] = ()) -> Iterator[Earned]:
    """Component by component after the first, each beside those kept before it: blends fitted to some folds and judged on the other.

    Those named in ``keep`` stay whatever they add.
    """
    _, *others = scores.parts
    for column, policy in enumerate(policies):
        kept = [0]
        without = _losses(scores, column, kept)
        for place, component in enumerate(others, start=1):
            with_it = _losses(scores, column, [*kept, place])
            gain, error = by_advertiser(without - with_it, *_known(scores, column, kept)[2:])
            stays = component in keep or gain > NEEDED_ERRORS * error
            if stays:
                kept, without = [*kept, place], with_it
            yield Earned(component, policy, gain, error, stays)


def _known(scores: OutOfFold, column: int, components: Sequence[int]) -> tuple[Floats, Floats, Floats, NDArray[np.intp]]:
    """Of the labelled ads of one policy: log-odds ``(n, n_components)``, targets, weights, advertisers."""
    known = np.flatnonzero(~np.isnan(scores.targets[:, column]))
    parts = list(scores.parts.values())
    x = np.column_stack([parts[i][known, column] for i in components])
    return x, scores.targets[known, column], scores.weight[known], scores.groups[known]


def _fit(x: Floats, y: Floats, w: Floats, added: Sequence[bool]) -> Floats:
    """Weights of the components and a bias, ``(n_components + 1,)``."""
    design = np.column_stack([x, np.ones(len(x))])
    prior = np.zeros(design.shape[1])
    together = [0, *np.flatnonzero(added)]
    prior[together] = _slope_alone(np.column_stack([x[:, together].sum(axis=1), np.ones(len(x))]), y, w)
    precision = np.append(PRIOR_STRENGTH * x.var(axis=0), 0.01)
    return fit_logistic(design, y, w, prior, precision, np.append(np.ones(x.shape[1], dtype=bool), False))


def _slope_alone(x: Floats, y: Floats, w: Floats) -> float:
    """The weight a component would have on its own: what brings its log-odds to scale."""
    spread = float(x[:, 0].std()) or 1.0
    slope, _ = fit_logistic(x / [spread, 1.0], y, w, np.array([1.0, 0.0]), np.array([1.0, 0.01]), np.array([True, False]))
    return float(slope) / spread


def _losses(scores: OutOfFold, column: int, components: Sequence[int]) -> Floats:
    """Log loss of each labelled ad, ``(n,)``, under a blend fitted to the other folds."""
    x, y, w, _ = _known(scores, column, components)
    fold, names = scores.fold[~np.isnan(scores.targets[:, column])], [*scores.parts]
    added = [names[i] == ADDED for i in components]
    out = np.empty(len(y))
    for one in np.unique(fold):
        here = fold == one
        *slopes, bias = _fit(x[~here], y[~here], w[~here], added)
        said = x[here] @ np.array(slopes) + bias
        out[here] = log_loss(said, y[here])
    return out
