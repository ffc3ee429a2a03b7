"""Writing ads and labels in the data contract. What is written reads back exactly; the same rows give the same bytes."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel

from adverdict.domain.ad import Ad, Label
from adverdict.domain.errors import InvalidTable, Mistake
from adverdict.storage.whole import replacing

ROWS = 65_536
"""Rows held at a time, and in one Parquet row group."""

MOMENTS = {"submitted_at", "advertiser_created_at", "labelled_at"}
FLAGS = {"creative_made_for_kids", "advertiser_verified", "paid_partnership", "violates"}
LISTS = {"keywords", "advertiser_licences"}
NUMBERS = {
    "creative_duration_s",
    "creative_width",
    "creative_height",
    "creative_n_images",
    "creative_skippable_share",
    "impressions",
    "inclusion_probability",
}

Item = TypeVar("Item")


def write_ads(path: Path | str, ads: Iterable[Ad]) -> None:
    """Write ads to one file, by its suffix, in constant memory. The file appears whole or not at all."""
    _write(Path(path), tuple(Ad.model_fields), ads)


def write_labels(path: Path | str, labels: Iterable[Label]) -> None:
    """Write labels to one file, by its suffix, as ``write_ads``."""
    _write(Path(path), tuple(Label.model_fields), labels)


def _write(path: Path, columns: tuple[str, ...], rows: Iterable[BaseModel]) -> None:
    writers: dict[str, Callable[[Path, tuple[str, ...], Iterable[BaseModel]], None]]
    writers = {".parquet": _parquet, ".csv": _csv, ".jsonl": _jsonl}
    if path.suffix not in writers:
        raise InvalidTable(f"cannot write {path.name}", [Mistake("file", path.name, f"a name ending in {', '.join(writers)}")])
    with replacing(path) as half:
        writers[path.suffix](half, columns, rows)


def _parquet(path: Path, columns: tuple[str, ...], rows: Iterable[BaseModel]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    kinds = {**dict.fromkeys(MOMENTS, pa.timestamp("us", tz="UTC")), **dict.fromkeys(FLAGS, pa.bool_())}
    kinds |= {**dict.fromkeys(NUMBERS, pa.float64()), **dict.fromkeys(LISTS, pa.list_(pa.string()))}
    schema = pa.schema([(name, kinds.get(name, pa.string())) for name in columns])
    with pq.ParquetWriter(path, schema, compression="zstd") as file:
        for piece in _pieces(rows, ROWS):
            arrays = [pa.array([getattr(row, name) for row in piece], schema.field(name).type) for name in columns]
            file.write_table(pa.Table.from_arrays(arrays, schema=schema))


def _csv(path: Path, columns: tuple[str, ...], rows: Iterable[BaseModel]) -> None:
    with path.open("w", encoding="utf-8", newline="") as text:
        writer = csv.writer(text, lineterminator="\r\n")  # RFC 4180; the writer quotes \r and \n in cells because they are in it
        writer.writerow(columns)
        writer.writerows([_cell(getattr(row, name)) for name in columns] for row in rows)


def _jsonl(path: Path, columns: tuple[str, ...], rows: Iterable[BaseModel]) -> None:
    with path.open("w", encoding="utf-8", newline="") as text:
        for row in rows:
            values = ((name, getattr(row, name)) for name in columns)
            present = {name: _moment(value) if isinstance(value, datetime) else value for name, value in values if value is not None}
            text.write(json.dumps(present, ensure_ascii=False, allow_nan=False) + "\n")


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return _moment(value)
    if isinstance(value, list | tuple):
        return json.dumps(value, ensure_ascii=False)
    return repr(value) if isinstance(value, float) else str(value)


def _moment(value: datetime) -> str:
    return value.isoformat().replace("+00:00", "Z")


def _pieces(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    rest = iter(items)
    while piece := list(islice(rest, size)):
        yield piece
