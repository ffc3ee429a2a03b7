"""The first rows of a table under the names that its own columns have, and the form that it seems to be written in."""

from __future__ import annotations

import codecs
import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC
from itertools import islice
from pathlib import Path
from typing import Any

from adverdict.domain.ad import Ad
from adverdict.domain.names import meant
from adverdict.storage.tables.csv_rows import OTHERS
from adverdict.storage.tables.excel import first_lines, sheet_names
from adverdict.storage.tables.query import query_header
from adverdict.storage.tables.reading import Query, Reading, Table

ROWS = 1000
"""Rows that are looked at to see how values are written."""
HEADERS = 30
"""Lines among which the one is looked for that names the columns."""
LOOKED_AT = 2**23
"""Bytes of a text file that are tried as UTF-8."""


@dataclass
class Peek:
    """The beginning of one table."""

    reading: Reading
    """What was said of it, with the form it seems to have."""
    columns: dict[str, list[Any]] = field(default_factory=dict)
    """Column, as the file names it -> values of the first rows, missing ones left out."""
    assumed: dict[str, str] = field(default_factory=dict)
    """Option -> why it was assumed."""


def peek(table: Table, said: Reading, title: str = "ads") -> Peek:
    """``title``: of a workbook's sheet, where one has it.

    Raises InvalidTable for a file that is not of the kind its name says, Unavailable for a database that does not answer.
    """
    if isinstance(table, Query):
        return _filled(Peek(said), query_header(table, ROWS))
    if said.format:
        return Peek(said, {name: [] for name in ("audit", *Ad.model_fields)})  # their meaning is AdCOM's
    if table.suffix == ".xlsx":
        return _workbook(table, said, title)
    if table.suffix in (".csv", ".tsv"):
        return _text(table, said)
    if table.suffix in (".parquet", ".arrow"):
        return _arrow(table, said)
    return _lines(table, said)


def _filled(found: Peek, lines: Sequence[Sequence[Any]]) -> Peek:
    if lines:
        for place, name in enumerate(lines[0]):
            if name not in (None, ""):
                values = [line[place] for line in lines[1:] if place < len(line)]
                found.columns[str(name).strip()] = [value for value in values if value not in (None, "")]
    return found


def _workbook(path: Path, said: Reading, title: str) -> Peek:
    found = Peek(said)
    sheets = [said.sheet] if said.sheet else sheet_names(path)
    heads = {sheet: first_lines(path, sheet, HEADERS) for sheet in sheets}
    if not said.sheet and len(sheets) > 1 and title not in sheets:
        sheet = max(sheets, key=lambda name: max((_score(cells) for _, cells in heads[name]), default=0))
        found.reading = replace(found.reading, sheet=sheet)
        found.assumed["sheet"] = f"it has the most columns that are known; the workbook holds {', '.join(sheets)}"
    sheet = found.reading.sheet or (title if title in sheets else sheets[0] if sheets else "")
    lines = first_lines(path, sheet, ROWS + HEADERS) if sheet else []
    numbers = [number for number, _ in lines]
    place = numbers.index(said.header_row) if said.header_row in numbers else _header([cells for _, cells in lines[:HEADERS]])
    if place and not said.header_row:
        found.reading = replace(found.reading, header_row=numbers[place])
        found.assumed["header_row"] = _above("rows", [cells for _, cells in lines[place : place + 1]])
    return _filled(found, [cells for _, cells in lines[place:]])


def _text(path: Path, said: Reading) -> Peek:
    found = Peek(said)
    encoding = said.encoding or _encoding(path)
    if encoding and not said.encoding:
        found.reading = replace(found.reading, encoding=encoding)
        found.assumed["encoding"] = "the file is not UTF-8" + ("; older Windows programs write so" if encoding == "cp1252" else "")
    with path.open(encoding=encoding or "utf-8-sig", errors="replace", newline="") as text:
        lines = list(islice(text, ROWS + HEADERS))
    told = lines and lines[0].strip().strip('"').lower().startswith("sep=")
    usual = lines[0].strip().strip('"')[4:5] if told else "\t" if path.suffix == ".tsv" else ","
    body = lines[1:] if told else lines
    marks = [said.separator] if said.separator else [usual, *(mark for mark in OTHERS if mark != usual)]
    parsed = {mark: [next(csv.reader([line], delimiter=mark), []) for line in body[:HEADERS]] for mark in marks}
    separator = max(marks, key=lambda mark: _parted(parsed[mark]))
    if separator != usual and not said.separator:
        found.reading = replace(found.reading, separator=separator)
        known = any(map(_score, parsed[separator]))
        found.assumed["separator"] = "with it the columns have names that are known" if known else "with it there are the most columns"
    place = said.header_row - 1 - bool(told) if said.header_row else _header(parsed[separator])
    if place and not said.header_row:
        found.reading = replace(found.reading, header_row=place + 1 + bool(told))
        found.assumed["header_row"] = _above("lines", parsed[separator][place : place + 1])
    return _filled(found, list(csv.reader(body[place:], delimiter=separator)))


def _arrow(path: Path, said: Reading) -> Peek:
    import pyarrow.parquet as pq

    from adverdict.storage.tables.arrow import opened
    from adverdict.storage.tables.bombs import refuse_parquet, rows_at_once
    from adverdict.storage.tables.parquet import int96, readable

    with readable(path.name, "a file of Arrow or Parquet"):
        if path.suffix == ".arrow":
            with opened(path) as (schema, batches):
                first, instants = next(batches, None), set[str]()
        else:
            with pq.ParquetFile(path) as file:
                schema, instants = file.schema_arrow, set(int96(file))
                refuse_parquet(path.name, file.metadata, path.stat().st_size)
                most = rows_at_once(path.name, path, file.metadata, schema.names, ROWS, range(min(1, file.metadata.num_row_groups)))
                first = next(file.iter_batches(most), None)
    rows = [] if first is None else first.slice(0, ROWS).to_pylist()
    found = Peek(said, {name: [row[name] for row in rows if row[name] is not None] for name in schema.names})
    for name in instants & found.columns.keys():
        found.columns[name] = [value.replace(tzinfo=UTC) for value in found.columns[name]]
    return found


def _lines(path: Path, said: Reading) -> Peek:
    found = Peek(said)
    with path.open("rb") as lines:
        for line in islice(lines, ROWS):
            try:
                row = json.loads(line.removeprefix(codecs.BOM_UTF8))
            except (ValueError, RecursionError):
                continue  # reading the whole table tells which line, and why
            for name, value in row.items() if isinstance(row, dict) else ():
                found.columns.setdefault(name, []).extend([] if value is None else [value])
    return found


def _encoding(path: Path) -> str | None:
    """Of a text file that is not UTF-8."""
    with path.open("rb") as file:
        beginning = file.read(LOOKED_AT)
    if beginning[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        return "utf-16"
    try:
        codecs.getincrementaldecoder("utf-8")().decode(beginning)
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-16-le" if beginning[1:2] == b"\0" else None


def _header(lines: Sequence[Sequence[Any]]) -> int:
    """The line that names the columns: the first, unless it names none that is known and another names several; or, where none names any,
    unless it is a title, of one cell, above lines of several."""
    scores = [_score(cells) for cells in lines]
    best = max(range(len(scores)), key=lambda place: (scores[place], -place), default=0)
    if scores and scores[0] == 0 and scores[best] > 1:
        return best
    wide = [_wide(cells) for cells in lines]
    return next((place for place, cells in enumerate(wide) if cells > 2), 0) if wide and wide[0] == 1 and not any(scores) else 0


def _parted(lines: Sequence[Sequence[str]]) -> tuple[int, int, int]:
    """How well a separator parts lines: fields that one of them names, columns of the first, lines of several columns."""
    return max(map(_score, lines), default=0), len(lines[0]) if lines else 0, sum(len(line) > 1 for line in lines)


def _wide(cells: Sequence[Any]) -> int:
    """Cells that hold something."""
    return sum(cell is not None and str(cell).strip() != "" for cell in cells)


def _above(lines: str, header: Sequence[Sequence[Any]]) -> str:
    """Why the lines above a header are none of the table."""
    known = any(map(_score, header))
    return f"the {lines} above it name no column that is known" if known else f"the {lines} above it hold one cell each, or none"


def _score(cells: Sequence[Any]) -> int:
    """How many fields of the contract a line names."""
    return len({meant(cell) for cell in cells if isinstance(cell, str) and cell.strip()} - {None})
