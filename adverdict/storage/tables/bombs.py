"""Small files that are large once they are read: refused by what they say of themselves, before anything is unpacked.

What a file says may be a lie; then the reader finds less than was said, and says so. What is bounded here is what it takes memory to read.
"""

from __future__ import annotations

import zipfile
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from adverdict.domain.errors import InvalidTable, Mistake

MANY_ROWS, ROWS_A_BYTE = 1_000_000, 64
"""Rows from which a file must hold at least a byte for so many of them: every row of a table has an id of its own."""
MUCH, TIMES = 256 * 2**20, 1000
"""Bytes from which a part that is unpacked may not be so many times the file: text is a tenth of its size, packed, and seldom less."""
LONGEST = 2**20
"""Bytes of one value; no field may be as long."""
AT_ONCE = 128 * 2**20
"""Bytes of one column's texts held at a time, where each row may hold the longest there is."""


def refuse_parquet(name: str, metadata: Any, size: int) -> None:
    """By a file's footer. ``size`` of the file in bytes. Raises InvalidTable."""
    if metadata.num_rows > max(MANY_ROWS, ROWS_A_BYTE * size):
        _refuse(name, f"{metadata.num_rows:,} rows in {size:,} bytes", f"at most {ROWS_A_BYTE} rows a byte: each has an id of its own")
    for group in range(metadata.num_row_groups):
        row_group = metadata.row_group(group)
        unpacked = sum(row_group.column(place).total_uncompressed_size for place in range(row_group.num_columns))
        if unpacked > max(MUCH, TIMES * size):
            _refuse(name, f"{unpacked:,} bytes, unpacked from {size:,}", f"at most {TIMES:,} times the file")


def rows_at_once(name: str, source: Any, metadata: Any, wanted: Collection[str], rows: int, groups: Sequence[int]) -> int:
    """How many rows may be decoded at a time, at most ``rows``: one text that is kept once and repeated in every row fills memory else.

    ``source``: path or opened file, as Arrow takes it. ``wanted``: columns that are read. Raises InvalidTable for a text no field may hold.
    """
    for group in groups:
        row_group = metadata.row_group(group)
        columns = [row_group.column(place) for place in range(row_group.num_columns)]
        paths = [one.path_in_schema for one in columns if _repeats(one) and one.path_in_schema.partition(".")[0] in wanted]
        longest = _longest(source, metadata, group, paths) if paths else 0
        if longest > LONGEST:
            _refuse(name, f"a text of {longest:,} bytes, repeated", f"texts of at most {LONGEST:,} bytes")
        if longest:
            rows = max(1, min(rows, AT_ONCE // longest))
    return rows


def refuse_workbook(path: Path) -> None:
    """By the list of a workbook's parts. Raises InvalidTable, and zipfile's errors for what is no archive."""
    with zipfile.ZipFile(path) as parts:
        unpacked, size = sum(part.file_size for part in parts.infolist()), path.stat().st_size
    if unpacked > max(MUCH, TIMES * size) or unpacked > 8 * MUCH:
        _refuse(path.name, f"{unpacked:,} bytes, unpacked from {size:,}", f"at most {8 * MUCH:,} bytes, and {TIMES:,} times the file")


def _repeats(column: Any) -> bool:
    """Whether its values are kept once each, and so large that one of them may be too large for every row to hold."""
    kept_once = column.has_dictionary_page or any("DICTIONARY" in encoding for encoding in column.encodings)
    return column.physical_type == "BYTE_ARRAY" and kept_once and column.total_uncompressed_size > AT_ONCE // 8192


def _longest(source: Any, metadata: Any, group: int, paths: Sequence[str]) -> int:
    """Bytes of the longest value that the first page of any of these columns refers to."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    found = 0
    file = pq.ParquetFile(
        source, metadata=metadata, read_dictionary=list(paths)
    )  # not closed: that would close a source that somebody else reads on
    for batch in file.iter_batches(1, row_groups=[group], columns=[path.partition(".")[0] for path in paths], use_threads=False):
        for array in batch.columns:
            inner = array.values if pa.types.is_list(array.type) or pa.types.is_large_list(array.type) else array
            if pa.types.is_dictionary(inner.type) and len(inner.dictionary):
                found = max(found, pc.max(pc.binary_length(inner.dictionary)).as_py() or 0)
        break
    return found


def _refuse(name: str, value: str, expected: str) -> None:
    raise InvalidTable(f"cannot read {name}", [Mistake("file", value, expected, where=name)])
