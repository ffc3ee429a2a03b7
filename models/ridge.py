"""One ridge regression over what an ad says: its n-grams, its word vectors, its facts in numbers, and facts and words together.

All in log-odds: the regression is scaled to them when it is fitted (``training.fit.ridge``), so its parts add up to what it says.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.numpy import save_file

from adverdict.models.ngram import NgramModel

FILE = "ridge.safetensors"
FACTS, WORDS = "facts", "words"
FURTHEST = 5.0
"""Standard deviations beyond which a fact is as far out as it can be."""
AT_A_TIME = 256
"""Ads compared with all centres at a time: bounds memory."""

Floats = NDArray[np.float64]
Views = Mapping[str, Floats]
"""What kernels read of some ads, each ``float64 (n_ads, width)``: ``FACTS`` from ``FactScale``, ``WORDS`` from ``models.vectors``."""


@dataclass(frozen=True)
class FactScale:
    """Facts on one scale: signed logarithms, centred and divided by their deviation in training. ``names`` are columns of the contract's
    shared features, ``mean`` and ``deviation`` ``float64 (n_facts,)``, the latter positive."""

    names: tuple[str, ...]
    mean: Floats
    deviation: Floats

    def of(self, shared: Floats, columns: Sequence[str]) -> Floats:
        """``float64 (n_ads, n_facts)`` from ``FeatureTable.shared``, whose ``columns`` are the contract's; 0 where a fact is not stated."""
        # Side by side in memory: numpy's logarithm of scattered numbers differs in the last digit.
        values = signed_log(np.ascontiguousarray(shared[:, _places(tuple(columns), self.names)]))
        scaled = np.clip((values - self.mean) / self.deviation, -FURTHEST, FURTHEST)
        return np.asarray(np.where(np.isnan(scaled), 0.0, scaled))


@lru_cache(maxsize=8)
def _places(columns: tuple[str, ...], names: tuple[str, ...]) -> list[int]:
    """Of the names among the columns: the same for all of a bundle's ads."""
    return [columns.index(name) for name in names]


@dataclass(frozen=True)
class NearCentres:
    """A sum over centres of exp(-sharpness |x - centre|^2) times their coefficients (a Nyström approximation of the kernel's machine).

    A point ``x`` is the views of an ad named in ``reads``, side by side, times ``scale`` ``float64 (width,)``; ``centres`` is
    ``float64 (n_centres, width)``, ``coefficients`` ``(n_centres, n_policies)``.
    """

    reads: tuple[str, ...]
    scale: Floats
    centres: Floats
    coefficients: Floats
    sharpness: float

    @cached_property
    def _lengths(self) -> Floats:
        return squared_lengths(self.centres)

    def of(self, views: Views) -> Floats:
        """``float64 (n, n_policies)``. An ad's sum never depends on the ads beside it."""
        points = point(views, self.reads, self.scale)
        out = np.empty((len(points), self.coefficients.shape[1]))
        for start in range(0, len(points), AT_A_TIME):
            near = nearness(points[start : start + AT_A_TIME], self.centres, self.sharpness, self._lengths)
            out[start : start + AT_A_TIME] = np.stack([(near * column).sum(axis=1) for column in self.coefficients.T], axis=1)
        return out


@dataclass(frozen=True)
class RidgeModel:
    """``kernels`` are none where training had nothing but n-grams."""

    ngram: NgramModel
    scale: FactScale
    kernels: tuple[NearCentres, ...] = ()

    def logits(self, ngram: Floats, views: Views) -> Floats:
        """Log-odds of a violation ``float64 (n_ads, n_policies)``, not calibrated, from those of ``ngram`` and the ads' views."""
        return sum((kernel.of(views) for kernel in self.kernels), start=ngram)

    def fact_effects(self, views: Views) -> Floats:
        """What each fact of one ad, whose views have one row, adds to its log-odds beside one that does not state it:
        ``float64 (n_facts, n_policies)``."""
        reading = [kernel for kernel in self.kernels if FACTS in kernel.reads]
        stated = views[FACTS]
        n = stated.shape[1]
        without = {name: np.repeat(view, n, axis=0) for name, view in views.items()}
        without[FACTS] = np.where(np.eye(n, dtype=bool), 0.0, stated)
        nothing = np.zeros((n, len(self.ngram.bias)))
        return sum((kernel.of(views) - kernel.of(without) for kernel in reading), start=nothing)

    def save(self, folder: Path) -> None:
        self.ngram.save(folder)
        tensors = kernels_to_tensors(self.kernels) | {"mean": self.scale.mean, "deviation": self.scale.deviation}
        save_file(tensors, folder / FILE, told_of(self.kernels, self.scale.names))

    @classmethod
    def load(cls, folder: Path, n_policies: int, widths: Mapping[str, int]) -> Self:
        """``widths``: of the views there are beside facts. Raises ValueError when the tensors do not fit each other, them or
        ``n_policies``."""
        ngram = NgramModel.load(folder, n_policies)
        if not (folder / FILE).is_file():
            return cls(ngram, FactScale((), np.zeros(0), np.zeros(0)))
        with safe_open(folder / FILE, framework="numpy") as file:
            names = tuple(json.loads(file.metadata()[TOLD])["facts"])
            scale = FactScale(names, file.get_tensor("mean"), file.get_tensor("deviation"))
            if scale.mean.shape != (len(names),) or scale.deviation.shape != (len(names),) or not scale.deviation.min(initial=1.0) > 0:
                raise ValueError(f"{FILE}: facts whose scale does not fit them or is not positive")
            return cls(ngram, scale, kernels_from_file(file, FILE, n_policies, {**widths, FACTS: len(names)}))


TOLD = "told"
_TENSORS = ("scale", "centres", "coefficients", "sharpness")


def kernels_to_tensors(kernels: Sequence[NearCentres]) -> dict[str, Floats]:
    return {
        f"{number}.{name}": np.ascontiguousarray(getattr(kernel, name), dtype=np.float64)
        for number, kernel in enumerate(kernels)
        for name in _TENSORS
    }


def told_of(kernels: Sequence[NearCentres], facts: Sequence[str] = ()) -> dict[str, str]:
    """What a file says of its tensors in words: under one name, for several would stand in another order each time."""
    return {TOLD: json.dumps({"facts": [*facts], "reads": [[*kernel.reads] for kernel in kernels]})}


def kernels_from_file(file: Any, name: str, n_policies: int, widths: Mapping[str, int]) -> tuple[NearCentres, ...]:
    """From an open safetensors file called ``name``. Raises ValueError when one does not fit the views' ``widths`` or ``n_policies``."""
    kernels = []
    for number, reads in enumerate(json.loads(file.metadata()[TOLD])["reads"]):
        tensors = {part: file.get_tensor(f"{number}.{part}") for part in _TENSORS}
        kernel = NearCentres(tuple(reads), **tensors | {"sharpness": tensors["sharpness"].item()})
        width, n = sum(widths.get(view, 0) for view in kernel.reads), len(kernel.centres)
        shapes = kernel.scale.shape, kernel.centres.shape, kernel.coefficients.shape
        if shapes != ((width,), (n, width), (n, n_policies)) or not widths.keys() >= set(kernel.reads):
            raise ValueError(f"{name}: a kernel on {' and '.join(kernel.reads)} that does not fit them and {n_policies} policies")
        kernels.append(kernel)
    return tuple(kernels)


def point(views: Views, reads: Sequence[str], scale: Floats) -> Floats:
    """The views side by side, each number times its scale, ``float64 (n_ads, len(scale))``."""
    return np.concatenate([views[name] for name in reads], axis=1) * scale


def signed_log(values: Floats) -> Floats:
    """ln(1 + |x|) with the sign of x; NaN stays NaN."""
    return np.asarray(np.sign(values) * np.log1p(np.abs(values)))


def squared_lengths(points: Floats) -> Floats:
    """``float64 (n,)``."""
    return np.asarray((points * points).sum(axis=1))


def nearness(a: Floats, b: Floats, sharpness: float, b_lengths: Floats | None = None) -> Floats:
    """exp(-sharpness |a - b|^2), ``float64 (len(a), len(b))``; each value the same whatever else is asked for. ``b_lengths``: those of
    ``squared_lengths``, for who asks about the same ``b`` again and again."""
    # Row by row: a product of two matrices is summed in an order that depends on how many rows they have.
    product = np.array([b @ row for row in np.ascontiguousarray(a)]).reshape(len(a), len(b))
    away = squared_lengths(a)[:, None] + (squared_lengths(b) if b_lengths is None else b_lengths) - 2 * product
    return np.asarray(np.exp(-sharpness * np.maximum(away, 0.0)))
