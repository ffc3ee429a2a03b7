"""The files of a frozen history: plain arrays that memory maps, and ``history.json``, which says what they must be.

For each kind of entity, one row an entity, sorted by the first 128 bits of its name's SHA-256:

=================  ==========================  ===================================================================================
file               dtype, shape                meaning
=================  ==========================  ===================================================================================
<kind>.hi.npy      uint64 (n,)                 bits 0-63 of the hash. Not MD5: a stranger may choose two names with one MD5
<kind>.lo.npy      uint64 (n,)                 bits 64-127
<kind>.times.npy   int64 (n, 2)                first and last submission, microseconds since 1970 UTC; NEVER where there is none
<kind>.counts.npy  int32 or int64 (n, c)       ``counted(kind, policies)``, in this order
=================  ==========================  ===================================================================================

``history.json`` is written last: without it there is no history. Its digest covers everything but ``seq``; equal events give equal
digests, whatever their order and wherever they came from.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, ClassVar, Final

import numpy as np
import numpy.typing as npt
from pydantic import AwareDatetime, BaseModel, ConfigDict

from adverdict.domain.errors import UntrustedBundle
from adverdict.features.history.known import USES
from adverdict.features.history.listing import SealedListing

LISTED: Final = "history.json"
SCHEMA_VERSION: Final = 2
PARTS: Final = ("hi", "lo", "times", "counts")
SUBMITTED: Final = ("ads_1d", "ads_7d", "ads_28d", "ads_ever")
LABELLED: Final = ("labels_any", "violations_any")
PIECE: Final = 2**20
"""Bytes read at a time."""


class Array(BaseModel):
    """What one file holds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dtype: str
    shape: tuple[int, ...]
    sha256: str
    """Of the array's bytes, without the header."""


class Listing(SealedListing):
    """``history.json``."""

    listed = LISTED
    what = "frozen history"
    version = SCHEMA_VERSION
    sealed: ClassVar = {"exclude": {"seq", "digest"}}

    schema_version: int = SCHEMA_VERSION
    moment: AwareDatetime
    policies: tuple[str, ...]
    files: dict[str, Array]
    seq: int | None = None
    """Last entry of the ledger that told it; null where no ledger did."""


def counted(kind: str, policies: Sequence[str]) -> tuple[str, ...]:
    """Names of the columns of counts: submissions, labels under all policies, labels and violations a policy, distinct things."""
    under = [f"{what}:{policy}" for what in ("labels", "violations") for policy in policies]
    return (*SUBMITTED, *LABELLED, *under, *(name for name, (whose, _) in USES.items() if whose == kind))


class ArrayWriter:
    """One ``.npy`` file written front to back: unlike writing through a memory map this takes no memory, and a full disk is an error."""

    def __init__(self, path: Path, dtype: str, shape: tuple[int, ...]) -> None:
        self._dtype, self._shape, self._digest, self._rows = np.dtype(dtype), shape, hashlib.sha256(), 0
        self._file = path.open("wb")
        header = {"descr": self._dtype.str, "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(self._file, header)

    def append(self, rows: npt.NDArray[np.generic]) -> None:
        octets = np.ascontiguousarray(rows, dtype=self._dtype).tobytes()
        self._file.write(octets)
        self._digest.update(octets)
        self._rows += len(rows)

    def close(self) -> Array:
        """Raises ValueError when it was not given as many rows as it was told to expect."""
        self._file.close()
        if self._rows != self._shape[0]:
            raise ValueError(f"{self._rows} rows were written; expected {self._shape[0]}")
        return Array(dtype=self._dtype.str, shape=self._shape, sha256=self._digest.hexdigest())


def map_array(path: Path, expected: Array) -> npt.NDArray[Any]:
    """The array, mapped and read only, once every byte of it is what was written. Raises UntrustedBundle naming the file."""
    try:
        _check(path, expected)
        return np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))
    except (OSError, ValueError, EOFError) as error:
        raise UntrustedBundle(f"{path}: not the array that {LISTED} lists: {error}") from error


def _check(path: Path, expected: Array) -> None:
    with path.open("rb") as file:
        if np.lib.format.read_magic(file) != (1, 0):
            raise ValueError("another version of the format")
        shape, fortran, dtype = np.lib.format.read_array_header_1_0(file)
        came, wanted = (dtype.str, shape, fortran), (expected.dtype, expected.shape, False)
        if came != wanted:
            raise ValueError(f"dtype, shape and order are {came}; expected {wanted}")
        digest = hashlib.sha256()
        for octets in _pieces(file):
            digest.update(octets)
    if digest.hexdigest() != expected.sha256:
        raise ValueError(f"sha256 of its content is {digest.hexdigest()}; expected {expected.sha256}")


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    while octets := file.read(PIECE):
        yield octets


def name_of(kind: str, part: str) -> str:
    return f"{kind}.{part}.npy"


def hashes(keys: Iterable[str]) -> npt.NDArray[np.uint64]:
    """``uint64 (n, 2)``: the first 128 bits of each name's SHA-256."""
    octets = b"".join(hashlib.sha256(key.encode(), usedforsecurity=False).digest()[:16] for key in keys)
    return np.frombuffer(octets, dtype=">u8").reshape(-1, 2).astype(np.uint64)
