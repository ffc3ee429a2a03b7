"""How commands print columns: of words and numbers, without lines, and nothing in them that a stranger's name could garble."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.table import Table

    from adverdict.decisions.policy import PolicyBook


def number(value: float | None) -> str:
    """Two decimals below ten, whole from there on."""
    from adverdict.domain import formats

    return formats.number(value, ",.2f" if value is not None and abs(value) < 10 else ",.0f")


def columns(names: Iterable[str], *, left: Collection[str] = (), title: str | None = None, no_wrap: bool = False) -> Table:
    """An empty table: numbers to the right, the columns named in ``left`` to the left."""
    from rich.table import Table

    made = Table(box=None, header_style="bold", title=title, title_justify="left")
    for name in names:
        made.add_column(name, justify="left" if name in left else "right", no_wrap=no_wrap, overflow="ellipsis" if no_wrap else "fold")
    return made


def table(names: list[str], rows: list[list[str]]) -> None:
    """Print rows as they are, all to the left."""
    from rich.markup import escape

    from adverdict.cli.console import out, printable

    shown = columns(names, left=names)
    for row in rows:
        shown.add_row(*(escape(printable(cell)) for cell in row))
    out.print(shown)


def aligned(rows: Sequence[Sequence[str]], words: int = 1) -> list[str]:
    """One line a row, which a narrow terminal wraps, and no figure is ever cut off.

    The first ``words`` columns go to the left, numbers to the right. All rows have as many cells.
    """
    from rich.cells import cell_len

    widths = [max(cell_len(row[column]) for row in rows) for column in range(len(rows[0]))] if rows else []
    return [
        "  ".join(_padded(cell, width, column < words) for column, (cell, width) in enumerate(zip(row, widths, strict=True)))
        for row in rows
    ]


def say(text: str, style: str | None = None) -> None:
    from adverdict.cli.console import out, printable

    out.print(printable(text), style=style, markup=False, highlight=False)


def _padded(cell: str, width: int, left: bool) -> str:
    from rich.cells import cell_len

    blanks = " " * (width - cell_len(cell))
    return cell + blanks if left else blanks + cell


def say_unmatched(book: PolicyBook, scored: Collection[str]) -> None:
    """Policies that the model does not score, and risks that no policy is about, in one line; nothing where all match."""
    from adverdict.cli.console import err, printable
    from adverdict.decisions.unmatched import unmatched

    if told := unmatched(book, scored):
        err.print(printable(f"warning: {told}"), style="yellow", markup=False, highlight=False)
