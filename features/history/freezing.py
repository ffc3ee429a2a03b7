"""Events in, frozen history out. What grows with the number of ads or of entities lies on the disk."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from adverdict.domain.errors import NotFound, Unavailable, UntrustedBundle
from adverdict.domain.progress import Progress
from adverdict.features.history import events
from adverdict.features.history.aggregate import FIRST, LAST, Aggregation
from adverdict.features.history.columns import SCHEMA
from adverdict.features.history.entities import KINDS
from adverdict.features.history.frozen import FrozenHistory
from adverdict.features.history.known import NEVER
from adverdict.features.history.layout import LISTED, PARTS, Array, ArrayWriter, Listing, counted, name_of
from adverdict.storage.tables.pack import iter_ads, iter_labels

ROWS = 2**16
"""Events that are written, or entities that are read, at a time."""
CHECKED = 2**11
"""Rows of the tables that are checked at a time: an object each, with all the texts of an ad."""
SMALL = 2**31
"""Counts below it fit into int32."""


def freeze_folder(
    source: Path, moment: datetime, folder: Path, policies: Sequence[str], *, memory: int, progress: Progress, scratch: Path | None = None
) -> FrozenHistory:
    """Freeze what the tables ``ads`` and ``labels`` of a folder tell, as ``HistoryState.observe`` understands them: ids may repeat.

    Reads the rows in pieces. Raises InvalidTable naming mistakes in the tables or labels about unknown ads, NotFound, and as ``Freezing``.
    """
    with Freezing(folder, moment, policies, memory=memory, scratch=scratch) as freezing:
        progress.stage("reading the ads that are known", _rows(source, "ads"))
        for ads in iter_ads(source, CHECKED):
            freezing.submissions(events.submissions(ads))
            progress.advance(len(ads))
        progress.stage("reading the labels that are known", _rows(source, "labels"))
        row = 1
        for labels in iter_labels(source, CHECKED):
            freezing.labels(events.labels(labels, row))
            progress.advance(len(labels))
            row += len(labels)
        return freezing.finish(progress)


class Freezing:
    """One history being frozen into ``folder``. A context manager; afterwards the scratch files are gone.

    ``memory``: bytes for DuckDB; the process takes about 200 MiB beside. ``scratch``: a folder of its own on a disk with room for the
    events, inside ``folder`` when None. Raises InvalidInput when the memory does not suffice, Unavailable when the disk does not.
    """

    def __init__(self, folder: Path, moment: datetime, policies: Sequence[str], *, memory: int, scratch: Path | None = None) -> None:
        self._folder, self._moment, self._policies, self._memory = folder, moment, tuple(dict.fromkeys(policies)), memory
        self.scratch = scratch or folder / "scratch"
        self._open = ExitStack()

    def __enter__(self) -> Self:
        with disk(self._folder):
            self._folder.mkdir(parents=True, exist_ok=True)
            (self._folder / LISTED).unlink(missing_ok=True)
            shutil.rmtree(self.scratch, ignore_errors=True)  # of a freezing that was killed
            self.scratch.mkdir(parents=True)
            schemas = {"submissions": events.SUBMISSIONS, "labels": events.LABELS, "told": events.TOLD}
            self._tables = {name: self._open.enter_context(_Table(self.scratch / name, schema)) for name, schema in schemas.items()}
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()
        shutil.rmtree(self.scratch, ignore_errors=True)

    def submissions(self, batch: pa.RecordBatch) -> None:
        """In ``events.SUBMISSIONS``."""
        self._add("submissions", batch)

    def labels(self, batch: pa.RecordBatch) -> None:
        """In ``events.LABELS``: on ads whose submissions are told too, before or after."""
        self._add("labels", batch)

    def told(self, batch: pa.RecordBatch) -> None:
        """In ``events.TOLD``."""
        self._add("told", batch)

    def finish(self, progress: Progress, *, snapshot: Path | None = None, seq: int | None = None) -> FrozenHistory:
        """Count everything that was told and what the ``snapshot`` knew before. Raises InvalidTable, UntrustedBundle."""
        with disk(self._folder):
            self._open.close()
            if snapshot is not None:
                _check_snapshot(snapshot)
            progress.stage("counting what is known", len(KINDS) + 1)
            with Aggregation(self.scratch, self._moment, self._policies, self._memory) as aggregation:
                aggregation.begin(snapshot)
                dtype = "<i4" if aggregation.events < SMALL else "<i8"
                progress.advance()
                files: dict[str, Array] = {}
                for kind in KINDS:
                    aggregation.write(kind, self.scratch / kind)
                    files |= self._write(kind, dtype)
                    progress.advance()
            Listing(moment=self._moment, policies=self._policies, files=files, seq=seq).write(self._folder)
        return FrozenHistory.open(self._folder)

    def _add(self, name: str, batch: pa.RecordBatch) -> None:
        with disk(self._folder):
            self._tables[name].append(batch)

    def _write(self, kind: str, dtype: str) -> dict[str, Array]:
        """The sorted entities of one kind as arrays."""
        with pq.ParquetFile(self.scratch / kind) as file:
            n, columns = file.metadata.num_rows, len(counted(kind, self._policies))
            shapes = {"hi": ("<u8", (n,)), "lo": ("<u8", (n,)), "times": ("<i8", (n, 2)), "counts": (dtype, (n, columns))}
            writers = {part: ArrayWriter(self._folder / name_of(kind, part), *shapes[part]) for part in PARTS}
            for batch in file.iter_batches(ROWS):
                told = {name: column.to_numpy(zero_copy_only=False) for name, column in _whole(batch)}
                writers["hi"].append(told["hi"])
                writers["lo"].append(told["lo"])
                writers["times"].append(np.stack([told[FIRST], told[LAST]], axis=1))
                writers["counts"].append(np.stack([told[f"c{column}"] for column in range(columns)], axis=1))
        return {name_of(kind, part): writer.close() for part, writer in writers.items()}


class _Table:
    """A Parquet file that batches of any size are added to. A context manager."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self._schema, self._waiting, self._rows = schema, list[pa.RecordBatch](), 0
        self._writer = pq.ParquetWriter(path, schema, compression="zstd", compression_level=1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._flush()
        finally:
            self._writer.close()

    def append(self, batch: pa.RecordBatch) -> None:
        self._waiting.append(batch)
        self._rows += batch.num_rows
        if self._rows >= ROWS:
            self._flush()

    def _flush(self) -> None:
        if self._rows:
            self._writer.write_table(pa.Table.from_batches(self._waiting, self._schema))
        self._waiting, self._rows = [], 0


def _whole(batch: pa.RecordBatch) -> Iterator[tuple[str, pa.Array]]:
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        yield name, column.fill_null(NEVER) if name in (FIRST, LAST) else column


def _check_snapshot(snapshot: Path) -> None:
    try:
        schema = pq.read_schema(snapshot)
    except FileNotFoundError as error:
        raise NotFound(f"no history snapshot at {snapshot}") from error
    except pa.ArrowException as error:
        raise UntrustedBundle(f"{snapshot}: no Parquet file that can be read: {error}") from error
    if not schema.equals(SCHEMA, check_metadata=False):
        came, wanted = (", ".join(f"{column.name}: {column.type}" for column in one) for one in (schema, SCHEMA))
        raise UntrustedBundle(f"{snapshot}: not a history snapshot: columns = {came}; expected {wanted}")


def _rows(source: Path, title: str) -> int:
    """How many rows a table in Parquet has; 1 where that is not known before it is read."""
    files = [source / f"{title}.parquet"] if (source / f"{title}.parquet").is_file() else sorted((source / title).glob("*.parquet"))
    try:
        return sum(pq.read_metadata(file).num_rows for file in files) or 1
    except pa.ArrowException:  # whoever reads it says what is wrong with it
        return 1


@contextmanager
def disk(folder: Path) -> Iterator[None]:
    """A full or a failing disk is somebody's outage."""
    try:
        yield
    except OSError as error:
        raise Unavailable(f"the history cannot be written to {folder}: {error}") from error
