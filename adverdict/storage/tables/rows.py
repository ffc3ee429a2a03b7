"""Rows of a table file as dictionaries, each with the row number a person would see. No value is judged here.

Row numbers: CSV, the line of the file on which the row begins (the header is line 1); JSONL, the line; Excel, the sheet's row; Parquet and
Arrow, the data row from 1.
What cannot be read as a row at all becomes a mistake of its own and reading goes on, so that no row is lost in silence or shifted.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from adverdict.domain.errors import InvalidTable, Mistake, NotFound
from adverdict.domain.json_text import named_twice, parse
from adverdict.storage.tables.adcom import adcom_rows
from adverdict.storage.tables.arrow import arrow_rows
from adverdict.storage.tables.csv_rows import csv_rows, refuse_utf16
from adverdict.storage.tables.excel import excel_rows
from adverdict.storage.tables.parquet import parquet_rows
from adverdict.storage.tables.pieces import Columns, Rows
from adverdict.storage.tables.query import query_rows
from adverdict.storage.tables.reading import AS_IS, Query, Reading, Table

__all__ = ["SUFFIXES", "Columns", "Rows", "read_rows"]

SUFFIXES = (".parquet", ".csv", ".jsonl", ".xlsx", ".arrow", ".tsv", ".ndjson", ".json")
"""Parquet, comma-separated, JSON lines, Excel, Arrow; and names that JSON lines and tabs have elsewhere."""


def read_rows(path: Table, columns: Columns, rows: int, reading: Reading = AS_IS) -> Iterator[Rows]:
    """Stream one file, or the answer to a query, in pieces of up to ``rows`` rows.

    Raises ``InvalidTable`` where no row can be made out, ``NotFound``; a database ``Unavailable``.
    """
    if isinstance(path, Query):
        return query_rows(path, columns, rows, reading)
    readers: dict[str, Callable[[Path, Columns, int, Reading], Iterator[Rows]]]
    readers = {".parquet": parquet_rows, ".csv": csv_rows, ".jsonl": _jsonl, ".xlsx": excel_rows, ".arrow": arrow_rows}
    readers |= {".tsv": csv_rows, ".ndjson": _jsonl, ".json": _jsonl}
    if reading.format == "adcom":
        readers = {path.suffix: adcom_rows}
    if path.suffix not in readers:
        raise InvalidTable(f"cannot read {path.name}", [Mistake("file", path.name, f"a name ending in {', '.join(SUFFIXES)}")])
    if not path.is_file():
        raise NotFound(f"no such file: {path}")
    return readers[path.suffix](path, columns, rows, reading)


def _jsonl(path: Path, columns: Columns, rows: int, reading: Reading) -> Iterator[Rows]:
    refuse_utf16(path)
    piece = Rows(path.name)
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            value = _json_line(line, piece, number)
            if value is None:
                continue
            value = {reading.named(name, columns.known): item for name, item in value.items()} if reading else value
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
        value = parse(line)
    except (ValueError, RecursionError) as error:
        shown = line.strip().decode("utf-8", "replace")
        piece.mistakes.append(Mistake("row", shown, f"one JSON object in UTF-8 ({error})", f"{piece.file} row {number}"))
        return None
    if not isinstance(value, dict):
        piece.mistakes.append(Mistake("row", value, "one JSON object", f"{piece.file} row {number}"))
        return None
    if twice := named_twice(value):
        piece.mistakes += [replace(mistake, where=f"{piece.file} row {number}") for mistake in twice]
        return None
    return value


def _missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))
