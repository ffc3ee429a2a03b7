"""The history as a table: one Parquet file in the bundle, plain columns, nothing to execute.

===========  ================  ======================================================================================
column       type              meaning
===========  ================  ======================================================================================
kind         string            advertiser, creative, domain, market; or a distinct set, such as advertiser_markets
key          string            the entity
policy       string or null    null: the row tells of submissions; else of labels under this policy. Null for sets
times        list of int64     microseconds since 1970 UTC, sorted: of the submissions or the labels; for a set, when
                               each thing was first used
violating    list of int64     times of those labels that say violating, sorted; empty for the others
things       list of string    the members of a set, sorted, one for each of ``times``; empty for the others
===========  ================  ======================================================================================

One row for each (kind, key, policy), sorted by them; equal states give equal tables.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from adverdict.domain.errors import UntrustedBundle
from adverdict.domain.identity import domain_key
from adverdict.features.history.columns import SCHEMA, Columns, Ragged
from adverdict.features.history.distinct import Distinct
from adverdict.features.history.entity import EntityTimeline
from adverdict.features.history.known import DISTINCT
from adverdict.features.history.state import HistoryState

KEYED_BY_DOMAIN = frozenset(["domain", "domain_advertisers"])


def write_snapshot(state: HistoryState, path: Path) -> None:
    """Equal states written by one version of PyArrow give equal bytes."""
    pq.write_table(to_table(state), path, compression="zstd", use_dictionary=["kind", "policy"])


def read_snapshot(path: Path) -> HistoryState:
    """Raises UntrustedBundle naming the file and what is wrong with it."""
    try:
        table = pq.ParquetFile(path).read()
    except (pa.ArrowException, OSError) as error:
        raise UntrustedBundle(f"{path}: no Parquet file that can be read: {error}") from error
    try:
        return from_table(table)
    except UntrustedBundle as error:
        raise UntrustedBundle(f"{path}: {error}") from error


def to_table(state: HistoryState) -> pa.Table:
    words: tuple[list[str], list[str], list[str | None]] = ([], [], [])
    times, violating = _Lists(), _Lists()
    things: list[str] = []
    ends = [0]
    for kind, key, policy, when, bad, members in state.rows():
        words[0].append(kind)
        words[1].append(key)
        words[2].append(policy)
        times.append(when)
        violating.append(bad)
        things.extend(members)
        ends.append(len(things))
    members_of = pa.ListArray.from_arrays(pa.array(ends, pa.int32()), pa.array(things, pa.string()))
    arrays = [*(pa.array(values, pa.string()) for values in words), times.column(), violating.column(), members_of]
    return pa.Table.from_arrays(arrays, schema=SCHEMA)


def from_table(table: pa.Table) -> HistoryState:
    """Raises UntrustedBundle naming everything that is wrong with the table."""
    columns = Columns.read(table)
    state = HistoryState()
    times, violating = _arrays(columns.times), _arrays(columns.violating)
    members, starts = _strings(columns.things.values), columns.things.starts.tolist()
    for row, (kind, stored, policy) in enumerate(zip(_strings(columns.kind), _strings(columns.key), _strings(columns.policy), strict=True)):
        key = normal_domain(stored) if kind in KEYED_BY_DOMAIN else stored
        if kind in DISTINCT:
            things = members[starts[row] : starts[row + 1]]
            things = [*map(normal_domain, things)] if kind == "advertiser_domains" else things
            state.distinct[kind][key] = _united(state.distinct[kind].get(key), things, times(row))
            continue
        timeline = state.timelines[kind].get(key) or state.timelines[kind].setdefault(key, EntityTimeline())
        if policy is None:
            timeline.ads = _merged(timeline.ads, times(row))
            continue
        timeline.labels = {**(timeline.labels or {}), policy: _merged((timeline.labels or {}).get(policy), times(row))}
        if columns.violating.starts[row] < columns.violating.starts[row + 1]:
            timeline.violating = {**(timeline.violating or {}), policy: _merged((timeline.violating or {}).get(policy), violating(row))}
    return state


def normal_domain(domain: str) -> str:
    """Earlier versions kept domains nearly as they were written: several spellings then are one domain now."""
    return domain_key(domain) or domain


def _merged(known: array[int] | None, times: array[int]) -> array[int]:
    return times if known is None else array("q", sorted([*known, *times]))


def _united(known: Distinct | None, things: Sequence[str], times: array[int]) -> Distinct:
    if known is None and len(set(things)) == len(things):
        return Distinct.of(things, times)
    united = known or Distinct()
    for thing, at in zip(things, times, strict=True):
        united.add(thing, at)
    return united


class _Lists:
    """A list column being written."""

    def __init__(self) -> None:
        self._values: array[int] = array("q")
        self._ends = array("i", [0])

    def append(self, values: array[int]) -> None:
        self._values.extend(values)
        self._ends.append(len(self._values))

    def column(self) -> pa.ListArray:
        values = np.frombuffer(self._values, dtype=np.int64) if self._values else np.empty(0, np.int64)
        return pa.ListArray.from_arrays(pa.array(np.frombuffer(self._ends, dtype=np.int32)), pa.array(values))


def _strings(column: pa.Array) -> list[Any]:
    """The column's strings, or null; equal ones are one object, which the state then keeps once."""
    encoded = column.dictionary_encode()
    words = [*encoded.dictionary.to_pylist(), None]
    return [words[code] for code in encoded.indices.fill_null(len(words) - 1).to_pylist()]


def _arrays(column: Ragged) -> Callable[[int], array[int]]:
    """Row -> its times, copied out of the column as bytes: no Python number is made."""
    octets = column.values.to_numpy(zero_copy_only=False).astype(np.int64).tobytes()
    starts = (column.starts * 8).tolist()

    def times(row: int) -> array[int]:
        values: array[int] = array("q")
        values.frombytes(octets[starts[row] : starts[row + 1]])
        return values

    return times
