"""A store, read: memory-mapped, so that all processes of a machine share one copy, and only what is asked for takes memory."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from adverdict.domain.errors import UntrustedBundle
from adverdict.features.history.entities import KINDS
from adverdict.features.history.known import DISTINCT, NEVER, USES, WINDOWS
from adverdict.features.history.layout import map_array
from adverdict.features.history.store.layout import (
    HASHED,
    LISTED,
    TABLES,
    StoreListing,
    array_file,
    hash_of,
    sha256_of,
    table_file,
)

UNKNOWN = -1
"""Row of an entity that the store knows nothing of."""
CACHED = 2**16
"""Rows that are remembered by name."""
DTYPES = {
    "hi": "<u8",
    "lo": "<u8",
    "ads": "<i8",
    "labels": "<i8",
    "codes": "<u2",
    "things": "<u4",
    "first": "<i8",
    "times": "<i8",
}
"""Of arrays by their part; where entities' events begin may have either of two."""


class HistoryStore:
    """What was known once the entry ``listing.stands_on.seq`` was written, event for event."""

    def __init__(self, folder: Path, listing: StoreListing, arrays: dict[str, memoryview]) -> None:
        self.folder, self.listing = folder, listing
        self.codes = {policy: 2 * number for number, policy in enumerate(listing.policies)}
        """Of labels that do not say violating; the next number, of those that do."""
        self.names = {kind: Names(arrays[f"{kind}.hi"], arrays[f"{kind}.lo"]) for kind in HASHED}
        parts = ("ads", "ads_from", "labels", "codes", "labels_from")
        self.kinds = {kind: StoredEntities(*(arrays[f"{kind}.{part}"] for part in parts)) for kind in KINDS}
        self.sets = {name: StoredSets(*(arrays[f"{name}.{part}"] for part in ("things", "first", "times", "from"))) for name in DISTINCT}
        self._rows: dict[tuple[str, str], int] = {}

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Reads every byte once to check it. Raises NotFound where there is none, UntrustedBundle naming the file that is damaged."""
        listing = StoreListing.read(folder)
        arrays = {}
        for name, listed in listing.arrays.items():
            part = name.rpartition(".")[2]
            wanted = (DTYPES[part],) if part in DTYPES else ("<u4", "<u8")
            if listed.dtype not in wanted or len(listed.shape) != 1:
                came = f"{listed.dtype} {listed.shape}"
                raise UntrustedBundle(f"{folder / LISTED}: {name} = {came}; expected {' or '.join(wanted)}, in one dimension")
            mapped: Any = map_array(folder / array_file(name), listed)  # an array is a buffer, which its type does not say
            arrays[name] = memoryview(mapped)
        _check_lengths(folder, arrays)
        for name in TABLES:
            path = folder / table_file(name)
            try:
                found = sha256_of(path)
            except OSError as error:
                raise UntrustedBundle(f"{path}: not the table that {LISTED} lists: {error}") from error
            if found != listing.tables[name]:
                raise UntrustedBundle(f"{path}: sha256 of its content is {found}; expected {listing.tables[name]}")
        return cls(folder, listing, arrays)

    def row(self, kind: str, name: str) -> int:
        """``UNKNOWN`` where the store knows nothing of it."""
        asked = (kind, name)
        row = self._rows.get(asked)
        if row is None:
            if len(self._rows) >= CACHED:
                self._rows.clear()
            row = self._rows[asked] = self.names[kind].row(*hash_of(name))
        return row


@dataclass(frozen=True, slots=True)
class Names:
    """Hashes of the names of one kind, sorted."""

    hi: memoryview
    lo: memoryview

    def row(self, hi: int, lo: int) -> int:
        row, end = bisect_left(self.hi, hi), len(self.hi)
        while row < end and self.hi[row] == hi:  # once, unless two different names agree in 64 bits
            if self.lo[row] == lo:
                return row
            row += 1
        return UNKNOWN


@dataclass(frozen=True, slots=True)
class StoredEntities:
    """Submissions and labels of all entities of one kind."""

    ads: memoryview
    ads_from: memoryview
    labels: memoryview
    codes: memoryview
    labels_from: memoryview

    def before(self, row: int, at: int, policies: Sequence[int]) -> list[int]:
        """One row of ``EntityCounts.from_table``; ``policies`` are codes, -2 for one that the store knows no label of."""
        ads, start, end = self.ads, self.ads_from[row], self.ads_from[row + 1]
        ever = bisect_left(ads, at, start, end)
        some = ever > start
        recent = [ever - bisect_left(ads, at - window, start, ever) for window in WINDOWS] if some else _NONE
        counts = [1, *recent, ever - start, ads[start] if some else NEVER, ads[ever - 1] if some else NEVER]
        if self.labels_from[row] == self.labels_from[row + 1]:
            return [*counts, 0, 0, *([0] * (2 * len(policies)))]
        by_code = self.labels_before(row, at)
        bad = sum(number for code, number in by_code.items() if code & 1)
        violations = [by_code.get(code + 1, 0) for code in policies]
        labels = [by_code.get(code, 0) + violating for code, violating in zip(policies, violations, strict=True)]
        return [*counts, sum(by_code.values()), bad, *labels, *violations]

    def labels_before(self, row: int, at: int) -> dict[int, int]:
        """By code, how many labels came before a moment."""
        found, start, end = {}, self.labels_from[row], self.labels_from[row + 1]
        while start < end:
            code = self.codes[start]
            until = bisect_right(self.codes, code, start, end)
            found[code] = bisect_left(self.labels, at, start, until) - start
            start = until
        return found

    def labels_at(self, row: int, code: int, at: int) -> int:
        """How many labels of a code were given at a moment."""
        start, end = self.labels_from[row], self.labels_from[row + 1]
        start, end = bisect_left(self.codes, code, start, end), bisect_right(self.codes, code, start, end)
        return bisect_right(self.labels, at, start, end) - bisect_left(self.labels, at, start, end)


@dataclass(frozen=True, slots=True)
class StoredSets:
    """Different things that entities used, and when first."""

    things: memoryview
    first: memoryview
    times: memoryview
    starts: memoryview

    def before(self, row: int, at: int) -> int:
        start = self.starts[row]
        return bisect_left(self.times, at, start, self.starts[row + 1]) - start

    def first_use(self, row: int, thing: int) -> int | None:
        """None: it was never used."""
        end = self.starts[row + 1]
        place = bisect_left(self.things, thing, self.starts[row], end)
        return self.first[place] if place < end and self.things[place] == thing else None


_NONE = [0] * len(WINDOWS)


def _check_lengths(folder: Path, arrays: dict[str, memoryview]) -> None:
    """What lies in one file must fit what lies in the others."""
    starts: dict[str, tuple[str, tuple[str, ...]]] = {f"{kind}.ads_from": (kind, ("ads",)) for kind in KINDS}
    starts |= {f"{kind}.labels_from": (kind, ("labels", "codes")) for kind in KINDS}
    starts |= {f"{name}.from": (name, ("things", "first", "times")) for name in DISTINCT}
    for name, (of, parts) in starts.items():
        begins, kind = arrays[name], USES[of][0] if of in USES else of
        n = len(arrays[f"{kind}.hi"])
        fits = len(begins) == n + 1 and all(len(arrays[f"{of}.{part}"]) == begins[n] for part in parts)
        if not fits or len(arrays[f"{kind}.lo"]) != n:
            raise UntrustedBundle(f"{folder / LISTED}: {name} does not fit the other arrays of {of}")
