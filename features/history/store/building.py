"""Events to a store: names become rows, events are sorted; in the memory DuckDB is given, whatever their number."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from adverdict.domain.errors import InvalidInput, Mistake
from adverdict.domain.progress import SILENT, Progress
from adverdict.features.history.database import Database, text
from adverdict.features.history.entities import KINDS
from adverdict.features.history.known import DISTINCT, USES
from adverdict.features.history.layout import Array, ArrayWriter
from adverdict.features.history.store.events import SCHEMAS, EventFolder
from adverdict.features.history.store.layout import (
    HASHED,
    MAX_POLICIES,
    TABLES,
    StandsOn,
    StoreListing,
    array_file,
    sha256_of,
    table_file,
)

ROWS = 2**17
"""Rows that are read at a time."""
SMALL = 2**32
STEPS = 2 + len(KINDS) + len(DISTINCT)


def build(events: EventFolder, folder: Path, stands_on: StandsOn, *, memory: int, progress: Progress = SILENT) -> StoreListing:
    """Sort the events of a folder into the files of a store, in ``folder``, which is empty and may not exist yet.

    ``memory``: bytes for DuckDB; the process takes about 200 MiB and 16 bytes an entity beside. Raises InvalidInput when it does not
    suffice, Unavailable when the disk does not, OSError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    scratch = folder / "scratch"
    scratch.mkdir()
    try:
        with _Building(events, folder, scratch, memory) as building:
            return building.run(stands_on, progress)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


class _Building(Database):
    def __init__(self, events: EventFolder, folder: Path, scratch: Path, memory: int) -> None:
        super().__init__(scratch, memory)
        self._folder = folder
        self._arrays: dict[str, Array] = {}
        for name in SCHEMAS:
            self._view(name, *events.files(name))

    def run(self, stands_on: StandsOn, progress: Progress) -> StoreListing:
        progress.stage("sorting what is known", STEPS)
        self._keep("net_labels", _NET)
        policies = self._policies()
        sizes = {kind: self._names(kind) for kind in HASHED}
        progress.advance()
        self._tables()
        progress.advance()
        for kind in KINDS:
            self._ads(kind, sizes[kind])
            self._labels(kind, sizes[kind])
            progress.advance()
        for name in DISTINCT:
            self._set(name, sizes[USES[name][0]])
            progress.advance()
        tables = {name: sha256_of(self._folder / table_file(name)) for name in TABLES}
        return StoreListing(stands_on=stands_on, policies=policies, arrays=self._arrays, tables=tables).write(self._folder)

    def _policies(self) -> tuple[str, ...]:
        found = self._run(f"{_POLICIES} order by 1")
        if len(found) > MAX_POLICIES:
            raise InvalidInput("the history cannot be stored:", [Mistake("policies", len(found), f"at most {MAX_POLICIES} different ones")])
        self._run(f"create table policies as select policy, (row_number() over (order by policy) - 1)::int as code from ({_POLICIES})")
        return tuple(policy for (policy,) in found)

    def _names(self, kind: str) -> int:
        """The rows of one kind, as ``rows_<kind>``; how many there are."""
        parts = [f"select {kind} as hash from submissions"]
        if kind in KINDS:
            parts += [f"select {kind} from net_labels", *(f"select key from {of} where kind = {text(kind)}" for of in ("seen", "told"))]
            parts += [f"select key from used where name = {text(name)}" for name, (whose, _) in USES.items() if whose == kind]
        parts += [f"select thing from used where name = {text(name)}" for name, (_, what) in USES.items() if what == kind]
        hashes = f"select distinct hash from ({' union all '.join(parts)}) where hash is not null"
        self._keep(f"rows_{kind}", f"select hash, (row_number() over (order by hash) - 1)::uinteger as row from ({hashes})")
        (n,) = self._run(f"select count(*) from rows_{kind}")[0]
        writers = {part: self._writer(f"{kind}.{part}", "<u8", n) for part in ("hi", "lo")}
        for batch in self._batches(f"select hash from rows_{kind} order by row"):
            halves = np.frombuffer(batch["hash"].cast(pa.binary(16)).buffers()[1], dtype=">u8").reshape(-1, 2)
            writers["hi"].append(halves[:, 0])
            writers["lo"].append(halves[:, 1])
        self._close(kind, writers)
        return int(n)

    def _tables(self) -> None:
        """The events with rows in place of hashes, for counting, and for taking them back one day."""
        joined = " ".join(f"left join rows_{kind} on e.{kind} = rows_{kind}.hash" for kind in HASHED)
        rows = ", ".join(f"rows_{kind}.row as {kind}" for kind in HASHED)
        self._table("submissions", f"select e.seq, e.at_us, {rows} from submissions e {joined} order by seq")
        joined = " ".join(f"left join rows_{kind} on e.{kind} = rows_{kind}.hash" for kind in KINDS)
        rows = ", ".join(f"rows_{kind}.row as {kind}" for kind in KINDS)
        self._table("labels", f"select version, {rows}, policy, violates, at_us, weight from net_labels e {joined} order by all")
        self._table("said", "select version, seq from said order by version, seq")
        parts = [_used(name) for name in DISTINCT]
        self._table("used", f"select name, row, thing, at_us from ({' union all '.join(parts)}) order by all")
        self._table("before", f"select row, policy, violates, at_us, weight from ({_BEFORE}) order by all")

    def _table(self, name: str, query: str) -> None:
        self._copy(query, self._folder / table_file(name))
        self._view(f"coded_{name}", self._folder / table_file(name))

    def _ads(self, kind: str, n: int) -> None:
        """Submissions of each entity."""
        before = f"select r.row, at_us from seen join rows_{kind} r on key = r.hash where kind = {text(kind)}"
        events = f"select {kind} as row, at_us from coded_submissions where {kind} is not null union all {before}"
        (total,) = self._run(f"select count(*) from ({events})")[0]
        times, starts = self._writer(f"{kind}.ads", "<i8", total), _Starts(n)
        for batch in self._batches(f"select row, at_us from ({events}) order by row, at_us"):
            starts.count(_column(batch, "row"))
            times.append(_column(batch, "at_us"))
        self._close(kind, {"ads": times})
        self._starts(f"{kind}.ads_from", starts, total)

    def _labels(self, kind: str, n: int) -> None:
        """Labels of each entity that counted in the end."""
        parts = f"""
        select e.{kind} as row, e.policy, e.violates, e.at_us, e.weight from coded_labels e where e.{kind} is not null
        union all
        select r.row, e.policy, e.violates, e.at_us, e.weight from told e join rows_{kind} r on e.key = r.hash where e.kind = {text(kind)}
        """
        coded = f"select row, (2 * code + violates::int)::int as code, at_us, weight from ({parts}) join policies using (policy)"
        net = f"select row, code, at_us, sum(weight)::bigint as weight from ({coded}) group by all having sum(weight) > 0"
        self._keep(f"net_{kind}", net)
        total = int(self._run(f"select coalesce(sum(weight), 0) from net_{kind}")[0][0])
        times, codes = self._writer(f"{kind}.labels", "<i8", total), self._writer(f"{kind}.codes", "<u2", total)
        starts = _Starts(n)
        for batch in self._batches(f"select * from net_{kind} order by row, code, at_us"):
            weights = _column(batch, "weight")
            starts.count(np.repeat(_column(batch, "row"), weights))
            times.append(np.repeat(_column(batch, "at_us"), weights))
            codes.append(np.repeat(_column(batch, "code"), weights))
        self._close(kind, {"labels": times, "codes": codes})
        self._starts(f"{kind}.labels_from", starts, total)

    def _set(self, name: str, n: int) -> None:
        """The different things that each entity used, with first uses."""
        whose, what = USES[name]
        before = f"select row, thing, at_us from coded_used where name = {text(name)}"
        stated = f"{whose} is not null and {what} is not null"
        uses = f"select {whose} as row, {what} as thing, at_us from coded_submissions where {stated} union all {before}"
        self._keep(f"set_{name}", f"select row, thing, min(at_us) as at_us from ({uses}) group by row, thing")
        (total,) = self._run(f"select count(*) from set_{name}")[0]
        things, first = self._writer(f"{name}.things", "<u4", total), self._writer(f"{name}.first", "<i8", total)
        starts = _Starts(n)
        for batch in self._batches(f"select * from set_{name} order by row, thing"):
            starts.count(_column(batch, "row"))
            things.append(_column(batch, "thing"))
            first.append(_column(batch, "at_us"))
        times = self._writer(f"{name}.times", "<i8", total)
        for batch in self._batches(f"select row, at_us from set_{name} order by row, at_us"):
            times.append(_column(batch, "at_us"))
        self._close(name, {"things": things, "first": first, "times": times})
        self._starts(f"{name}.from", starts, total)

    def _writer(self, name: str, dtype: str, n: int) -> ArrayWriter:
        return ArrayWriter(self._folder / array_file(name), dtype, (int(n),))

    def _close(self, of: str, writers: dict[str, ArrayWriter]) -> None:
        for part, writer in writers.items():
            self._arrays[f"{of}.{part}"] = writer.close()

    def _starts(self, name: str, starts: _Starts, total: int) -> None:
        writer = self._writer(name, "<u4" if total < SMALL else "<u8", starts.n + 1)
        writer.append(starts.ends())
        self._arrays[name] = writer.close()

    def _batches(self, query: str) -> Iterator[pa.RecordBatch]:
        with self._translated(), closing(self._database.cursor()) as cursor:
            yield from cursor.sql(query).to_arrow_reader(ROWS)


class _Starts:
    """Where the events of each of n entities begin, counted from batches of sorted rows."""

    def __init__(self, n: int) -> None:
        self.n = n
        self._counts = np.zeros(n + 1, dtype=np.int64)

    def count(self, rows: npt.NDArray[np.integer]) -> None:
        found, counts = np.unique(rows, return_counts=True)
        self._counts[found.astype(np.int64) + 1] += counts

    def ends(self) -> npt.NDArray[np.int64]:
        return np.cumsum(self._counts)


_BEFORE = """
select r.row, null::varchar as policy, null::boolean as violates, e.at_us, 1::bigint as weight
from seen e join rows_advertiser r on e.key = r.hash where e.kind = 'advertiser'
union all
select r.row, e.policy, e.violates, e.at_us, sum(e.weight)::bigint as weight
from told e join rows_advertiser r on e.key = r.hash where e.kind = 'advertiser' group by all having sum(e.weight) > 0
"""
_NET = f"""
select version, {", ".join(KINDS)}, policy, violates, at_us, sum(weight)::int as weight from labels group by all having sum(weight) <> 0
"""
"""What is left when each label that was taken back is taken off. What was given and taken back between two builds was never an event of a
store that is built anew, so nothing may follow from it: neither a policy nor a name."""
_POLICIES = "select policy from net_labels union select policy from told"


def _used(name: str) -> str:
    whose, what = USES[name]
    rows = f"join rows_{whose} w on e.key = w.hash join rows_{what} t on e.thing = t.hash"
    return f"select e.name, w.row, t.row as thing, e.at_us from used e {rows} where e.name = {text(name)}"


def _column(batch: pa.RecordBatch, name: str) -> npt.NDArray[np.integer]:
    return np.asarray(batch[name].to_numpy(zero_copy_only=False))
