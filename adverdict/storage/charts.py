"""Small charts of pages, drawn as SVG by ``charts.html``: no script, no library, and the page's own colours.

Only what is drawn is worked out here: positions between 0 and the width or height of a drawing that stretches. Words stand beside it in
HTML, where they can be read at any width.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

HEIGHT = 100.0
STEP = 10.0
"""Width of a column with its gap."""
FILLED = 8.0
WIDTH = 200.0
"""Of the drawing of an interval."""


@dataclass(frozen=True)
class Segment:
    """A part of a column. ``kind``: a class of the style sheet."""

    kind: str
    y: float
    height: float


@dataclass(frozen=True)
class Column:
    """``label``: below it; empty where there is no room for one. ``told``: what it holds, in words."""

    x: float
    label: str
    told: str
    segments: tuple[Segment, ...]
    href: str = ""


@dataclass(frozen=True)
class Columns:
    columns: tuple[Column, ...]
    top: float
    """The value at the upper edge."""

    @property
    def width(self) -> float:
        return STEP * max(len(self.columns), 1)

    @property
    def height(self) -> float:
        return HEIGHT

    @property
    def filled(self) -> float:
        return FILLED


@dataclass(frozen=True)
class Bar:
    """One value: what is below it, its parts from the bottom up, what it is in words, and where it leads."""

    label: str
    parts: Mapping[str, float]
    told: str
    href: str = ""


def columns(bars: Sequence[Bar], labels: int = 8) -> Columns:
    """Stacked columns; ``labels``: how many are written at most, evenly."""
    top = nice_top(max((sum(bar.parts.values()) for bar in bars), default=0.0))
    every = max(1, math.ceil(len(bars) / labels))
    drawn = [_column(number, bar, top, bar.label if number % every == 0 else "") for number, bar in enumerate(bars)]
    return Columns(tuple(drawn), top)


def _column(number: int, bar: Bar, top: float, label: str) -> Column:
    ends = list(accumulate(bar.parts.values()))
    begins = [0.0, *ends[:-1]]
    scale = HEIGHT / top
    segments = (
        Segment(kind, round(HEIGHT - scale * end, 2), round(scale * (end - begin), 2))
        for kind, begin, end in zip(bar.parts, begins, ends, strict=True)
        if end > begin
    )
    return Column(STEP * number + (STEP - FILLED) / 2, label, bar.told, tuple(segments), bar.href)


def nice_top(value: float) -> float:
    """The next of 1, 2, 5 times a power of ten: what an axis ends with."""
    if value <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 2, 5, 10) if step * power >= value * (1 - 1e-9))


@dataclass(frozen=True)
class Interval:
    """An estimate with its interval and what it is to keep, on an axis shared by all of a table. Positions in 0..``WIDTH``."""

    low: float
    value: float
    high: float
    target: float | None
    beyond: bool
    """Whether the interval goes on past the right edge."""

    @property
    def width(self) -> float:
        return WIDTH


def interval(low: float, value: float, high: float, target: float | None, top: float) -> Interval:
    def at(share: float) -> float:
        return round(WIDTH * min(max(share / top, 0.0), 1.0), 1)

    return Interval(at(low), at(value), at(high), None if target is None else at(target), high > top)


def top_of(targets: Sequence[float], highs: Sequence[float]) -> float:
    """An axis on which all targets can be seen, and most of the intervals: what is far beyond is cut, and said to be."""
    aims = max(targets, default=0.01)
    return nice_top(max(aims * 1.5, min(max(highs, default=0.0), aims * 4)))


def filled(done: float, of: float) -> float:
    """Of a progress bar, in 0..100."""
    return round(100 * min(max(done / of, 0.0), 1.0), 1) if of > 0 else 0.0
