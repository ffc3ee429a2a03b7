"""When ads arrive: working hours, weekends, a market's launch and a sale weekend every fifty days. Exact counts, without a random number
kept."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from adverdict.simulation.mix import Floats, Ints, below, mix
from adverdict.simulation.world import DAYS, LAUNCH_DAY, START

BLOCK_ADS = 8192
_HOURS = np.array([2, 1, 1, 1, 1, 2, 4, 7, 10, 12, 12, 11, 10, 11, 12, 12, 11, 9, 7, 6, 6, 5, 4, 3])
_WEEK = np.array([10, 11, 11, 11, 10, 6, 5])
FIRST_SALE, SALE_EVERY, SALE_DAYS = 38, 50, 2
"""Of sale weekends, in days."""
SALE = 2.8
"""Times as many ads."""


@dataclass(frozen=True, slots=True)
class Span:
    """Ads ``first`` to ``last`` (excluded), all of one day."""

    number: int
    day: int
    first: int
    last: int


class Arrivals:
    """The hour of each of ``ads`` ads over ``days`` days. ``spike`` says how crowded an hour is beside a usual one (1.0 and more)."""

    def __init__(self, seed: int, ads: int, days: int = DAYS) -> None:
        self.days = days
        calm = np.tile(_HOURS, days) * np.repeat(np.tile(_WEEK, days // 7 + 1)[:days], 24)
        busy = np.full(days * 24, 10)
        for sale in range(FIRST_SALE, days, SALE_EVERY):
            busy[sale * 24 : (sale + SALE_DAYS) * 24] = round(10 * SALE)
        for launch in np.unique(LAUNCH_DAY[LAUNCH_DAY > 0]):
            busy[launch * 24 : (launch + 2) * 24] = 35
        jitter = below(mix(seed, "hours", np.arange(days * 24)), "jitter", 60) + 70
        edges = np.cumsum(calm * busy * jitter)
        self.spike: Floats = busy / 10.0
        self.ends: Ints = edges * ads // edges[-1]

    def spans(self) -> Iterator[Span]:
        """Cut time into days, and crowded days into spans of at most ``BLOCK_ADS`` ads."""
        number, first = 0, 0
        for day in range(self.days):
            end = int(self.ends[day * 24 + 23])
            while first < end:
                last = min(first + BLOCK_ADS, end)
                yield Span(number, day, first, last)
                number, first = number + 1, last

    def times(self, span: Span, u: Floats) -> tuple[Ints, Ints]:
        """Unix seconds in order, and the hour since the start, of the span's ads; ``u`` uniform in [0, 1) places an ad in its turn."""
        index = np.arange(span.first, span.last)
        hour = np.searchsorted(self.ends, index, side="right")
        begin = np.where(hour > 0, self.ends[hour - 1], 0)
        within = (index - begin + u) * 3600 / (self.ends[hour] - begin)
        return START + hour * 3600 + np.minimum(within.astype(np.int64), 3599), hour


def _week_of_hours() -> Floats:
    week = (_WEEK[:, None] * _HOURS[None, :]).ravel().astype(np.float64)
    return np.asarray(week / week.sum())


WEEK_OF_HOURS: Floats = _week_of_hours()
"""Share of a usual week's ads in each of its hours from Monday 00:00 on; float64 (168,)."""
