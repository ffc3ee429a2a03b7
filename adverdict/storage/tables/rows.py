"""Rows of a table file as dictionaries, each with the row number a person would see. No value is judged here.

Row numbers: CSV, the line of the file on which the row begins (the header is line 1); JSONL, the line; Parquet, the data row from 1.
What cannot be read as a row at all becomes a mistake of its own and reading goes on, so that no row is lost in silence or shifted.
"""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable, Iterator
from itertools import compress
from pathlib import Path
from typing import Any

from adverdict.domain.errors import InvalidTable, Mistake, NotFound
from adverdict.storage.tables.parquet import parquet_rows
from adverdict.storage.tables.pieces import Columns, Rows, check_header

__all__ = ["SUFFIXES", "Columns", "Rows", "read_rows"]

SUFFIXES = (".parquet", ".csv", ".jsonl")
LONGEST_CELL = 64 * 2**20
"""Characters in one CSV cell. Bounds what an unclosed quotation mark can swallow."""


def read_rows(path: Path, columns: Columns, rows: int) -> Iterator[Rows]:
    """Stream one file in pieces of up to ``rows`` rows. Raises ``InvalidTable`` where no row can be made out, ``NotFound``."""
    readers: dict[str, Callable[[Path, Columns, int], Iterator[Rows]]] = {".parquet": parquet_rows, ".csv": _csv, ".jsonl": _jsonl}
    if path.suffix not in readers:
        raise InvalidTable(f"cannot read {path.name}", [Mistake("file", path.name, f"a name ending in {', '.join(SUFFIXES)}")])
    if not path.is_file():
        raise NotFound(f"no such file: {path}")
    return readers[path.suffix](path, columns, rows)


# CSV -----------------------------------------------------------------------------------------------------------------------------


def _csv(path: Path, columns: Columns, rows: int) -> Iterator[Rows]:
    csv.field_size_limit(max(LONGEST_CELL, csv.field_size_limit()))  # one setting for the whole process, so only ever raised
    _refuse_utf16(path)
    # Bytes that are not UTF-8 come through as lone surrogates, so that the row and the column they are in can be named.
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as text:
        reader = csv.reader(text, strict=True)
        try:
            header = next(reader, [])
        except csv.Error as error:
            raise InvalidTable(f"cannot read {path.name}", [Mistake("row", None, _quoting(error), f"{path.name} row 1")]) from error
        if not any(header):
            raise NotFound(f"{path.name} is empty: no header, no rows")
        check_header(path.name, header, columns)
        keep = [name in columns.known for name in header]
        names = list(compress(header, keep))
        dropped = set(header) - columns.known
        piece = Rows(path.name, dropped=dropped)
        for number, cells, mistake in _csv_rows(reader, path.name, len(header)):
            if mistake is not None:
                piece.mistakes.append(mistake)
            else:
                piece.numbers.append(number)
                piece.values.append({name: cell for name, cell in zip(names, compress(cells, keep), strict=True) if cell != ""})
            if len(piece.values) + len(piece.mistakes) >= rows:
                yield _finish_csv(piece, columns)
                piece = Rows(path.name, dropped=dropped)
        yield _finish_csv(piece, columns)


def _csv_rows(reader: Any, file: str, width: int) -> Iterator[tuple[int, list[str], Mistake | None]]:
    """Every row with the line it begins on; a row of another width or with broken quoting comes with the mistake it is."""
    while True:
        number = reader.line_num + 1
        where = f"{file} row {number}"
        try:
            cells = next(reader, None)
        except csv.Error as error:
            yield number, [], Mistake("row", f"text up to line {reader.line_num}", _quoting(error), where)
            continue
        if cells is None:
            return
        if len(cells) == width:
            yield number, cells, None
        elif cells:  # a blank line holds no row
            yield number, [], Mistake("row", cells, f"{width} columns as in the header, not {len(cells)}", where)


def _finish_csv(piece: Rows, columns: Columns) -> Rows:
    """Lists parsed; NaN, as some tools write a missing number, left out; text that was not UTF-8 refused by the byte."""
    bad: set[int] = set()
    lists, numbers = sorted(columns.lists), sorted(columns.numbers)
    for index, row in enumerate(piece.values):
        if foreign := _foreign(row):
            piece.mistakes += [Mistake(name, row[name], f"UTF-8 text; {what}", piece.where(index)) for name, what in foreign]
            bad.add(index)
        for name in lists:
            if name in row:
                row[name] = _list(row[name])
        for name in numbers:
            if name in row and row[name].lower() == "nan":
                del row[name]
    if bad:
        piece.values = [row for index, row in enumerate(piece.values) if index not in bad]
        piece.numbers = [number for index, number in enumerate(piece.numbers) if index not in bad]
    return piece


def _list(cell: str) -> Any:
    """A JSON list, or parts between ``|``. What starts like JSON and is not stays text, which the schema then refuses."""
    if not cell.lstrip().startswith("["):
        return [part.strip() for part in cell.split("|")]
    try:
        return json.loads(cell)
    except (ValueError, RecursionError):
        return cell


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


def _refuse_utf16(path: Path) -> None:
    with path.open("rb") as file:
        if file.read(2) in (b"\xff\xfe", b"\xfe\xff"):
            raise InvalidTable(f"cannot read {path.name}", [Mistake("file", "UTF-16", "a file encoded as UTF-8", where=path.name)])


# JSONL ---------------------------------------------------------------------------------------------------------------------------


def _jsonl(path: Path, columns: Columns, rows: int) -> Iterator[Rows]:
    _refuse_utf16(path)
    piece = Rows(path.name)
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            value = _json_line(line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line, piece, number)
            if value is None:
                continue
            piece.dropped.update(value.keys() - columns.known)
            piece.numbers.append(number)
            piece.values.append({name: item for name, item in value.items() if name in columns.known and not _missing(item)})
            if len(piece.values) + len(piece.mistakes) >= rows:
                yield piece
                piece = Rows(path.name)
    yield piece


def _json_line(line: bytes, piece: Rows, number: int) -> dict[str, Any] | None:
    if not line.strip():
        return None
    try:
        value = json.loads(line.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        shown = line.strip().decode("utf-8", "replace")
        piece.mistakes.append(Mistake("row", shown, f"one JSON object in UTF-8 ({error})", f"{piece.file} row {number}"))
        return None
    if not isinstance(value, dict):
        piece.mistakes.append(Mistake("row", value, "one JSON object", f"{piece.file} row {number}"))
        return None
    return value


def _missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))
