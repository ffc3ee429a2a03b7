"""Rows of cells that have types of their own, as spreadsheets and databases hold them, in the forms that the data contract reads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from adverdict.domain.errors import Mistake, NotFound
from adverdict.domain.written import says_nothing
from adverdict.storage.tables.pieces import Columns, Rows, check_header
from adverdict.storage.tables.reading import TEXTS, Reading

EXACT = 10**15
"""From here on a spreadsheet rounds whole numbers: it keeps 15 digits."""

Line = tuple[int, Sequence[Any]]
"""The number a person would see, and the cells."""


def grid_rows(file: str, lines: Iterable[Line], columns: Columns, rows: int, reading: Reading, *, rounds: bool) -> Iterator[Rows]:
    """The rows below the first line, which is the header, in pieces of up to ``rows``. A line without a value holds no row.

    ``rounds``: whether long whole numbers may have been rounded, so that no id is read from one. Raises InvalidTable, NotFound.
    """
    rest = ((number, cells) for number, cells in lines if any(_said(cell) for cell in cells))
    _, first = next(rest, (0, ()))
    if not first:
        raise NotFound(f"{file} is empty: no header, no rows")
    header = [reading.named(str(cell).strip(), columns.known) if _said(cell) else "" for cell in first]
    check_header(file, [name for name in header if name], columns, reading)
    dropped = {name for name in header if name and name not in columns.known}
    piece = Rows(file, dropped=set(dropped))
    for number, cells in rest:
        beside = [cell for place, cell in enumerate(cells) if _said(cell) and (place >= len(header) or not header[place])]
        if beside:
            expected = f"a name in the header above each cell; it has {len(header)} columns"
            piece.mistakes.append(Mistake("row", beside[0], expected, f"{file} row {number}"))
        else:
            piece.numbers.append(number)
            named = zip(header, cells, strict=False)
            piece.values.append({name: _cell(name, cell, columns, rounds) for name, cell in named if name in columns.known and _said(cell)})
        if len(piece.values) + len(piece.mistakes) >= rows:
            yield piece
            piece = Rows(file, dropped=set(dropped))
    yield piece


def _said(cell: Any) -> bool:
    return cell is not None and cell != "" and cell == cell  # NaN is no value


def _cell(name: str, value: Any, columns: Columns, rounds: bool) -> Any:
    """One cell as the contract reads it; what it does not read stays as it came, to be refused."""
    if name in columns.lists and isinstance(value, str) and not says_nothing(value) and not value.lstrip().startswith("["):
        return [part.strip() for part in value.split("|")]
    if isinstance(value, Decimal):
        value = int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, date) and not isinstance(value, datetime):
        return value.isoformat()
    if name not in TEXTS:
        return value
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:.5E}" if rounds and abs(value) >= EXACT else str(value)
    return str(value) if isinstance(value, float | UUID) else value
