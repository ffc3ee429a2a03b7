"""Clusters, kept as ads come: an ad joins those it is near, and may join two clusters into one (union-find).

Candidates meet in buckets: of words in bands of MinHash (Leskovec, Rajaraman and Ullman 2014, §3.4), of pictures in samples of bits. A
bucket has one ad in it, its first, which stands for all that come later, so no bucket grows however many copies there are. Whether two ads
are near is then looked at, never taken for granted. What comes out depends on the order of the ads alone, not on how they were batched.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from adverdict.clusters.buckets import Buckets
from adverdict.clusters.fingerprints import Fingerprints
from adverdict.clusters.minhash import BANDS, SIZE, band_keys, likeness
from adverdict.clusters.native import copies, module
from adverdict.clusters.pictures import KEYS, NEAR, WIDTH, apart, by_length, picture_keys, places

ALIKE = 0.80
"""Likeness of words from which ads are copies whatever else they show."""
SIMILAR = 0.58
"""The same where they show a near picture or lead to the same domain."""
FEWEST = 24
"""Letters below which words alone say too little: \"Shop now\" is everybody's."""
ROOM = 1 << 12
_BANDS_AND_KEYS = np.array([BANDS, KEYS])
_NOBODY = np.empty((0, 2), dtype=np.int32)
_LIMITS = (ALIKE, SIMILAR, NEAR, FEWEST)


@dataclass(frozen=True)
class Keyed:
    """Fingerprints with the buckets they fall into: made once where ads are first asked about and then taken in."""

    made: Fingerprints
    keys: NDArray[np.uint64]
    """``uint64 (n, BANDS + KEYS)``: of words, then of pictures. 64 bits tell the one from the other as they tell words from words."""
    there: NDArray[np.bool_]
    """The same shape: which of them mean something, as the ad has letters, or a picture."""

    @classmethod
    def of(cls, made: Fingerprints) -> Keyed:
        keys = bucket_keys(made)
        there = np.repeat(np.column_stack([made.letters > 0, made.bits > 0]), _BANDS_AND_KEYS, axis=1)
        return cls(made, keys, there)

    @classmethod
    def together(cls, some: Sequence[Keyed]) -> Keyed:
        """One after the other; at least one."""
        keys, there = np.concatenate([one.keys for one in some]), np.concatenate([one.there for one in some])
        return cls(Fingerprints.together([one.made for one in some]), keys, there)

    def __len__(self) -> int:
        return len(self.made)

    def __getitem__(self, rows: slice | NDArray[np.int64]) -> Keyed:
        return Keyed(self.made[rows], self.keys[rows], self.there[rows])

    @cached_property
    def buckets(self) -> NDArray[np.uint64]:
        """The keys that mean something, ad by ad."""
        return np.asarray(self.keys[self.there])

    @cached_property
    def rows(self) -> NDArray[np.int64]:
        """Whose each of them is."""
        return np.asarray(np.repeat(np.arange(len(self)), self.there.sum(axis=1)))

    @cached_property
    def meet(self) -> bool:
        """Whether two of them fall into one bucket; where not, none is near another."""
        return bool((np.diff(np.sort(self.buckets)) == 0).any())


def bucket_keys(made: Fingerprints) -> NDArray[np.uint64]:
    """``uint64 (n, BANDS + KEYS)``: those of words, then those of pictures, which of ads without a picture mean nothing."""
    native = copies()
    if native is None:
        return np.concatenate([band_keys(made.words), picture_keys(made.picture, made.bits)], axis=1)
    keys = np.zeros((len(made), BANDS + KEYS), dtype=np.uint64)
    native.band_keys(np.ascontiguousarray(made.words), keys)
    for length, rows in by_length(made.bits):
        native.picture_keys(np.ascontiguousarray(made.picture), rows, places(length), length, keys, BANDS)
    return keys


@dataclass(frozen=True)
class Near:
    """Two ads that are near, and how."""

    one: int
    other: int
    """The earlier."""
    words: float
    """Likeness, in [0, 1]."""
    picture: float | None
    """Share of bits that differ; None: one of them has no picture."""
    page: bool
    """They lead to the same domain."""

    @property
    def distance(self) -> float:
        """In [0, 1]: 0 is the same words. What propagation is certified by."""
        return 1.0 - self.words


class ClusterIndex:
    """Ads are numbered in the order in which they came, from 0. Not for several threads at once."""

    def __init__(self, room: int = ROOM) -> None:
        """``room``: ads, to begin with."""
        self._words = np.empty((room, SIZE), dtype=np.uint16)
        self._letters = np.empty(room, dtype=np.int32)
        self._picture = np.empty((room, WIDTH), dtype=np.uint8)
        self._bits = np.empty(room, dtype=np.int16)
        self._page = np.empty(room, dtype=np.uint64)
        self._parent = np.empty(room, dtype=np.int32)
        self._buckets = Buckets()
        self.size = 0
        """Ads in it."""
        self.heard_of_joins: Callable[[int, int], None] | None = None
        """Told of clusters that become one: the first ad of the one that is gone, and of the one that it is part of now."""

    def add(self, made: Fingerprints | Keyed) -> NDArray[np.int32]:
        """Take in more ads: int32 ``(n,)``, the number of the first ad of each one's cluster, as of the end of this call."""
        first, count = self.size, len(made)
        if not count:
            return np.empty(0, dtype=np.int32)
        keyed = made if isinstance(made, Keyed) else Keyed.of(made)
        self._store(keyed.made)
        own = np.arange(first, first + count, dtype=np.int32)
        self._parent[first : first + count] = own
        pairs = self._met(keyed, own, claim=True)
        if pairs.size:
            for one, other in pairs[self._near(pairs).near].tolist():
                self._join(one, other)
        return self.roots(own)

    def near(self, made: Fingerprints | Keyed) -> list[list[Near]]:
        """Of ads that are not taken in: the earlier ones that each is near, nearest first. Changes nothing."""
        first, count = self.size, len(made)
        if not count:
            return []
        keyed = made if isinstance(made, Keyed) else Keyed.of(made)
        self._store(keyed.made)
        own = np.arange(first, first + count, dtype=np.int32)
        found: list[list[Near]] = [[] for _ in range(count)]
        for told in self._looked_at(self._met(keyed, own, claim=False)):
            found[told.one - first].append(told)
        self.size = first
        return [sorted(some, key=lambda near: (near.distance, near.other)) for some in found]

    def near_among(self, made: Fingerprints, ads: NDArray[np.int32]) -> list[Near]:
        """One ad that is not taken in, with each of those; near or not. Changes nothing."""
        own = self.size
        self._store(made)
        found = self._looked_at(np.column_stack([np.full(ads.size, own, dtype=np.int32), ads]), all_of_them=True) if ads.size else []
        self.size = own
        return found

    def words_among(self, made: Fingerprints, ads: NDArray[np.int32]) -> NDArray[np.float64]:
        """The likeness of words of one ad that is not taken in with each of those, in [0, 1]. Changes nothing."""
        both = (made.letters[0] > 0) & (self._letters[ads] > 0)
        return np.where(both, likeness(made.words, self._words[ads]), 0.0)

    def compare_with(self, ads: NDArray[np.int32], other: int) -> list[Near]:
        """Each of the ads with one, near or not."""
        return self._looked_at(np.column_stack([ads, np.full(ads.size, other, dtype=np.int32)]), all_of_them=True)

    def roots(self, ads: NDArray[np.int32]) -> NDArray[np.int32]:
        """The number of the first ad of each one's cluster."""
        found = self._parent[ads]
        while True:
            above = self._parent[found]
            if np.array_equal(above, found):
                break
            found = above
        self._parent[ads] = found
        return np.asarray(found)

    def root(self, ad: int) -> int:
        """The same of one."""
        parent = self._parent
        above = int(parent[ad])
        while above != ad:
            parent[ad] = parent[above]
            ad, above = above, int(parent[above])
        return ad

    def copies_of(self, ad: int) -> NDArray[np.int32]:
        """All ads of one's cluster, itself included, in order."""
        everybody = np.arange(self.size, dtype=np.int32)
        roots = self.roots(everybody)
        return np.asarray(everybody[roots == roots[ad]])

    def firsts(self) -> NDArray[np.int32]:
        """The first ad of every cluster."""
        everybody = np.arange(self.size, dtype=np.int32)
        return np.asarray(everybody[self.roots(everybody) == everybody])

    def taken(self) -> Fingerprints:
        """Of all ads, in order. Views: what is added later may move them."""
        n = self.size
        return Fingerprints(self._words[:n], self._letters[:n], self._picture[:n], self._bits[:n], self._page[:n])

    def _store(self, made: Fingerprints) -> None:
        first, last = self.size, self.size + len(made)
        while last > self._letters.size:
            for name in ("_words", "_letters", "_picture", "_bits", "_page", "_parent"):
                old = getattr(self, name)
                new = np.empty((2 * old.shape[0], *old.shape[1:]), dtype=old.dtype)
                new[: old.shape[0]] = old
                setattr(self, name, new)
        self._words[first:last], self._letters[first:last] = made.words, made.letters
        self._picture[first:last], self._bits[first:last], self._page[first:last] = made.picture, made.bits, made.page
        self.size = last

    def _met(self, keyed: Keyed, own: NDArray[np.int32], *, claim: bool) -> NDArray[np.int32]:
        """``int32 (n, 2)``: each ad with the earlier ones it shares a bucket with, once."""
        at_once = self._buckets.met(keyed.keys, keyed.there, int(own[0]), claim=claim)
        if at_once is not None:
            return at_once
        who = own[keyed.rows]
        buckets, keys = self._buckets, keyed.buckets
        owner = buckets.claim(keys, who, distinct=not keyed.meet) if claim else buckets.find(keys)
        there = (owner >= 0) & (owner != who)
        if not there.any():
            return _NOBODY
        both = np.unique(who[there].astype(np.int64) << 32 | owner[there])
        return np.column_stack([both >> 32, both & 0xFFFFFFFF]).astype(np.int32)

    def _near(self, pairs: NDArray[np.int32]) -> _Looked:
        native = module()
        if native is not None:
            n = len(pairs)
            found = _Looked(np.empty(n, dtype=np.bool_), np.empty(n), np.empty(n), np.empty(n, dtype=np.bool_))
            native.look_at(pairs, self._words, self._letters, self._picture, self._bits, self._page, _LIMITS, *found)
            return found
        one, other = pairs[:, 0], pairs[:, 1]
        letters = np.minimum(self._letters[one], self._letters[other])
        words = np.where(letters > 0, likeness(self._words[one], self._words[other]), 0.0)
        bits = np.minimum(self._bits[one], self._bits[other])
        seen = (bits > 0) & (self._bits[one] == self._bits[other])
        picture = np.where(seen, apart(self._picture[one], self._picture[other]) / np.maximum(bits, 1), np.nan)
        page = (self._page[one] != 0) & (self._page[one] == self._page[other])
        enough, shown = letters >= FEWEST, picture <= NEAR
        mute = (self._letters[one] == 0) & (self._letters[other] == 0)
        near = (enough & (words >= ALIKE)) | ((shown | page) & (words >= SIMILAR) & (enough | shown)) | (mute & shown)
        return _Looked(near, words, picture, page)

    def _looked_at(self, pairs: NDArray[np.int32], *, all_of_them: bool = False) -> list[Near]:
        if not pairs.size:
            return []
        found = self._near(pairs)
        return [
            Near(int(pairs[row, 0]), int(pairs[row, 1]), float(found.words[row]), _or_none(found.picture[row]), bool(found.page[row]))
            for row in (range(len(pairs)) if all_of_them else np.flatnonzero(found.near))
        ]

    def _join(self, one: int, other: int) -> None:
        root, gone = sorted((self.root(one), self.root(other)))
        if root != gone:
            self._parent[gone] = root
            if self.heard_of_joins is not None:
                self.heard_of_joins(gone, root)


class _Looked(NamedTuple):
    """Pairs of ads, looked at: whether they are near, and by what."""

    near: NDArray[np.bool_]
    words: NDArray[np.float64]
    picture: NDArray[np.float64]
    page: NDArray[np.bool_]


def _or_none(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
