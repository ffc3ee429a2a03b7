"""Text of strangers in CSV files that people open."""

from __future__ import annotations

STARTS = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")
"""What a cell begins with that a spreadsheet takes for a formula; at the end in full width. Source: OWASP, CSV Injection."""


def inert(text: str) -> str:
    """A cell that spreadsheets show as it is: one they would run as a formula begins with an apostrophe instead."""
    return f"'{text}" if text.startswith(STARTS) else text
