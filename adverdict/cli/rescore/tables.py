"""Columns of words and numbers that keep their width: a narrow terminal wraps them, and no figure is ever cut off."""

from __future__ import annotations

from collections.abc import Sequence


def aligned(rows: Sequence[Sequence[str]], words: int = 1) -> list[str]:
    """One line a row; the first ``words`` columns to the left, numbers to the right. All rows have as many cells."""
    from rich.cells import cell_len

    widths = [max(cell_len(row[column]) for row in rows) for column in range(len(rows[0]))] if rows else []
    return [
        "  ".join(_padded(cell, width, column < words) for column, (cell, width) in enumerate(zip(row, widths, strict=True)))
        for row in rows
    ]


def _padded(cell: str, width: int, left: bool) -> str:
    from rich.cells import cell_len

    blanks = " " * (width - cell_len(cell))
    return cell + blanks if left else blanks + cell
