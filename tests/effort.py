"""How much is drawn: a part of it in ``make test``, all of it in ``make test-slow`` (``--hypothesis-profile=whole``)."""

from __future__ import annotations

import os
from typing import Any

from hypothesis import settings

PART = 0.2
"""Of Hypothesis' examples; runs differ in what they draw, so that many short ones see what a long one does."""

settings.register_profile(  # how long an example takes is the machine's affair
    "default", deadline=None, max_examples=round(100 * PART), derandomize="CI" in os.environ
)
settings.register_profile("whole", deadline=None, derandomize=True)  # the same code passes, or fails, wherever it is run
settings.load_profile("default")  # Hypothesis' own option comes later and wins


def whole() -> bool:
    return settings.get_current_profile_name() == "whole"


def part_of(number: int, part: float = PART) -> int:
    """``number`` when everything is drawn, else a part of it."""
    return number if whole() else max(1, round(number * part))


def examples(number: int, **others: Any) -> settings:
    """Decorates a property: ``number`` examples when everything is drawn, else a part of them."""
    return settings(max_examples=part_of(number), **others)
