"""What a transformer makes of a text, and what that adds to the ridge: its first layers untouched, a mean over the text, a few directions.

The layers run for ads in doubt alone (``models.cascade``). In log-odds, to be added to the ridge's.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.numpy import save_file

from adverdict.models.ridge import FACTS, NearCentres, Views, kernels_from_file, kernels_to_tensors, told_of

FILE = "transformer.safetensors"
STATES = "states"
"""The view that kernels read: what the transformer makes of a text."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Directions:
    """In which texts' mean states differ most: ``centre`` ``float64 (width,)``, ``kept`` ``(n_kept, width)``."""

    centre: Floats
    kept: Floats

    def of(self, states: NDArray[np.float32]) -> Floats:
        """``float64 (n_texts, n_kept)`` of unit length, from mean states ``(n_texts, width)``, each the same in any company."""
        away = states.astype(np.float64) - self.centre
        found = np.array([self.kept @ row for row in away]).reshape(len(away), len(self.kept))
        length = np.sqrt((found * found).sum(axis=1, keepdims=True))
        return np.asarray(found / np.where(length > 0, length, 1.0))


@dataclass(frozen=True)
class TransformerModel:
    """``kernels`` read ``STATES``, alone and beside facts."""

    directions: Directions
    kernels: tuple[NearCentres, ...]

    def logits(self, states: NDArray[np.float32], facts: Floats) -> Floats:
        """What the text's states add to the ridge's log-odds, ``float64 (n_ads, n_policies)``; ``facts`` on the ridge's scale."""
        views: Views = {STATES: self.directions.of(states), FACTS: facts}
        return sum((kernel.of(views) for kernel in self.kernels[1:]), start=self.kernels[0].of(views))

    def save(self, folder: Path) -> None:
        directions = {name: np.ascontiguousarray(getattr(self.directions, name)) for name in ("centre", "kept")}
        save_file(kernels_to_tensors(self.kernels) | directions, folder / FILE, told_of(self.kernels))

    @classmethod
    def load(cls, folder: Path, n_policies: int, n_facts: int) -> Self:
        """Raises ValueError when the tensors do not fit each other, ``n_policies`` or the ridge's ``n_facts``."""
        with safe_open(folder / FILE, framework="numpy") as file:
            directions = Directions(file.get_tensor("centre"), file.get_tensor("kept"))
            kernels = kernels_from_file(file, FILE, n_policies, {STATES: len(directions.kept), FACTS: n_facts})
        if not kernels or directions.kept.shape[1:] != directions.centre.shape:
            raise ValueError(f"{FILE}: no kernel, or directions that do not fit")
        return cls(directions, kernels)
