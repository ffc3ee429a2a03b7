"""From a blended score to a probability that means what it says, with an interval; stored as plain knots."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
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
        return Calibration((self,)).apply(score[:, None], markets)[:, 0]

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
        shift, spread = self._shifts.of(markets)
        centre, low, high = self._curves.at(scores)
        around = np.empty((*scores.shape, 3))
        around[..., 0] = centre
        around[..., 1] = centre - np.hypot(centre - low, spread)
        around[..., 2] = centre + np.hypot(high - centre, spread)
        around += shift[..., None]
        return np.clip(sigmoid(around), FLOOR, 1 - FLOOR)

    @cached_property
    def _curves(self) -> _Curves:
        return _Curves(self.policies)

    @cached_property
    def _shifts(self) -> _Shifts:
        return _Shifts(self.policies)

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


class _Curves:
    """The knots of all curves one after the other, so that all are read at once: ``np.interp`` costs more than one ad's whole curve.

    Linear between the knots and, with the slope of the last two, beyond them, so that extreme scores keep their order.
    """

    def __init__(self, policies: Sequence[PolicyCalibration]) -> None:
        self._scores = [policy.score for policy in policies]
        self._begin = np.cumsum([0, *map(len, self._scores)])[:-1]
        self._knots = np.concatenate(self._scores)
        curves = [np.stack([policy.centre, policy.low, policy.high]) for policy in policies]
        slopes = [np.diff(values) / np.diff(score) for values, score in zip(curves, self._scores, strict=True)]
        self._values = np.concatenate(curves, axis=1)
        self._slopes = np.concatenate([np.pad(slope, ((0, 0), (0, 1))) for slope in slopes], axis=1)
        """From each knot to the next; 0 at the last one."""
        self._first, self._last = (np.array([score[end] for score in self._scores]) for end in (0, -1))
        self._left, self._right = (np.stack([slope[:, end] for slope in slopes], axis=1)[:, None] for end in (0, -1))

    def at(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """Centre, low and high, ``float64 (3, n_ads, n_policies)``."""
        within = np.clip(scores, self._first, self._last)
        knot = np.empty(scores.shape, dtype=np.intp)
        for column, score in enumerate(self._scores):
            knot[:, column] = score.searchsorted(within[:, column], side="right")
        knot += self._begin - 1
        inside = self._slopes[:, knot] * (within - self._knots[knot]) + self._values[:, knot]
        beyond = np.minimum(scores - self._first, 0) * self._left, np.maximum(scores - self._last, 0) * self._right
        return np.asarray(inside + beyond[0] + beyond[1])


class _Shifts:
    """What is known of each market, under all policies."""

    def __init__(self, policies: Sequence[PolicyCalibration]) -> None:
        names = sorted({name for policy in policies for name in policy.markets})
        unseen = [MarketShift(0.0, policy.between_markets) for policy in policies]
        known = [[policy.markets.get(name, other) for policy, other in zip(policies, unseen, strict=True)] for name in names]
        self._row = {name: row for row, name in enumerate(names)}
        self._shift = np.array([[one.shift for one in market] for market in [*known, unseen]])
        self._spread = Z90 * np.array([[one.standard_error for one in market] for market in [*known, unseen]])

    def of(self, markets: Sequence[str]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Shifts, and half the width of their 90 % intervals, each ``float64 (n_ads, n_policies)``."""
        rows = [self._row.get(market, len(self._row)) for market in markets]
        return self._shift.take(rows, axis=0), self._spread.take(rows, axis=0)
