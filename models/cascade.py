"""The early exit: what the cheap models alone say of an ad, calibrated, and how far the whole bundle may end up from it.

The encoder costs ten times what everything before it costs, and for most ads it changes nothing: their risk is far from every threshold.
``doubt`` is the estimated chance that it would change a verdict (a sum over policies, Bonferroni's bound). It only ranks ads; how much
doubt is allowed is settled on other ads, by counting the verdicts that flip (``certification.exits.solve``).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy import special

from adverdict.models.blend import BlendModel
from adverdict.models.calibration import Calibration, logit

FILE = "cascade.json"
TAILS = 3.0
"""Degrees of freedom of the spread's tails: an encoder that reads what no n-gram says surprises more often than a normal error would."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Spread:
    """Where one policy's whole risk lies, given the early one; all in log-odds and ``float64 (n_knots,)``.

    Around ``centre``, spread by ``down`` below and by ``up`` above it, at early log-odds ``score``; linear between knots, level beyond.
    """

    score: Floats
    centre: Floats
    down: Floats
    up: Floats

    def below(self, early: Floats, cut: Floats) -> Floats:
        """P(whole log-odds < cut | early log-odds): two halves of Student's t with ``TAILS`` degrees of freedom. All ``(n_ads,)``."""
        centre, down, up = (np.interp(early, self.score, values) for values in (self.centre, self.down, self.up))
        away = cut - centre
        return np.asarray(special.stdtr(TAILS, away / np.where(away < 0, down, up)))

    def to_json(self) -> dict[str, Any]:
        return {name: getattr(self, name).tolist() for name in ("score", "centre", "down", "up")}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Raises ValueError unless the knots are equally many, rising, and their spreads positive."""
        arrays = [np.asarray(data[name], dtype=np.float64) for name in ("score", "centre", "down", "up")]
        score, _, down, up = arrays
        if score.ndim != 1 or not score.size or any(array.shape != score.shape for array in arrays):
            raise ValueError("a spread has equally many knots of each kind, at least one")
        if not np.isfinite(arrays).all() or np.any(np.diff(score) <= 0) or min(down.min(), up.min()) <= 0:
            raise ValueError("a spread's knots must be finite, its scores rise and its widths be positive")
        return cls(*arrays)


@dataclass(frozen=True)
class Cascade:
    """The exit before the encoder, one ``Spread`` a policy."""

    blend: BlendModel
    calibration: Calibration
    spreads: tuple[Spread, ...]

    def risk(self, logits: Floats, markets: Sequence[str]) -> Floats:
        """Calibrated early risks, ``float64 (n_ads, n_policies, 3)``, from ``blend.logits``."""
        return self.calibration.apply(logits, markets)

    def doubt(self, p: Floats, cuts: Floats) -> Floats:
        """Estimated chance that the encoder would change a verdict, ``float64 (n_ads,)``; it may exceed 1.

        ``p`` are early risks ``(n_ads, n_policies)``, ``cuts`` the risks at which verdicts change ``(n_ads, n_policies, 2)``. Raises
        ValueError for other policies' risks.
        """
        if p.shape[1] != len(self.spreads):
            raise ValueError(f"risks under {p.shape[1]} policies, and the early exit knows {len(self.spreads)}")
        early, ends = logit(p), _log_odds(cuts)
        approve, reject = p < cuts[:, :, 0], p >= cuts[:, :, 1]
        total = np.zeros(len(p))
        for column, spread in enumerate(self.spreads):
            below = [spread.below(early[:, column], ends[:, column, side]) for side in (0, 1)]
            stays = np.where(approve[:, column], below[0], np.where(reject[:, column], 1.0 - below[1], below[1] - below[0]))
            total += 1.0 - stays
        return total

    def to_json(self) -> dict[str, Any]:
        return {
            "blend": self.blend.to_json(),
            "calibration": self.calibration.to_json(),
            "spreads": [spread.to_json() for spread in self.spreads],
        }

    @classmethod
    def load(cls, folder: Path) -> Self | None:
        """That of the bundle in a folder; None: it has none."""
        path = folder / FILE
        return cls.from_json(json.loads(path.read_bytes())) if path.is_file() else None

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        return cls(
            BlendModel.from_json(data["blend"]),
            Calibration.from_json(data["calibration"]),
            tuple(Spread.from_json(one) for one in data["spreads"]),
        )


def _log_odds(cuts: Floats) -> Floats:
    """Unlike a risk, a threshold may be 0 or 1: nothing lies beyond those."""
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(cuts) - np.log1p(-cuts))
