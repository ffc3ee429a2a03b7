"""In which hours of a week most of something lies, in words."""

from __future__ import annotations

from datetime import date

import numpy as np

from adverdict.workforce.volume.history import WEEK, Floats

MOST = 0.75
"""Share that the hours named have at least."""
WIDEST = 0.7
"""Of a day, beyond which hours say nothing."""
WEEKEND = 0.4
"""Share on Saturdays and Sundays from which on they are named; evenly spread it is 2/7."""


def mostly(work: Floats, start: date) -> str:
    """``work``: in each block of a week from midnight UTC of ``start`` on, float64 (a multiple of 7,), not all zero. Such as
    "80% of that 16:00-04:00 UTC, 45% of it on Saturday and Sunday".
    """
    by_day = work.reshape(WEEK, -1)
    total, blocks = float(work.sum()), by_day.shape[1]
    hours, parts = 24 // blocks, by_day.sum(axis=0) / total
    found = []
    for length in range(1, blocks + 1):
        sums = [float(np.roll(parts, -begin)[:length].sum()) for begin in range(blocks)]
        begin = int(np.argmax(sums))
        if sums[begin] >= MOST:
            if length / blocks <= WIDEST:
                end = (begin + length) * hours % 24
                found.append(f"{sums[begin]:.0%} of that {begin * hours:02d}:00-{end:02d}:00 UTC")
            break
    weekend = sum(float(day.sum()) for number, day in enumerate(by_day) if (start.weekday() + number) % WEEK >= 5) / total
    if weekend >= WEEKEND:
        found.append(f"{weekend:.0%} of {'it' if found else 'that'} on Saturday and Sunday")
    return ", ".join(found) or "at all hours"
