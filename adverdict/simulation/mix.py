"""Draws without state: a named fact about a key is always the same, so nothing about it needs to be remembered.

Integer arithmetic only (SplitMix64: Steele, Lea and Flood 2014, "Fast splittable pseudorandom number generators"), hence equal on every
machine. An advertiser, a campaign or a creative is a 64-bit key; its facts are ``unit(key, "fact")`` whenever someone asks.
"""

from __future__ import annotations

from zlib import crc32

import numpy as np
from numpy.typing import NDArray

Keys = NDArray[np.uint64]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def mix(*parts: Keys | Ints | int | str) -> Keys:
    """Keys that depend on every part and its position. Parts broadcast; an ``int`` or a name counts as an array of one."""
    state = np.zeros(1, dtype=np.uint64)
    for part in parts:
        state = _scramble((state ^ _as_keys(part)) + _GOLDEN)
    return state


def unit(key: Keys, fact: str) -> Floats:
    """Uniform in [0, 1), one for each key."""
    return np.asarray((mix(key, fact) >> np.uint64(11)).astype(np.float64) * 2.0**-53)


def below(key: Keys, fact: str, limit: int | Ints) -> Ints:
    """Uniform integers in [0, limit), one for each key (bias below 2**-40 for the limits used here)."""
    return np.asarray((mix(key, fact) % np.asarray(limit, dtype=np.uint64)).astype(np.int64))


def weighted(u: Floats, weights: Floats) -> Ints:
    """Index drawn by ``u`` in [0, 1) from weights: ``(k,)`` for everybody or ``(n, k)`` row by row."""
    edges = np.cumsum(np.atleast_2d(weights), axis=1)
    return np.asarray(np.minimum((u[:, None] * edges[:, -1:] >= edges).sum(axis=1), edges.shape[1] - 1))


def _as_keys(part: Keys | Ints | int | str) -> Keys:
    if isinstance(part, str):
        part = crc32(part.encode())
    return np.array([part], dtype=np.uint64) if isinstance(part, int) else part.astype(np.uint64)


def _scramble(state: Keys) -> Keys:
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(state ^ (state >> np.uint64(31)))
