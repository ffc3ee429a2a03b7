"""Events of a store taken back, above it, because the ledger's entries that told them were erased: at once, before it is built anew."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from adverdict.features.history.entities import KINDS
from adverdict.features.history.known import DISTINCT, USES, Bools, Ints
from adverdict.features.history.store.layered import LayeredHistory
from adverdict.features.history.store.layout import HASHED, table_file
from adverdict.features.history.store.reading import UNKNOWN, HistoryStore

ROWS = 2**16
"""Events that are looked at at a time."""
_NOT = np.iinfo(np.int64).max


class Runs(NamedTuple):
    """Numbers of entries, as first and last of each unbroken run; sorted."""

    first: Ints
    last: Ints

    @classmethod
    def of(cls, runs: Sequence[tuple[int, int]]) -> Runs:
        table = np.array(sorted(runs), dtype=np.int64).reshape(-1, 2)
        return cls(table[:, 0].copy(), table[:, 1].copy())

    def hold(self, seqs: Ints) -> Bools:
        """Which of these numbers are among them."""
        if not len(self.first):
            return np.zeros(len(seqs), dtype=np.bool_)
        place = np.searchsorted(self.first, seqs, side="right") - 1
        return (place >= 0) & (seqs <= self.last[place])


def advertisers_before(store: HistoryStore) -> set[int]:
    """Rows of the advertisers that the snapshot before the first entry knew."""
    found = {row for batch in _batches(store, "before") for row in batch["row"].to_pylist()}
    for batch in _batches(store, "used"):
        for name, row, thing in zip(*(batch[column].to_pylist() for column in ("name", "row", "thing")), strict=True):
            found |= {one for kind, one in zip(USES[name], (row, thing), strict=True) if kind == "advertiser"}
    return found


def forget(history: LayeredHistory, erased: Runs, advertisers: Set[int]) -> dict[bytes, list[int]]:
    """Take back what entries told, and what the snapshot before the first entry knew of some advertisers, by row.

    Returns the versions of ads that an erased entry spoke of, whose labels are all taken back, with the entries left that speak of them:
    whoever calls says what these come to now.
    """
    store = history.store
    gone = _told_by(store, erased)
    for kind in KINDS:
        _take_ads(history, kind, gone[kind], gone["at_us"])
    if advertisers:
        _forget_before(history, advertisers)
    _first_uses(history, erased, gone, advertisers)
    left = _spoken_of(store, erased)
    _take_labels(history, left)
    return left


def _told_by(store: HistoryStore, erased: Runs) -> Mapping[str, Ints]:
    """The submissions that some entries told, as columns."""
    columns = ("seq", "at_us", *HASHED)
    parts: dict[str, list[Ints]] = {column: [np.empty(0, np.int64)] for column in columns}
    with pq.ParquetFile(store.folder / table_file("submissions")) as file:
        for group in range(file.num_row_groups):
            told = file.metadata.row_group(group).column(0).statistics
            if told is None or not told.has_min_max or _overlap(erased, told.min, told.max):
                rows = file.read_row_group(group)
                mask = erased.hold(_integers(rows["seq"]))
                for column in columns:
                    parts[column].append(_integers(rows[column])[mask])
    return {column: np.concatenate(found) for column, found in parts.items()}


def _overlap(erased: Runs, first: int, last: int) -> bool:
    return bool(((erased.first <= last) & (erased.last >= first)).any())


def _take_ads(history: LayeredHistory, kind: str, rows: Ints, at: Ints) -> None:
    if not len(rows):
        return  # nothing, split, is one part and not none
    order = np.lexsort((at, rows))
    rows, at = rows[order], at[order]
    found, starts = np.unique(rows, return_index=True)
    for row, times in zip(found.tolist(), np.split(at, starts[1:]), strict=True):
        if row != UNKNOWN:
            history.take_ads(kind, row, times.tolist())


def _forget_before(history: LayeredHistory, advertisers: Set[int]) -> None:
    for batch in _batches(history.store, "before"):
        for one in batch.filter(pc.is_in(batch["row"], value_set=pa.array(sorted(advertisers), batch["row"].type))).to_pylist():
            if one["policy"] is None:
                history.take_ads("advertiser", one["row"], [one["at_us"]])
            else:
                for _ in range(one["weight"]):
                    history.take_label("advertiser", one["row"], one["policy"], one["violates"], one["at_us"])


def _first_uses(history: LayeredHistory, erased: Runs, gone: Mapping[str, Ints], advertisers: Set[int]) -> None:
    """Where a first use is gone, the next one is the first."""
    store = history.store
    pairs = {name: _pairs(gone, name) for name in DISTINCT}
    at = dict.fromkeys(DISTINCT, gone["at_us"])
    forgotten = _used_by(store, advertisers) if advertisers else {}
    affected = {}
    for name in DISTINCT:
        more, when = forgotten.get(name, (np.empty(0, np.int64), np.empty(0, np.int64)))
        both = zip(np.concatenate([pairs[name], more]).tolist(), np.concatenate([at[name], when]).tolist(), strict=True)
        firsts = {pair for pair, moment in both if pair != UNKNOWN and store.sets[name].first_use(*divmod(pair, _WIDE)) == moment}
        affected[name] = np.array(sorted(firsts), dtype=np.int64)
    if not any(map(len, affected.values())):
        return
    best = {name: np.full(len(found), _NOT) for name, found in affected.items()}
    for batch in _batches(store, "submissions"):
        kept = ~erased.hold(_integers(batch["seq"]))
        columns = {kind: _integers(batch[kind])[kept] for kind in HASHED}
        moments = _integers(batch["at_us"])[kept]
        for name in DISTINCT:
            _least(affected[name], best[name], _pairs(columns, name), moments)
    for name, (pair, moments) in _used_by(store, None, but=advertisers).items():
        _least(affected[name], best[name], pair, moments)
    for name, found in affected.items():
        for pair, first in zip(found.tolist(), best[name].tolist(), strict=True):
            row, thing = divmod(pair, _WIDE)
            history.use_first(name, row, thing, None if first == _NOT else first)


_WIDE = 2**32


def _pairs(columns: Mapping[str, Ints], name: str) -> Ints:
    """Who used what as one number; ``UNKNOWN`` where either is not stated."""
    whose, what = (columns[kind] for kind in USES[name])
    return np.where((whose == UNKNOWN) | (what == UNKNOWN), UNKNOWN, whose * _WIDE + what)


def _least(affected: Ints, best: Ints, pairs: Ints, at: Ints) -> None:
    if not len(affected):
        return
    place = np.minimum(np.searchsorted(affected, pairs), len(affected) - 1)
    same = affected[place] == pairs
    np.minimum.at(best, place[same], at[same])


def _used_by(store: HistoryStore, advertisers: Set[int] | None, but: Set[int] = frozenset()) -> dict[str, tuple[Ints, Ints]]:
    """First uses that were known before the first entry, by set: of or by some advertisers, or of all but some."""
    found: dict[str, tuple[list[int], list[int]]] = {name: ([], []) for name in DISTINCT}
    for batch in _batches(store, "used"):
        columns = (batch[column].to_pylist() for column in ("name", "row", "thing", "at_us"))
        for name, row, thing, at in zip(*columns, strict=True):
            whose = {one for kind, one in zip(USES[name], (row, thing), strict=True) if kind == "advertiser"}
            if whose.isdisjoint(but) if advertisers is None else not whose.isdisjoint(advertisers):
                found[name][0].append(row * _WIDE + thing)
                found[name][1].append(at)
    return {name: (np.array(pairs, dtype=np.int64), np.array(at, dtype=np.int64)) for name, (pairs, at) in found.items()}


def _spoken_of(store: HistoryStore, erased: Runs) -> dict[bytes, list[int]]:
    touched: set[bytes] = set()
    for batch in _batches(store, "said"):
        touched.update(batch["version"].filter(pa.array(erased.hold(_integers(batch["seq"])))).to_pylist())
    left: dict[bytes, list[int]] = {version: [] for version in touched}
    for batch in _batches(store, "said") if touched else ():
        some = batch.filter(pc.is_in(batch["version"], value_set=pa.array(sorted(touched), batch["version"].type)))
        seqs = _integers(some["seq"])
        for version, seq, gone in zip(some["version"].to_pylist(), seqs.tolist(), erased.hold(seqs).tolist(), strict=True):
            if not gone:
                left[version].append(seq)
    return left


def _take_labels(history: LayeredHistory, versions: Mapping[bytes, object]) -> None:
    """All labels on some versions."""
    if not versions:
        return
    for batch in _batches(history.store, "labels"):
        for one in batch.filter(pc.is_in(batch["version"], value_set=pa.array(sorted(versions), batch["version"].type))).to_pylist():
            for kind in KINDS:
                for _ in range(one["weight"] if one[kind] is not None else 0):
                    history.take_label(kind, one[kind], one["policy"], one["violates"], one["at_us"])


def _batches(store: HistoryStore, table: str) -> Iterator[pa.RecordBatch]:
    with pq.ParquetFile(Path(store.folder) / table_file(table)) as file:
        yield from file.iter_batches(ROWS)


def _integers(column: pa.Array | pa.ChunkedArray) -> npt.NDArray[np.int64]:
    """Null as ``UNKNOWN``."""
    return np.asarray(pc.fill_null(column.cast(pa.int64()), UNKNOWN).to_numpy(), dtype=np.int64)
