"""Curves over the threshold as points of a drawing; the templates only draw them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from adverdict.serving.console.bars import position
from adverdict.serving.console.policies.shares import ScoredDecisions

WIDTH, HEIGHT = 330, 140
TICKS = (0.005, 0.02, 0.1, 0.5, 0.9, 0.98, 0.995)
POINTS = 90
ENDS = 0.003


@dataclass(frozen=True)
class Axis:
    """A tick: where it stands and what it says."""

    at: float
    told: str


@dataclass(frozen=True)
class Curve:
    """A line and, where there is one, the band around it, as the ``points`` of SVG."""

    lines: tuple[str, ...]
    """Of a line that leaves the drawing, its parts within."""
    band: str
    beyond: tuple[Axis, ...] = ()
    """Where it is beyond the upper edge, and how far it goes there."""


def grid() -> list[float]:
    """Thresholds evenly spread over the axis, which is in log-odds."""
    ends = np.log((1 - ENDS) / ENDS)
    return [float(1 / (1 + np.exp(-x))) for x in np.linspace(-ends, ends, POINTS)]


def x_of(threshold: float) -> float:
    return position(threshold, WIDTH)


def ticks() -> list[Axis]:
    return [Axis(x_of(tick), f"{tick:g}") for tick in TICKS]


def shares(seen: ScoredDecisions) -> tuple[Curve, Curve]:
    """Approved if ``approve_below`` stood here, rejected if ``reject_at`` did; of all ads, from 0 to 1."""
    n = max(len(seen.risk), 1)
    approved = [(at, float(np.searchsorted(seen.risk, at, side="left")) / n) for at in grid()]
    return _line(approved, 1.0), _line([(at, 1 - share) for at, share in approved], 1.0)


def errors(seen: ScoredDecisions, side: str, top: float) -> Curve:
    """Leakage (``approve``) or wrongful rejection (``reject``) over the threshold, with its interval, up to ``top``."""
    line, low, high = [], [], []
    for at in grid():
        split = seen.split(at, at)
        wrong = split.leakage if side == "approve" else split.wrongful
        if wrong.value is not None:
            line.append((at, wrong.value))
            low.append((at, wrong.low))
            high.append((at, wrong.high))
    lines, beyond = _within(line, top)
    return Curve(lines, _points([*high, *reversed(low)], top), beyond)


def top_of(targets: Iterable[float], now: Iterable[float | None]) -> float:
    """The height of an axis: the target and what is seen now, with room above."""
    return min(1.0, max(0.02, *(3 * target for target in targets), *(1.5 * value for value in now if value)))


def _within(points: Sequence[tuple[float, float]], top: float) -> tuple[tuple[str, ...], tuple[Axis, ...]]:
    """The parts of a line below ``top``, and a mark where it goes beyond, saying how far: a line along the edge would say ``top``."""
    parts: list[list[tuple[float, float]]] = [[]]
    beyond: list[list[tuple[float, float]]] = [[]]
    for before, point in zip([None, *points], points, strict=False):
        inside = point[1] <= top
        if before is not None and (before[1] <= top) != inside:
            share = (top - before[1]) / (point[1] - before[1])
            crossing = before[0] + share * (point[0] - before[0]), top
            if inside:
                parts.append([crossing])
                beyond.append([])
            else:
                parts[-1].append(crossing)
        (parts if inside else beyond)[-1].append(point)
    marks = (Axis(x_of(run[len(run) // 2][0]), f"↑ {max(share for _, share in run):.0%}") for run in beyond if run)
    return tuple(_points(part, top) for part in parts if len(part) > 1), tuple(marks)


def y_of(share: float, top: float) -> float:
    return round(HEIGHT * (1 - min(share / top, 1.0)), 1)


def _line(points: Sequence[tuple[float, float]], top: float) -> Curve:
    return Curve((_points(points, top),), "")


def _points(points: Iterable[tuple[float, float]], top: float) -> str:
    return " ".join(f"{x_of(x)},{y_of(y, top)}" for x, y in points)
