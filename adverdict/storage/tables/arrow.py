"""Rows of Arrow files, as Hugging Face's ``datasets`` keeps them on disk."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from adverdict.storage.tables.parquet import check_schema, readable, table_rows
from adverdict.storage.tables.pieces import Columns, Rows
from adverdict.storage.tables.reading import AS_IS, Reading


def arrow_rows(path: Path, columns: Columns, rows: int, reading: Reading = AS_IS) -> Iterator[Rows]:
    """As ``rows.read_rows``, of a stream or a file of Arrow's; never more in memory than one batch of it."""
    with readable(path.name, "an Arrow file"), opened(path) as (schema, batches):
        check_schema(path.name, schema, columns, reading)
        first = 0
        for batch in batches:
            for start in range(0, batch.num_rows, rows):
                piece = batch.slice(start, rows)
                yield table_rows(path.name, piece, first + start, columns, reading)
            first += batch.num_rows


@contextmanager
def opened(path: Path) -> Iterator[tuple[Any, Iterator[Any]]]:
    """Its schema, and its batches as they are asked for."""
    import pyarrow as pa

    with pa.memory_map(str(path)) as source:
        if source.read(6) == b"ARROW1":
            file = pa.ipc.open_file(source)
            yield file.schema, (file.get_batch(place) for place in range(file.num_record_batches))
        else:
            source.seek(0)
            stream = pa.ipc.open_stream(source)
            yield stream.schema, iter(stream)
