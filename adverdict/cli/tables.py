"""How the benchmarks print: numbers, tables, and lines that nobody's data can garble."""

from __future__ import annotations


def number(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:,.2f}" if abs(value) < 10 else f"{value:,.0f}"


def table(columns: list[str], rows: list[list[str]]) -> None:
    from rich.markup import escape
    from rich.table import Table

    from adverdict.cli.console import out, printable

    shown = Table(box=None, header_style="bold")
    for column in columns:
        shown.add_column(column)
    for row in rows:
        shown.add_row(*(escape(printable(cell)) for cell in row))
    out.print(shown)


def say(text: str, style: str | None = None) -> None:
    from adverdict.cli.console import out, printable

    out.print(printable(text), style=style, markup=False, highlight=False)
