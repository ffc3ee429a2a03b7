"""What a transformer makes of a text, read by a ridge beside all that the ridge of every ad reads: its first layers untouched, a mean over
the text, a few directions.

The layers run for ads in doubt alone (``models.cascade``).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from adverdict.models.ridge import WORDS, RidgeModel

FOLDER = "transformer"
FILE = f"{FOLDER}/directions.safetensors"
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
    """``ridge`` reads ``STATES``, alone and beside facts, and what every ad's ridge reads."""

    directions: Directions
    ridge: RidgeModel

    def save(self, folder: Path) -> None:
        (folder / FOLDER).mkdir()
        self.ridge.save(folder / FOLDER)
        save_file({name: np.ascontiguousarray(getattr(self.directions, name)) for name in ("centre", "kept")}, folder / FILE)

    @classmethod
    def load(cls, folder: Path, n_policies: int, words: int) -> Self:
        """``words``: the width of that view, 0 where there is none. Raises ValueError when the tensors do not fit each other, it or
        ``n_policies``."""
        directions = Directions(**load_file(folder / FILE))
        if directions.kept.ndim != 2 or directions.kept.shape[1:] != directions.centre.shape:
            raise ValueError(f"{FILE}: directions that do not fit their centre")
        widths = {STATES: len(directions.kept)} | ({WORDS: words} if words else {})
        return cls(directions, RidgeModel.load(folder / FOLDER, n_policies, widths))
