"""One score out of several: a logistic blend of the models' log-odds, one row of weights a policy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

ADDED = "transformer"
"""A component that is a sum to be added to the first's log-odds: its weight is drawn towards the first's, not to nothing."""


@dataclass(frozen=True)
class BlendModel:
    """``weights`` is ``float64 (n_policies, n_components)`` and never negative, ``bias`` ``float64 (n_policies,)``."""

    components: tuple[str, ...]
    weights: NDArray[np.float64]
    bias: NDArray[np.float64]

    def logits(self, parts: Mapping[str, NDArray[np.float64]]) -> NDArray[np.float64]:
        """Log-odds ``float64 (n_ads, n_policies)`` from each component's log-odds of that shape."""
        return sum((parts[name] * self.weights[:, i] for i, name in enumerate(self.components)), start=self.bias)

    def of(self, components: Sequence[str]) -> BlendModel:
        """Without the others, whose weights are 0."""
        return BlendModel(tuple(components), self.weights[:, [self.components.index(name) for name in components]], self.bias)

    def to_json(self) -> dict[str, Any]:
        return {"components": list(self.components), "weights": self.weights.tolist(), "bias": self.bias.tolist()}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        return cls(tuple(data["components"]), np.asarray(data["weights"], dtype=np.float64), np.asarray(data["bias"], dtype=np.float64))
