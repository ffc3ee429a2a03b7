"""The history at one moment, read from memory-mapped arrays: all processes of a machine share one copy, whatever its size."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt

from adverdict.domain.ad import Ad
from adverdict.domain.errors import ContractMismatch, UntrustedBundle
from adverdict.features.history.entities import KINDS, entities, microseconds
from adverdict.features.history.known import NEVER, USES, EntityCounts, HistoryCounts, Ints
from adverdict.features.history.layout import LABELLED, LISTED, PARTS, SUBMITTED, Listing, counted, hashes, map_array, name_of

UNKNOWN = -1
"""Row of an entity that nothing is known of."""


class FrozenHistory:
    """What was known strictly before ``moment``: equal, integer for integer, to a ``HistoryState`` that is asked at this moment."""

    def __init__(self, folder: Path, listing: Listing, kept: dict[str, Entity]) -> None:
        self.folder = folder
        self.moment: datetime = listing.moment
        self.policies: tuple[str, ...] = listing.policies
        """Those that labels were counted under."""
        self.digest: str = listing.digest
        """Of everything it knows: equal where the same events, moment and policies were frozen, wherever and from whatever."""
        self.seq: int | None = listing.seq
        """The last entry of the ledger that told it; None where no ledger did."""
        self._entities = kept

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Reads every byte once to check it. Raises NotFound where there is none, UntrustedBundle naming the file that is damaged."""
        listing = Listing.read(folder)
        expected = {name_of(kind, part) for kind in KINDS for part in PARTS}
        if listing.files.keys() != expected:
            odd = ", ".join(sorted(listing.files.keys() ^ expected))
            raise UntrustedBundle(f"{folder / LISTED}: files = …; expected one for each kind of entity and part; these are odd: {odd}")
        return cls(folder, listing, {kind: Entity.open(folder, kind, listing) for kind in KINDS})

    def __len__(self) -> int:
        """How many entities something is known of."""
        return sum(len(entity.hi) for entity in self._entities.values())

    def counts(self, ads: Sequence[Ad], policies: Sequence[str]) -> HistoryCounts:
        """What was known before ``moment``, whenever the ads were submitted.

        Raises ContractMismatch for a policy that labels were not counted under.
        """
        self._check(policies)
        whose = [entities(ad) for ad in ads]
        rows = {kind: self._entities[kind].rows([keys[column] for keys in whose]) for column, kind in enumerate(KINDS)}
        by_kind = {}
        for column, kind in enumerate(KINDS):
            stated = np.array([keys[column] is not None for keys in whose], dtype=np.bool_)
            by_kind[kind] = self._entities[kind].counts(stated, rows[kind], policies)
        distinct = {name: self._entities[kind].column(name, rows[kind]) for name, (kind, _) in USES.items()}
        at = np.full(len(ads), microseconds(self.moment), dtype=np.int64)
        return HistoryCounts.assemble(policies, at, by_kind, distinct)

    def _check(self, policies: Iterable[str]) -> None:
        missing = [policy for policy in policies if policy not in self.policies]
        if missing:
            known = ", ".join(self.policies) or "none"
            raise ContractMismatch(
                f"the frozen history in {self.folder} does not count labels under {', '.join(missing)}; it knows {known}"
            )


@dataclass(frozen=True, slots=True, eq=False)
class Entity:
    """What is known of all entities of one kind; the arrays of ``features.history.layout``."""

    names: tuple[str, ...]
    """Of the columns of ``values``."""
    hi: npt.NDArray[np.uint64]
    lo: npt.NDArray[np.uint64]
    times: Ints
    values: npt.NDArray[np.integer]

    @classmethod
    def open(cls, folder: Path, kind: str, listing: Listing) -> Self:
        """Raises UntrustedBundle naming the file."""
        names = counted(kind, listing.policies)
        n = listing.files[name_of(kind, "hi")].shape[:1]
        shapes = {"hi": n, "lo": n, "times": (*n, 2), "counts": (*n, len(names))}
        dtypes = {"hi": ("<u8",), "lo": ("<u8",), "times": ("<i8",), "counts": ("<i4", "<i8")}
        arrays = []
        for part in PARTS:
            name = name_of(kind, part)
            listed = listing.files[name]
            if listed.shape != shapes[part] or listed.dtype not in dtypes[part]:
                came = f"{listed.dtype} {listed.shape}"
                raise UntrustedBundle(f"{folder / LISTED}: {name} = {came}; expected {' or '.join(dtypes[part])} {shapes[part]}")
            arrays.append(map_array(folder / name, listed))
        return cls(names, *arrays)

    def rows(self, keys: Sequence[str | None]) -> Ints:
        """int64 (n,): the row of each entity, ``UNKNOWN`` where nothing is known of it or none is stated."""
        asked = sorted({key for key in keys if key is not None})
        row_of: dict[str | None, int] = dict(zip(asked, find(self.hi, self.lo, hashes(asked)).tolist(), strict=True))
        return np.array([row_of.get(key, UNKNOWN) for key in keys], dtype=np.int64)

    def counts(self, stated: npt.NDArray[np.bool_], rows: Ints, policies: Sequence[str]) -> EntityCounts:
        values, times = _taken(self.values, rows, 0), _taken(self.times, rows, NEVER)
        facts = {name: values[:, self.names.index(name)] for name in (*SUBMITTED, *LABELLED)}
        under = {what: [self.names.index(f"{what}:{policy}") for policy in policies] for what in ("labels", "violations")}
        return EntityCounts(
            present=stated,
            first=times[:, 0],
            last=times[:, 1],
            labels=values[:, under["labels"]],
            violations=values[:, under["violations"]],
            **facts,
        )

    def column(self, name: str, rows: Ints) -> Ints:
        return _taken(self.values[:, self.names.index(name)], rows, 0)


def find(hi: npt.NDArray[np.uint64], lo: npt.NDArray[np.uint64], asked: npt.NDArray[np.uint64]) -> Ints:
    """Rows of ``asked`` (n, 2) among the hashes (hi, lo), which are sorted; ``UNKNOWN`` where a hash is not there."""
    found = np.full(len(asked), UNKNOWN, dtype=np.int64)
    row = np.searchsorted(hi, asked[:, 0])
    open_ = np.arange(len(asked))
    while len(open_):  # once, unless two different names agree in 64 bits
        open_ = open_[row[open_] < len(hi)]
        open_ = open_[hi[row[open_]] == asked[open_, 0]]
        same = lo[row[open_]] == asked[open_, 1]
        found[open_[same]] = row[open_[same]]
        open_ = open_[~same]
        row[open_] += 1
    return found


def _taken(values: npt.NDArray[np.integer], rows: Ints, otherwise: int) -> Ints:
    """The rows as int64; ``otherwise`` where a row is ``UNKNOWN``."""
    taken = np.full((len(rows), *values.shape[1:]), otherwise, dtype=np.int64)
    known = rows != UNKNOWN
    taken[known] = values[rows[known]]
    return taken
