"""The columns of a history snapshot, and everything that can be wrong with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from adverdict.domain.errors import SHOWN, Mistake, UntrustedBundle
from adverdict.features.history.entities import KINDS
from adverdict.features.history.known import DISTINCT, Bools, Ints

SCHEMA = pa.schema(
    [
        ("kind", pa.string()),
        ("key", pa.string()),
        ("policy", pa.string()),
        ("times", pa.list_(pa.int64())),
        ("violating", pa.list_(pa.int64())),
        ("things", pa.list_(pa.string())),
    ]
)


@dataclass(frozen=True, slots=True)
class Ragged:
    """A list column: all its values in one array; row i holds values[starts[i]:starts[i + 1]]."""

    values: pa.Array
    starts: Ints

    @classmethod
    def of(cls, column: pa.ChunkedArray) -> Ragged:
        lengths = column.combine_chunks().value_lengths().to_numpy(zero_copy_only=False)
        return cls(column.combine_chunks().flatten(), np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)]))

    @property
    def lengths(self) -> Ints:
        return np.diff(self.starts)

    @property
    def rows(self) -> Ints:
        """The row of each value."""
        return np.repeat(np.arange(len(self.lengths)), self.lengths)


@dataclass
class Columns:
    """Columns of a table with the right schema and no nulls where none may be."""

    kind: pa.Array
    key: pa.Array
    policy: pa.Array
    times: Ragged
    violating: Ragged
    things: Ragged
    wrong: list[Mistake] = field(default_factory=list)

    @classmethod
    def read(cls, table: pa.Table) -> Columns:
        """Raises UntrustedBundle naming everything that is wrong with the table."""
        _check_schema(table)
        _check_nulls(table)
        words = [table[name].combine_chunks() for name in ("kind", "key", "policy")]
        columns = cls(*words, *(Ragged.of(table[name]) for name in ("times", "violating", "things")))
        columns._check_rows()
        columns._check_times()
        columns._check_things()
        _refuse(columns.wrong)
        return columns

    def _check_rows(self) -> None:
        kind, labels = _strings(self.kind), ~_mask(self.policy.is_null())
        sets = np.isin(kind, DISTINCT)
        self._reject(~sets & ~np.isin(kind, KINDS), "kind", kind, "one of " + ", ".join((*KINDS, *DISTINCT)))
        self._reject(sets & labels, "policy", _strings(self.policy), "null for a set of things")
        self._reject(self.times.lengths == 0, "times", self.times.lengths, "at least one time")
        self._reject(~labels & (self.violating.lengths > 0), "violating", self.violating.lengths, "no times: the row is not about labels")
        self._reject(_repeated(self.kind, self.key, self.policy), "key", _strings(self.key), "one row a kind, key and policy")

    def _check_times(self) -> None:
        labels = ~_mask(self.policy.is_null())
        for name, column in (("times", self.times), ("violating", self.violating)):
            moments, rows = _integers(column.values), column.rows
            backwards = np.zeros(len(moments), dtype=np.bool_)
            backwards[1:] = (moments[1:] < moments[:-1]) & (rows[1:] == rows[:-1])
            if name == "times":
                backwards &= ~np.isin(_strings(self.kind), DISTINCT)[rows]
            self._reject(_any(backwards, rows, len(labels)), name, _strings(self.key), "times in order")
        self._reject(labels & self._unlabelled_violations(), "violating", _strings(self.key), "times that are among the labels' times")

    def _unlabelled_violations(self) -> Bools:
        """Rows where some time is more often violating than labelled."""
        claiming = (self.violating.lengths > 0)[self.times.rows]
        times, violating = _integers(self.times.values)[claiming], _integers(self.violating.values)
        clock = np.sort(np.concatenate([times, violating]), kind="stable")
        keys = [
            np.sort(rows * (len(clock) + 1) + np.searchsorted(clock, moments), kind="stable")
            for rows, moments in ((self.times.rows[claiming], times), (self.violating.rows, violating))
        ]
        labelled, claimed = (np.searchsorted(key, keys[1], side="right") - np.searchsorted(key, keys[1]) for key in keys)
        return _any(claimed > labelled, keys[1] // (len(clock) + 1), len(self.kind))

    def _check_things(self) -> None:
        sets = np.isin(_strings(self.kind), DISTINCT)
        expected = np.where(sets, self.times.lengths, 0)
        self._reject(self.things.lengths != expected, "things", self.things.lengths, "one for each of times in a set, none elsewhere")
        rows = self.things.rows
        repeated = _repeated(pa.array(rows), self.things.values)
        self._reject(_any(repeated, rows, len(sets)), "things", _strings(self.key), "different things")

    def _reject(self, bad: Bools, name: str, came: Sequence[Any] | np.ndarray[Any, Any], expected: str) -> None:
        self.wrong.extend(Mistake(name, _plain(came[row]), expected, where=f"row {row}") for row in np.flatnonzero(bad).tolist())


def _check_schema(table: pa.Table) -> None:
    if not table.schema.equals(SCHEMA, check_metadata=False):
        came = ", ".join(f"{column.name}: {column.type}" for column in table.schema)
        _refuse([Mistake("columns", came, ", ".join(f"{column.name}: {column.type}" for column in SCHEMA))])


def _check_nulls(table: pa.Table) -> None:
    wrong = [Mistake(name, None, "no nulls") for name in SCHEMA.names if name != "policy" and table[name].null_count]
    lists = ("times", "violating", "things")
    wrong += [Mistake(name, None, "lists without nulls") for name in lists if table[name].combine_chunks().flatten().null_count]
    _refuse(wrong)


def _refuse(wrong: Sequence[Mistake]) -> None:
    if wrong:
        more = [f"… and {len(wrong) - SHOWN} more"] if len(wrong) > SHOWN else []
        raise UntrustedBundle("\n  - ".join(["not a history snapshot", *map(str, wrong[:SHOWN]), *more]))


def _repeated(*columns: pa.Array) -> Bools:
    """Rows equal to an earlier row in all columns; a null equals a null."""
    codes = [column.dictionary_encode(null_encoding="encode").indices.to_numpy(zero_copy_only=False) for column in columns]
    order = np.lexsort(codes)
    same = np.logical_and.reduce([code[order][1:] == code[order][:-1] for code in codes])
    repeated = np.zeros(len(order), dtype=np.bool_)
    repeated[order[1:][same]] = True
    return repeated


def _any(bad: Bools, rows: Ints, n: int) -> Bools:
    """Which of n rows hold a bad value."""
    return np.bincount(rows[bad], minlength=n) > 0


def _integers(values: pa.Array) -> Ints:
    return np.asarray(values.to_numpy(zero_copy_only=False), dtype=np.int64)


def _mask(values: pa.Array) -> Bools:
    return np.asarray(values.to_numpy(zero_copy_only=False), dtype=np.bool_)


def _strings(values: pa.Array) -> np.ndarray[Any, Any]:
    return np.asarray(values.to_numpy(zero_copy_only=False), dtype=object)


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value
