"""Which came first of those with the same key: a hash table of whole arrays at a time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from adverdict.clusters.native import module

FULL = 0.6
"""Beyond this share of its slots a table is doubled."""


class Buckets:
    """Key -> the one that had it first. 12 bytes a slot, open addressing, linear probing."""

    def __init__(self, slots: int = 1 << 12) -> None:
        self._keys = np.zeros(slots, dtype=np.uint64)
        self._first = np.zeros(slots, dtype=np.int32)
        self._used = 0

    def claim(self, keys: NDArray[np.uint64], owners: NDArray[np.int32], *, distinct: bool = False) -> NDArray[np.int32]:
        """Of each key: who had it first, in earlier calls or earlier in this one. ``keys`` are well mixed already; ``distinct``: no two
        are equal."""
        native = module()
        if native is not None:
            while self._used + keys.size > FULL * self._keys.size:
                self._grow()
            found = np.empty(keys.size, dtype=np.int32)
            self._used += native.bucket_claim(self._keys, self._first, keys, owners, found)
            return found
        keys = np.where(keys == 0, np.uint64(1), keys)
        if distinct:
            while self._used + keys.size > FULL * self._keys.size:
                self._grow()
            return self._claim(keys, owners)
        unique, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
        while self._used + unique.size > FULL * self._keys.size:
            self._grow()
        return self._claim(unique, owners[first])[inverse]

    def find(self, keys: NDArray[np.uint64]) -> NDArray[np.int32]:
        """The same without claiming any: -1 where nobody had it."""
        native = module()
        if native is not None:
            told = np.empty(keys.size, dtype=np.int32)
            native.bucket_find(self._keys, self._first, keys, told)
            return told
        keys = np.where(keys == 0, np.uint64(1), keys)
        found = np.full(keys.size, -1, dtype=np.int32)
        slots, open_ = (keys & np.uint64(self._keys.size - 1)).astype(np.int64), np.arange(keys.size)
        while open_.size:
            there = self._keys[slots[open_]]
            hit = there == keys[open_]
            found[open_[hit]] = self._first[slots[open_[hit]]]
            open_ = open_[~hit & (there != 0)]
            slots[open_] = (slots[open_] + 1) & (self._keys.size - 1)
        return found

    def met(self, keys: NDArray[np.uint64], there: NDArray[np.bool_], own: int, *, claim: bool) -> NDArray[np.int32] | None:
        """``int32 (n, 2)``: who of the owners numbered from ``own`` on, a row of keys each, shares one with whom of before, once and in
        order. ``claim``: those that nobody has are taken. None: there is no core to do it at once."""
        native = module()
        if native is None:
            return None
        while claim and self._used + keys.size > FULL * self._keys.size:
            self._grow()
        pairs, used = native.bucket_met(self._keys, self._first, keys, there, own, claim)
        self._used += used
        return np.frombuffer(pairs, dtype=np.int32).reshape(-1, 2)

    def _claim(self, keys: NDArray[np.uint64], owners: NDArray[np.int32]) -> NDArray[np.int32]:
        found = np.empty(keys.size, dtype=np.int32)
        slots, open_ = (keys & np.uint64(self._keys.size - 1)).astype(np.int64), np.arange(keys.size)
        while open_.size:
            at = slots[open_]
            empty = self._keys[at] == 0
            self._keys[at[empty]] = keys[open_[empty]]  # of several that want one slot, the last gets it
            won = empty & (self._keys[at] == keys[open_])
            self._first[at[won]] = owners[open_[won]]
            self._used += int(won.sum())
            hit = self._keys[at] == keys[open_]
            found[open_[hit]] = self._first[at[hit]]
            open_ = open_[~hit]
            slots[open_] = (slots[open_] + 1) & (self._keys.size - 1)
        return found

    def _grow(self) -> None:
        keys, first = self._keys, self._first
        there = keys != 0
        self._keys = np.zeros(2 * keys.size, dtype=np.uint64)
        self._first = np.zeros(2 * keys.size, dtype=np.int32)
        self._used = 0
        self._claim(keys[there], first[there])
