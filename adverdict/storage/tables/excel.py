"""Rows of Excel workbooks (``.xlsx``)."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from adverdict.domain.errors import InvalidTable, Mistake
from adverdict.storage.tables.bombs import refuse_workbook
from adverdict.storage.tables.grid import Line, grid_rows
from adverdict.storage.tables.pieces import Columns, Rows
from adverdict.storage.tables.reading import AS_IS, Reading

UNSAVED = "a formula whose result was kept; open the workbook in a spreadsheet program and save it"


def excel_rows(path: Path, columns: Columns, rows: int, reading: Reading = AS_IS) -> Iterator[Rows]:
    """As ``rows.read_rows``: of the sheet that was said; else of the one named as the table; else of the only one that holds anything.

    Times are those that Excel shows, which state no zone. Raises InvalidTable with the sheets to choose from.
    """
    title = "ads" if "title" in columns.known or reading.label else "labels"
    with _opened(path) as book:
        full = _full(book)
        sheet = _chosen(book, full, path.name, title, reading)
        aside = [f"sheet {other!r} was not read" for other in full if other not in (sheet, "ads", "labels")]
        lines = (line for line in _lines(path, book[sheet]) if line[0] >= (reading.header_row or 1))
        for piece in grid_rows(path.name, lines, columns, rows, reading, rounds=True):
            piece.aside = aside
            yield piece


def sheet_names(path: Path) -> list[str]:
    """The sheets that hold anything. Raises InvalidTable."""
    with _opened(path) as book:
        return _full(book)


def first_lines(path: Path, sheet: str, most: int) -> list[Line]:
    """The first lines that hold anything. Raises InvalidTable."""
    with _opened(path) as book:
        return list(islice(_lines(path, book[sheet]), most))


def _full(book: Any) -> list[str]:
    return [sheet.title for sheet in book.worksheets if any(True for _ in islice(_cells(sheet), 1))]


def _chosen(book: Any, full: list[str], file: str, title: str, reading: Reading) -> str:
    if reading.sheet:
        if reading.sheet not in book.sheetnames:
            found = ", ".join(book.sheetnames)
            raise InvalidTable(f"cannot read {file}", [Mistake("sheet", reading.sheet, f"one of the sheets {found}", file)])
        return reading.sheet
    if title in full or len(full) < 2:
        return title if title in full else (full or book.sheetnames)[0]
    expected = f"one sheet that holds anything, or one named {title}; here are {', '.join(full)}: --sheet '{full[0]}' chooses one"
    raise InvalidTable(f"cannot read {file}", [Mistake("sheet", None, expected, file)])


def _lines(path: Path, sheet: Any) -> Iterator[Line]:
    """Rows that hold anything. Raises InvalidTable where a formula stands whose result nobody kept: an empty cell it is not."""
    if not _has_formulas(path):
        yield from _cells(sheet)
        return
    with _opened(path, formulas=True) as book:
        both = zip(_cells(book[sheet.title], blank=True), _cells(sheet, blank=True), strict=True)
        for (number, formulas), (_, cells) in both:
            for formula, result in zip(formulas, cells, strict=True):
                if result is None and formula is not None:
                    where = f"{path.name} sheet {sheet.title} row {number}"
                    raise InvalidTable(f"cannot read {path.name}", [Mistake("formula", str(formula), UNSAVED, where)])
            if any(cell is not None for cell in cells):
                yield number, cells


def _cells(sheet: Any, *, blank: bool = False) -> Iterator[Line]:
    sheet.reset_dimensions()  # what other programs write there is often wrong
    for number, cells in enumerate(sheet.iter_rows(values_only=True), start=1):
        if blank or any(cell is not None for cell in cells):
            yield number, cells


@contextmanager
def _opened(path: Path, *, formulas: bool = False) -> Iterator[Any]:
    """The workbook with what its formulas came to when it was saved, or with the formulas. Raises InvalidTable."""
    import openpyxl
    from openpyxl.utils.exceptions import InvalidFileException

    with path.open("rb") as file:
        try:
            refuse_workbook(path)
            book = openpyxl.load_workbook(file, read_only=True, data_only=not formulas)
        except (zipfile.BadZipFile, InvalidFileException, KeyError, ValueError) as error:
            expected = "a workbook that can be read, without a password"
            raise InvalidTable(f"cannot read {path.name}", [Mistake("file", str(error), expected, where=path.name)]) from error
        try:
            yield book
        finally:
            book.close()


def _has_formulas(path: Path) -> bool:
    with zipfile.ZipFile(path) as parts:
        return any(b"<f" in parts.read(name) for name in parts.namelist() if name.startswith("xl/worksheets/"))
