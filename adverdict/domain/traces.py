"""What may be logged of an exception that came up over an ad: its kind and where, never its words.

Libraries repeat what they stumble over, so a traceback as Python writes it puts ads into the log.
"""

from __future__ import annotations

import traceback

FRAMES = 8
"""Of the innermost calls."""


def trace(error: BaseException) -> str:
    """``ValueError at ridge.py:88 < bundle.py:140 < …, after KeyError at …``: kinds and places, the innermost call first."""
    told = f"{type(error).__name__} at {_places(error)}"
    before = error.__cause__ or error.__context__
    return told if before is None else f"{told}, after {type(before).__name__} at {_places(before)}"


def _places(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)[-FRAMES:]
    return " < ".join(f"{frame.filename.rpartition('/')[2]}:{frame.lineno}" for frame in reversed(frames)) or "nowhere"
