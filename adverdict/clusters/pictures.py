"""Perceptual hashes, as the data contract has them in hexadecimal digits: how far two are apart, and keys under which near ones meet.

Any hash of 64 to 256 bits does (pHash, dHash, PDQ). A key is 24 of its bits, taken from places of its own: two hashes that differ in few
bits share one of the keys (bit sampling, Indyk and Motwani 1998), and whether they are near is then counted bit by bit.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from adverdict.clusters.minhash import scramble

Pictures = NDArray[np.uint8]
WIDTH = 32
"""Bytes that are kept; shorter hashes are filled up with zeros."""
NEAR = 0.11
"""Share of the bits in which hashes of one picture may differ: 7 of 64, 28 of 256."""
KEYS, BITS = 24, 24
"""Of 64 bits, hashes 4 bits apart meet in 98 of 100 cases, 7 apart in 52."""
_SHIFTS = np.arange(0, BITS, 8, dtype=np.uint64)
_OF_KEY = np.arange(1, KEYS + 1, dtype=np.uint64) << np.uint64(BITS)
HEX = re.compile(r"(?:0x)?([0-9a-fA-F]{16,64})\Z")


def pictures(hashes: Sequence[str | None]) -> tuple[Pictures, NDArray[np.int16]]:
    """``uint8 (n, WIDTH)`` and the bits of each, 0 where there is no hash, or one of an even picture, which says nothing."""
    packed, bits = np.zeros((len(hashes), WIDTH), dtype=np.uint8), np.zeros(len(hashes), dtype=np.int16)
    for row, text in enumerate(hashes):
        match = HEX.match(text.strip()) if text else None
        if match is None or len(match[1]) % 2:
            continue
        octets = np.frombuffer(bytes.fromhex(match[1]), dtype=np.uint8)
        if octets.min() == octets.max() and octets[0] in (0, 255):
            continue
        packed[row, : octets.size], bits[row] = octets, 8 * octets.size
    return packed, bits


def picture_keys(packed: Pictures, bits: NDArray[np.int16]) -> NDArray[np.uint64]:
    """``uint64 (n, KEYS)``; hashes of other lengths have other keys. Of rows without a hash they mean nothing."""
    spread = np.unpackbits(packed, axis=1)
    keys = np.zeros((packed.shape[0], KEYS), dtype=np.uint64)
    for length, rows in by_length(bits):
        octets = np.packbits(spread[rows[:, None, None], places(length)], axis=2, bitorder="little").astype(np.uint64)
        keys[rows] = (octets << _SHIFTS).sum(axis=2, dtype=np.uint64) | _OF_KEY | np.uint64(length << 40)
    return scramble(keys)


def by_length(bits: NDArray[np.int16]) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """The lengths there are, and the rows of each; rows without a hash are left out."""
    for length in sorted({*bits.tolist()} - {0}):
        yield length, np.flatnonzero(bits == length)


def apart(one: Pictures, other: Pictures) -> NDArray[np.int64]:
    """Bits in which hashes differ, pairwise."""
    return np.asarray(np.bitwise_count(one ^ other).sum(axis=-1, dtype=np.int64))


@cache
def places(length: int) -> NDArray[np.int64]:
    """``int64 (KEYS, BITS)``: the bits of which each key is made."""
    return np.array([np.sort(np.random.default_rng([20260106, length, key]).permutation(length)[:BITS]) for key in range(KEYS)])
