"""Rows of CSV files, comma-separated or as somebody said they are."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import compress
from pathlib import Path
from typing import Any, TextIO

from adverdict.domain.errors import InvalidTable, Mistake, NotFound
from adverdict.domain.written import DECIMAL_COMMA, says_nothing
from adverdict.storage.tables.pieces import Columns, Rows, check_header
from adverdict.storage.tables.reading import AS_IS, SEPARATORS, Reading

LONGEST_CELL = 64 * 2**20
"""Characters in one CSV cell. Bounds what an unclosed quotation mark can swallow."""
OTHERS = {mark: name for name, mark in SEPARATORS.items() if name in ("semicolon", "tab", "pipe")}
"""Separators that a file may have instead of the comma, and what an option calls them."""
_SEP_LINE = re.compile(r'"?sep=(.)"?\r?\n')


def csv_rows(path: Path, columns: Columns, rows: int, reading: Reading = AS_IS) -> Iterator[Rows]:
    """As ``rows.read_rows``."""
    csv.field_size_limit(max(LONGEST_CELL, csv.field_size_limit()))  # one setting for the whole process, so only ever raised
    if not reading.encoding:
        refuse_utf16(path)
    # Bytes that are not UTF-8 come through as lone surrogates, so that the row and the column they are in can be named.
    encoding, errors = (reading.encoding, "strict") if reading.encoding else ("utf-8-sig", "surrogateescape")
    with _decodable(path, reading), path.open(encoding=encoding, errors=errors, newline="") as text:
        separator, before = _separator(text, reading, "\t" if path.suffix == ".tsv" else ",")
        reader = csv.reader(text, strict=True, delimiter=separator)
        header = _header(reader, path, columns, reading, separator)
        keep = [name in columns.known for name in header]
        names = list(compress(header, keep))
        dropped = set(header) - columns.known
        piece = Rows(path.name, dropped=dropped)
        for number, cells, mistake in _csv_rows(reader, path.name, len(header), before):
            if mistake is not None:
                piece.mistakes.append(mistake)
            else:
                piece.numbers.append(number)
                piece.values.append({name: cell for name, cell in zip(names, compress(cells, keep), strict=True) if cell != ""})
            if len(piece.values) + len(piece.mistakes) >= rows:
                yield _finish_csv(piece, columns, separator)
                piece = Rows(path.name, dropped=dropped)
        yield _finish_csv(piece, columns, separator)


def _csv_rows(reader: Any, file: str, width: int, before: int) -> Iterator[tuple[int, list[str], Mistake | None]]:
    """Every row with the line it begins on; a row of another width or with broken quoting comes with the mistake it is."""
    while True:
        number = before + reader.line_num + 1
        where = f"{file} row {number}"
        try:
            cells = next(reader, None)
        except csv.Error as error:
            yield number, [], Mistake("row", f"text up to line {before + reader.line_num}", _quoting(error), where)
            continue
        if cells is None:
            return
        if len(cells) == width:
            yield number, cells, None
        elif cells:  # a blank line holds no row
            yield number, [], Mistake("row", cells, f"{width} columns as in the header, not {len(cells)}", where)


def _header(reader: Any, path: Path, columns: Columns, reading: Reading, separator: str) -> list[str]:
    """The fields that the columns hold. Raises InvalidTable, and NotFound where there is no header."""
    try:
        header: list[str] = next(reader, [])
    except csv.Error as error:
        raise InvalidTable(f"cannot read {path.name}", [Mistake("row", None, _quoting(error), f"{path.name} row 1")]) from error
    if not any(header):
        raise NotFound(f"{path.name} is empty: no header, no rows")
    other = max(OTHERS, key=header[0].count)
    if len(header) == 1 and other in header[0] and other != separator:
        expected = f"columns separated by {separator!r}; here they are separated by {other!r}: --separator {OTHERS[other]} reads them"
        raise InvalidTable(f"cannot read {path.name}", [Mistake("separator", other, expected, path.name)])
    header = [reading.named(name.strip() if reading else name, columns.known) for name in header]
    check_header(path.name, header, columns, reading)
    return header


def _separator(text: TextIO, reading: Reading, usual: str) -> tuple[str, int]:
    """What separates the columns, and how many lines come before the header: Excel may say it in a line of its own, ``sep=;``."""
    if reading.header_row:
        before = [text.readline() for _ in range(reading.header_row - 1)]
        said = _SEP_LINE.fullmatch(before[0]) if before else None
        return reading.separator or (said[1] if said else usual), len(before)
    said = _SEP_LINE.fullmatch(text.readline())
    if said:
        return said[1], 1
    text.seek(0)
    return reading.separator or usual, 0


@contextmanager
def _decodable(path: Path, reading: Reading) -> Iterator[None]:
    try:
        yield
    except UnicodeDecodeError as error:
        expected = f"text encoded as {reading.encoding}: {error.reason}"
        raise InvalidTable(f"cannot read {path.name}", [Mistake("encoding", reading.encoding, expected, path.name)]) from error


def _finish_csv(piece: Rows, columns: Columns, separator: str) -> Rows:
    """Lists parsed; text that was not UTF-8 refused by the byte. Where commas do not separate columns, they separate decimals."""
    bad: set[int] = set()
    lists, numbers = sorted(columns.lists), sorted(columns.numbers)
    for index, row in enumerate(piece.values):
        if foreign := _foreign(row):
            piece.mistakes += [
                Mistake(
                    name, row[name], f"UTF-8 text; {what}; --encoding cp1252 reads what older Windows programs write", piece.where(index)
                )
                for name, what in foreign
            ]
            bad.add(index)
        for name in lists:
            if name in row and not says_nothing(row[name]) and not row[name].lstrip().startswith("["):
                row[name] = [part.strip() for part in row[name].split("|")]  # in JSON's form the contract reads it
        for name in numbers if separator == ";" else ():
            if name in row and DECIMAL_COMMA.fullmatch(row[name].strip()):
                row[name] = row[name].strip().replace(",", ".")
    if bad:
        piece.values = [row for index, row in enumerate(piece.values) if index not in bad]
        piece.numbers = [number for index, number in enumerate(piece.numbers) if index not in bad]
    return piece


def _foreign(row: dict[str, str]) -> list[tuple[str, str]]:
    """The cells that were not UTF-8, each with the first byte that is not; one attempt for the whole row, as almost all are."""
    try:
        "".join(row.values()).encode("utf-8")
    except UnicodeEncodeError:
        return [(name, f"the byte 0x{byte:02x} is not") for name, cell in row.items() if (byte := _foreign_byte(cell)) is not None]
    return []


def _foreign_byte(cell: str) -> int | None:
    try:
        cell.encode("utf-8")
    except UnicodeEncodeError as error:
        return ord(cell[error.start]) & 0xFF
    return None


def _quoting(error: csv.Error) -> str:
    return f"cells in double quotation marks, closed again, marks inside them doubled ({error})"


def refuse_utf16(path: Path) -> None:
    with path.open("rb") as file:
        if file.read(2) in (b"\xff\xfe", b"\xfe\xff"):
            raise InvalidTable(
                f"cannot read {path.name}",
                [Mistake("file", "UTF-16", "a file encoded as UTF-8; --encoding utf-16 reads it", where=path.name)],
            )
