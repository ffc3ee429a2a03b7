"""Events for a store, as Parquet in a folder: what entries of the ledger told, with hashes for names, and the snapshot before them.

A refresh adds files to those there are. Where something was erased, the folder is begun anew.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from adverdict.domain.errors import UntrustedBundle
from adverdict.features.history.columns import SCHEMA
from adverdict.features.history.entities import KINDS
from adverdict.features.history.known import DISTINCT
from adverdict.features.history.snapshot import KEYED_BY_DOMAIN, normal_domain
from adverdict.features.history.store.layout import HASHED, octets_of, table_file
from adverdict.storage.whole import making_folder

HASH: Final = pa.binary(16)
SUBMISSIONS: Final = pa.schema([("seq", pa.int64()), ("at_us", pa.int64()), *((kind, HASH) for kind in HASHED)])
LABELS: Final = pa.schema(
    [
        ("version", HASH),
        *((kind, HASH) for kind in KINDS),
        ("policy", pa.string()),
        ("violates", pa.bool_()),
        ("at_us", pa.int64()),
        ("weight", pa.int32()),
    ]
)
"""``weight``: 1; -1 takes a label back."""
SAID: Final = pa.schema([("version", HASH), ("seq", pa.int64())])
SEEN: Final = pa.schema([("kind", pa.string()), ("key", HASH), ("at_us", pa.int64())])
TOLD: Final = pa.schema(
    [("kind", pa.string()), ("key", HASH), ("policy", pa.string()), ("violates", pa.bool_()), ("at_us", pa.int64()), ("weight", pa.int32())]
)
USED: Final = pa.schema([("name", pa.string()), ("key", HASH), ("thing", HASH), ("at_us", pa.int64())])
"""Of a snapshot: submissions, labels and first uses, each of one entity."""
SCHEMAS: Final[Mapping[str, pa.Schema]] = {
    "submissions": SUBMISSIONS,
    "labels": LABELS,
    "said": SAID,
    "seen": SEEN,
    "told": TOLD,
    "used": USED,
}

ROWS: Final = 2**16
"""Events gathered before they are written."""


class EventFolder:
    """Parts, one for each refresh, each whole or not there at all: named by the last entry they tell."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def until(self) -> int | None:
        """The last entry that is told; None: there is no part."""
        return max((int(part.name) for part in self._parts()), default=None)

    def clear(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def files(self, table: str) -> list[Path]:
        return [part / table_file(table) for part in self._parts()]

    @contextmanager
    def adding(self, until: int) -> Iterator[EventPart]:
        """A part in the making; it is there when the block ends. Raises OSError."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with making_folder(self.folder / f"{until:020}") as made, EventPart(made) as part:
            yield part

    def _parts(self) -> list[Path]:
        return sorted(part for part in self.folder.glob("[0-9]*") if part.name.isdecimal()) if self.folder.is_dir() else []


class EventPart:
    """Files being written. A context manager."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._open = ExitStack()
        self._writers = {
            name: self._open.enter_context(pq.ParquetWriter(folder / table_file(name), schema, compression="zstd", compression_level=1))
            for name, schema in SCHEMAS.items()
        }
        self._waiting: dict[str, list[pa.RecordBatch]] = {name: [] for name in SCHEMAS}

    def __enter__(self) -> EventPart:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            for name in SCHEMAS:
                self._flush(name)
        finally:
            self._open.close()

    def add(self, table: str, batch: pa.RecordBatch) -> None:
        """In ``SCHEMAS[table]``."""
        self._waiting[table].append(batch)
        if sum(one.num_rows for one in self._waiting[table]) >= ROWS:
            self._flush(table)

    def add_snapshot(self, snapshot: Path) -> None:
        """What was known before the first entry. Raises UntrustedBundle where the file is no snapshot."""
        try:
            with pq.ParquetFile(snapshot) as file:
                if not file.schema_arrow.equals(SCHEMA, check_metadata=False):
                    raise UntrustedBundle(f"{snapshot}: not a history snapshot: its columns are {', '.join(file.schema_arrow.names)}")
                for batch in file.iter_batches(2**13):
                    self._add_rows(batch)
        except pa.ArrowException as error:
            raise UntrustedBundle(f"{snapshot}: no Parquet file that can be read: {error}") from error

    def _add_rows(self, batch: pa.RecordBatch) -> None:
        told, sets = pc.is_valid(batch["policy"]), pc.is_in(batch["kind"], value_set=pa.array(DISTINCT))
        row = batch.filter(pc.and_not(pc.invert(told), sets))
        at = pc.list_parent_indices(row["times"])
        self._put("seen", row["kind"].take(at), _keys(row).take(at), pc.list_flatten(row["times"]))
        row = batch.filter(told)
        for column, violates, weight in (("times", False, 1), ("violating", True, 1), ("violating", False, -1)):
            at = pc.list_parent_indices(row[column])
            flags, weights = pa.array([violates] * len(at), pa.bool_()), pa.array([weight] * len(at), pa.int32())
            self._put(
                "told", row["kind"].take(at), _keys(row).take(at), row["policy"].take(at), flags, pc.list_flatten(row[column]), weights
            )
        row = batch.filter(sets)
        at = pc.list_parent_indices(row["times"])
        names, things = row["kind"].take(at), pc.list_flatten(row["things"]).to_pylist()
        pairs = zip(names.to_pylist(), things, strict=True)
        things = pa.array([normal_domain(thing) if name == "advertiser_domains" else thing for name, thing in pairs], pa.string())
        self._put("used", names, _keys(row).take(at), hashed(things), pc.list_flatten(row["times"]))

    def _put(self, table: str, *columns: pa.Array) -> None:
        self.add(table, pa.RecordBatch.from_arrays(list(columns), schema=SCHEMAS[table]))

    def _flush(self, name: str) -> None:
        if self._waiting[name]:
            self._writers[name].write_table(pa.Table.from_batches(self._waiting[name], SCHEMAS[name]))
            self._waiting[name] = []


def hashed(names: pa.Array) -> pa.Array:
    """Names to the hashes that stand for them; null where there is none."""
    encoded = names.dictionary_encode()
    return pa.array([octets_of(name) for name in encoded.dictionary.to_pylist()], HASH).take(encoded.indices)


def _keys(rows: pa.RecordBatch) -> pa.Array:
    pairs = zip(rows["kind"].to_pylist(), rows["key"].to_pylist(), strict=True)
    return hashed(pa.array([normal_domain(key) if kind in KEYED_BY_DOMAIN else key for kind, key in pairs], pa.string()))
