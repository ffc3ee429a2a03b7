"""Kernel ridge regression on what a frozen transformer makes of a text: strong where labels are few and tuning would only memorise."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

FILE = "kernel.safetensors"
SHARPNESS = 2.0
"""``g`` of the kernel exp(-g |a - b|^2) between unit vectors."""

ROWS = 256
"""Texts compared with all landmarks at a time: bounds memory."""
SMALL_PRODUCT = 1_000_001
"""Multiplications below which matrix libraries take another way, which sums in another order; likewise for a single row."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class KernelModel:
    """``scale`` and ``mean`` are ``float64 (width,)``, ``landmarks`` ``(n_landmarks, width)`` of unit length, ``coefficients``
    ``(n_landmarks, n_policies)``, ``slope`` and ``offset`` ``(n_policies,)``: they turn the regression's output into log-odds."""

    scale: Floats
    mean: Floats
    landmarks: Floats
    coefficients: Floats
    slope: Floats
    offset: Floats

    def logits(self, embedding: NDArray[np.float32]) -> Floats:
        """Log-odds ``float64 (n_texts, n_policies)`` from embeddings ``(n_texts, width)``."""
        return self.regression(embedding) * self.slope + self.offset

    def regression(self, embedding: NDArray[np.float32]) -> Floats:
        """The regression's output before scaling, ``float64 (n_texts, n_policies)``. A text's never depends on the texts beside it."""
        least = max(2, -(-SMALL_PRODUCT // self.landmarks.size))
        out = np.empty((len(embedding), len(self.slope)))
        for start in range(0, len(embedding), ROWS):
            some = standardised(embedding[start : start + ROWS], self.scale, self.mean)
            # The landmarks first: matrix libraries then sum alike wherever a text stands, which the other way round they do not.
            near = np.ascontiguousarray(similarity(self.landmarks, _at_least(some, least)).T[: len(some)])
            out[start : start + ROWS] = np.stack([(near * column).sum(axis=1) for column in self.coefficients.T], axis=1)
        return out

    def save(self, folder: Path) -> None:
        save_file({name: np.ascontiguousarray(getattr(self, name)) for name in _TENSORS}, folder / FILE)

    @classmethod
    def load(cls, folder: Path, n_policies: int) -> KernelModel:
        """Raises ValueError when the tensors do not fit each other or ``n_policies``."""
        model = cls(**{name: tensor.astype(np.float64) for name, tensor in load_file(folder / FILE).items()})
        n, width = model.landmarks.shape
        expected = [(width,), (width,), (n, width), (n, n_policies), (n_policies,), (n_policies,)]
        if [getattr(model, name).shape for name in _TENSORS] != expected:
            raise ValueError(f"{FILE}: tensors that do not fit {n} landmarks of {width} and {n_policies} policies")
        return model


_TENSORS = ("scale", "mean", "landmarks", "coefficients", "slope", "offset")


def standardised(embedding: NDArray[np.float32], scale: Floats, mean: Floats) -> Floats:
    """Scaled, centred and brought to unit length, ``float64 (n, width)``."""
    centred = embedding.astype(np.float64) * scale - mean
    norm = np.linalg.norm(centred, axis=1, keepdims=True)
    return centred / np.where(norm > 0, norm, 1.0)


def similarity(a: Floats, b: Floats) -> Floats:
    """exp(-g |a - b|^2) of unit vectors, ``float64 (len(a), len(b))``."""
    return np.exp(-SHARPNESS * np.maximum(2.0 - 2.0 * (a @ b.T), 0.0))


def _at_least(rows: Floats, least: int) -> Floats:
    """The rows, followed by zeros where there are fewer than ``least``."""
    return rows if len(rows) >= least else np.concatenate([rows, np.zeros((least - len(rows), rows.shape[1]))])
