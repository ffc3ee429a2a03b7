"""From a blended score to a probability that means what it says, with an interval; stored as plain knots."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

FLOOR = 1e-6
"""Risks are kept inside [FLOOR, 1 - FLOOR]: no model knows more than that, and a threshold of 1 must reject nobody."""

Z90 = 1.6448536269514722
"""Half-width of a central 90 % normal interval, in standard deviations."""


@dataclass(frozen=True)
class MarketShift:
    """How a market's log-odds differ from the pooled curve: an estimate shrunk towards 0, and its standard error."""

    shift: float
    standard_error: float


@dataclass(frozen=True)
class PolicyCalibration:
    """One policy's curve: ``score`` (log-odds in) against ``centre``, ``low``, ``high`` (log-odds out), all ``float64 (n_knots,)``.

    ``low`` and ``high`` bound the curve's own 90 % sampling interval. ``between_markets`` is the standard deviation of markets around the
    pooled curve, in log-odds: what is not known about a market that no label came from.
    """

    score: NDArray[np.float64]
    centre: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    markets: Mapping[str, MarketShift]
    between_markets: float

    def apply(self, score: NDArray[np.float64], markets: Sequence[str]) -> NDArray[np.float64]:
        """``float64 (n_ads, 3)``: calibrated p, p_low, p_high, in [FLOOR, 1 - FLOOR], rising with the score within a market."""
        unseen = MarketShift(0.0, self.between_markets)
        found = [self.markets.get(market, unseen) for market in markets]
        shift = np.array([market.shift for market in found])
        spread = Z90 * np.array([market.standard_error for market in found])
        centre, low, high = (_interpolate(score, self.score, knots) for knots in (self.centre, self.low, self.high))
        below = np.hypot(centre - low, spread)
        above = np.hypot(high - centre, spread)
        return np.clip(sigmoid(np.column_stack([centre, centre - below, centre + above]) + shift[:, None]), FLOOR, 1 - FLOOR)

    def to_json(self) -> dict[str, Any]:
        return {
            **{name: getattr(self, name).tolist() for name in ("score", "centre", "low", "high")},
            "markets": {name: [market.shift, market.standard_error] for name, market in sorted(self.markets.items())},
            "between_markets": self.between_markets,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        score, centre, low, high = (np.asarray(data[name], dtype=np.float64) for name in ("score", "centre", "low", "high"))
        if not (score.shape == centre.shape == low.shape == high.shape) or score.size < 2 or np.any(np.diff(score) <= 0):
            raise ValueError("calibration knots must be equally many, at least two, with rising scores")
        if np.any(np.diff(centre) < 0) or not np.isfinite([score, centre, low, high]).all():
            raise ValueError("a calibration curve must be finite and never fall")
        markets = {name: MarketShift(*values) for name, values in data["markets"].items()}
        shifts = [
            float(data["between_markets"]),
            *(value for market in markets.values() for value in (market.shift, market.standard_error)),
        ]
        if not np.isfinite(shifts).all() or min([shifts[0], *(market.standard_error for market in markets.values())]) < 0:
            raise ValueError("calibration of markets must be finite, their errors not negative")
        return cls(score, centre, low, high, markets, float(data["between_markets"]))


@dataclass(frozen=True)
class Calibration:
    """One curve a policy, in the order of the bundle's policies."""

    policies: tuple[PolicyCalibration, ...]

    def apply(self, scores: NDArray[np.float64], markets: Sequence[str]) -> NDArray[np.float64]:
        """``float64 (n_ads, n_policies, 3)``: p, p_low, p_high, from blended log-odds ``float64 (n_ads, n_policies)``."""
        return np.stack([policy.apply(scores[:, i], markets) for i, policy in enumerate(self.policies)], axis=1)

    def to_json(self) -> list[dict[str, Any]]:
        return [policy.to_json() for policy in self.policies]

    @classmethod
    def from_json(cls, data: Sequence[Mapping[str, Any]]) -> Self:
        return cls(tuple(PolicyCalibration.from_json(policy) for policy in data))


def sigmoid(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """1 / (1 + exp(-x)), without overflow for any finite ``x``."""
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * x)))


def logit(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """Log-odds of probabilities, kept finite by ``FLOOR``."""
    kept = np.clip(p, FLOOR, 1 - FLOOR)
    return np.asarray(np.log(kept) - np.log1p(-kept))


def _interpolate(x: NDArray[np.float64], knots: NDArray[np.float64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Linear between the knots and, with the slope of the last two, beyond them, so that extreme scores keep their order."""
    inside = np.interp(x, knots, values)
    left = (values[1] - values[0]) / (knots[1] - knots[0])
    right = (values[-1] - values[-2]) / (knots[-1] - knots[-2])
    return np.asarray(inside + np.minimum(x - knots[0], 0) * left + np.maximum(x - knots[-1], 0) * right)
