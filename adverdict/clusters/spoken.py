"""Ads that people have spoken of, by the cluster they are in: filed once, and moved when two clusters become one."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from adverdict.clusters.follower import ClusterFollower
from adverdict.clusters.index import ClusterIndex


class SpokenOf:
    """Looking one cluster up takes as long as that cluster has such ads, however many there are in all. Not for several threads at once."""

    def __init__(self, follower: ClusterFollower) -> None:
        self._follower = follower
        self._index: ClusterIndex | None = None
        """That it was filed by; an erasure makes another."""
        self._seqs: set[int] = set()
        self._by_root: dict[int, set[int]] = {}
        """The first ad of a cluster -> ads of it, all as the index numbers them."""

    def forget(self) -> None:
        """All of them."""
        self._index, self._seqs, self._by_root = None, set(), {}

    def change(self, spoken: Iterable[int], taken_back: Iterable[int]) -> None:
        """``spoken``: entries that first decided an ad of which somebody has spoken now; ``taken_back``: those of which nothing stands."""
        current = self._index is self._follower.index
        for seq in set(spoken) - self._seqs:
            self._seqs.add(seq)
            if current:
                self._file(seq)
        for seq in self._seqs.intersection(taken_back):
            self._seqs.remove(seq)
            if current and (number := self._follower.number_of(seq)) is not None:
                self._by_root[self._follower.index.root(number)].discard(number)

    def of(self, root: int) -> NDArray[np.int32]:
        """``int32 (n,)``, in order: the ads of the cluster that begins with this one."""
        if self._index is not self._follower.index:
            self._anew()
        return np.array(sorted(self._by_root.get(root, ())), dtype=np.int32)

    def _anew(self) -> None:
        self._index, self._by_root = self._follower.index, {}
        self._index.heard_of_joins = self._joined
        for seq in self._seqs:
            self._file(seq)

    def _file(self, seq: int) -> None:
        number = self._follower.number_of(seq)
        if number is not None:
            self._by_root.setdefault(self._follower.index.root(number), set()).add(number)

    def _joined(self, gone: int, root: int) -> None:
        moved = self._by_root.pop(gone, None)
        if moved:
            self._by_root.setdefault(root, set()).update(moved)
