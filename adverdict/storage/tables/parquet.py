"""Parquet files in the data contract: are the columns what they must be, and their rows as dictionaries, of a whole file or a range."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO
from zoneinfo import ZoneInfo

from adverdict.domain.errors import InvalidTable, Mistake
from adverdict.domain.mistakes import MOMENT
from adverdict.storage.tables.bombs import refuse_parquet, rows_at_once
from adverdict.storage.tables.pieces import Columns, Rows, check_header
from adverdict.storage.tables.reading import AS_IS, Reading

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ROWS = 8192
"""Rows decoded at a time where a range is read."""
TEXT = "a column of text"
BUFFER = 2**20
"""Bytes of a column read at a time from a file of this machine."""


def parquet_rows(path: Path, columns: Columns, rows: int, reading: Reading = AS_IS) -> Iterator[Rows]:
    """The whole file in pieces of up to ``rows`` rows. Raises InvalidTable where no row can be made out."""
    import pyarrow.parquet as pq

    with readable(path.name), pq.ParquetFile(path) as file:
        refuse_parquet(path.name, file.metadata, path.stat().st_size)
        named = {reading.named(one, columns.known): one for one in file.schema_arrow.names}
        wanted = {one for field, one in named.items() if field in columns.known}
        rows = rows_at_once(path.name, path, file.metadata, wanted, rows, range(file.metadata.num_row_groups))
        yield from _pieces(file, path.name, columns, rows, 0, file.metadata.num_rows, reading)


def parquet_range(source: BinaryIO, name: str, columns: Columns, start: int, stop: int, metadata: Any = None, *, far: bool = False) -> Rows:
    """Rows ``[start, stop)`` as one piece, counted from 0; only the row groups that hold some of them are read.

    ``metadata``: the file's footer where it was read before. ``far``: a read is a round trip, so a row group is fetched in few and held;
    else it is read little by little and as far as needed. Raises InvalidTable where no row can be made out.
    """
    import pyarrow.parquet as pq

    found = Rows(name)
    with readable(name), pq.ParquetFile(source, metadata=metadata, pre_buffer=far, buffer_size=0 if far else BUFFER) as file:
        refuse_parquet(name, file.metadata, source.seek(0, os.SEEK_END))
        rows = rows_at_once(name, source, file.metadata, columns.known, ROWS, _overlapping(file.metadata, start, stop)[0])
        for piece in _pieces(file, name, columns, rows, start, stop):
            found.numbers += piece.numbers
            found.values += piece.values
            found.dropped |= piece.dropped
    return found


@contextmanager
def readable(name: str, kind: str = "a Parquet file") -> Iterator[None]:
    """What Arrow's library finds wrong with a file, as a mistake of this software's."""
    import pyarrow as pa

    try:
        yield
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError) as error:
        expected = f"{kind} that can be read"
        raise InvalidTable(f"cannot read {name}", [Mistake("file", str(error), expected, where=name)]) from error


def check_schema(file: str, schema: Any, columns: Columns, reading: Reading = AS_IS, instants: Collection[str] = ()) -> None:
    """Raises InvalidTable with every column that lacks, or whose type no value of the data contract could have.

    ``instants``: columns of Spark's INT96, which says no time zone and always means UTC.
    """
    names = [reading.named(name, columns.known) for name in schema.names]
    check_header(file, names, columns, reading)
    kinds = {name: schema.field(place).type for place, name in enumerate(names) if name in columns.known}
    naive = [name for name, kind in kinds.items() if name in columns.moments and _is_naive(kind) and name not in instants]
    if naive and not reading.timezone:
        cure = f"{MOMENT}; or say whose clock it is: {columns.cure('--timezone UTC')}, or Europe/Berlin"
        wrong = [Mistake(name, f"{kinds[name]} without a time zone", cure, where=file) for name in naive]
        raise InvalidTable(f"{file} has times without a time zone", wrong)
    found = []
    for name, kind in kinds.items():
        expected = _expected(name, kind, columns)
        if reading and expected == TEXT and _is_number(kind):
            continue
        if expected is not None:
            found.append(Mistake(name, f"a column of type {kind}", expected, where=file))
    if found:
        raise InvalidTable(f"{file} has columns of another type than the data contract's", found)


def _pieces(file: Any, name: str, columns: Columns, rows: int, start: int, stop: int, reading: Reading = AS_IS) -> Iterator[Rows]:
    schema = file.schema_arrow
    named = {one: reading.named(one, columns.known) for one in schema.names}
    instants = {named.get(one, one) for one in int96(file)}
    check_schema(name, schema, columns, reading, instants)
    wanted = [one for one, field in named.items() if field in columns.known]
    dropped = {one for one in named if one not in wanted}
    groups, first = _overlapping(file.metadata, start, stop)
    for batch in file.iter_batches(rows, row_groups=groups, columns=wanted, use_threads=False):
        last = first + batch.num_rows
        low, high = max(start, first), min(stop, last)
        if low < high:
            piece = table_rows(name, batch.slice(low - first, high - low), low, columns, reading, instants)
            piece.dropped = dropped
            yield piece
        first = last
        if first >= stop:
            return


def table_rows(name: str, batch: Any, before: int, columns: Columns, reading: Reading, instants: Collection[str] = ()) -> Rows:
    """Some consecutive rows in Arrow's form, of which ``before`` come before. ``instants``: as of ``check_schema``."""
    named = {one: reading.named(one, columns.known) for one in batch.schema.names}
    wanted = [one for one, field in named.items() if field in columns.known]
    inside = batch.select(wanted).rename_columns([named[one] for one in wanted])
    zone = ZoneInfo(reading.timezone) if reading.timezone else None
    numbers = list(range(before + 1, before + batch.num_rows + 1))
    return Rows(name, numbers, _values(inside, zone, instants), dropped=set(named) - set(wanted))


def _overlapping(metadata: Any, start: int, stop: int) -> tuple[list[int], int]:
    """The row groups that hold rows of ``[start, stop)``, and the number of the first row in the first of them."""
    groups: list[int] = []
    begin, first = 0, 0
    for group in range(metadata.num_row_groups):
        end = begin + metadata.row_group(group).num_rows
        if begin < stop and end > start:
            first = first if groups else begin
            groups.append(group)
        begin = end
    return groups, first


def int96(file: Any) -> Iterator[str]:
    """Columns of Spark's old times, which are instants though they state no zone."""
    schema = file.schema
    return (schema.column(place).path for place in range(len(schema)) if schema.column(place).physical_type == "INT96")


def _is_number(kind: Any) -> bool:
    from pyarrow import types

    return bool(types.is_integer(kind) or types.is_floating(kind))


def _is_naive(kind: Any) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_timestamp(kind)) and kind.tz is None


def _expected(name: str, kind: Any, columns: Columns) -> str | None:
    """What the column should be; None when values of its type can be the contract's. An empty column has no type to be wrong."""
    from pyarrow import types

    if types.is_null(kind):
        return f"values: {name} is required" if name in columns.required else None
    text = _is_text(kind)
    if name in columns.lists:
        list_like = types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind)
        return None if text or (list_like and (_is_text(kind.value_type) or types.is_null(kind.value_type))) else "a list of texts"
    if name in columns.moments:
        return None if types.is_timestamp(kind) or text else f"a column of times ({MOMENT})"
    number = types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind)
    if name in columns.numbers:
        return None if number or types.is_decimal(kind) or text else "a column of numbers"
    if name in columns.flags:
        return None if number or text else "a column of true and false"
    return None if text else TEXT


def _is_text(kind: Any) -> bool:
    from pyarrow import types

    if types.is_dictionary(kind):
        kind = kind.value_type
    plain = types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind)
    return bool(plain or types.is_binary(kind) or types.is_large_binary(kind))


def _values(batch: Any, zone: ZoneInfo | None, instants: Collection[str]) -> list[dict[str, Any]]:
    """Column by column, which is five times as fast as row by row; missing values and NaN leave no key."""
    names, lists = [], []
    for name, array in zip(batch.schema.names, batch.columns, strict=True):
        if array.null_count < len(array):
            names.append(name)
            values = _column(array)
            if zone is not None and _is_naive(array.type) and name not in instants:
                values = [one.replace(tzinfo=zone) if isinstance(one, datetime) else one for one in values]
            lists.append(values)
    if not names:
        return [{} for _ in range(batch.num_rows)]
    return [{name: value for name, value in zip(names, row, strict=True) if value is not None} for row in zip(*lists, strict=True)]


def _column(array: Any) -> list[Any]:
    import polars as pl
    import pyarrow as pa

    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    if pa.types.is_timestamp(array.type):
        return _moments(array)
    array = _decodable(array)
    if pa.types.is_binary(array.type) or pa.types.is_large_binary(array.type):
        return [None if value is None else _text(value) for value in array.to_pylist()]
    column = pl.Series(array)
    if column.dtype.is_float():
        column = column.fill_nan(None)
    return column.to_list()


def _decodable(array: Any) -> Any:
    """Text as it is when all of it is UTF-8, else as bytes: nothing between the file and here has looked."""
    import pyarrow as pa

    if not (pa.types.is_string(array.type) or pa.types.is_large_string(array.type) or pa.types.is_string_view(array.type)):
        return array
    try:
        array.validate(full=True)
    except pa.ArrowInvalid:
        return array.cast(pa.large_binary())
    return array


def _text(value: bytes) -> str | bytes:
    """Bytes that are no UTF-8 stay bytes, which the schema then refuses."""
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value


def _moments(array: Any) -> list[Any]:
    """Times in UTC to the microsecond; one that no date can tell stays a number, which the schema then refuses."""
    import polars as pl
    import pyarrow as pa

    unit = {"s": 1_000_000, "ms": 1000, "us": 1, "ns": 1}[array.type.unit]
    counts = pl.Series(array.cast(pa.int64()))
    if array.type.unit == "ns":
        counts = counts // 1000
    low, high = counts.min(), counts.max()
    assert isinstance(low, int)
    assert isinstance(high, int)
    least, most = ((moment.replace(tzinfo=UTC) - EPOCH) // timedelta(microseconds=1) for moment in (datetime.min, datetime.max))
    if least <= low * unit and high * unit <= most:
        naive = (counts * unit).cast(pl.Datetime("us")).to_list()
        return [moment and moment.replace(tzinfo=UTC) for moment in naive]
    told: list[Any] = counts.to_list()
    return [EPOCH + timedelta(microseconds=one * unit) if one is not None and least <= one * unit <= most else one for one in told]
