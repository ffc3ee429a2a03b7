"""The files of a history store: plain arrays that memory maps, tables for taking events back, and ``store.json``, which lists them.

Of each kind of entity, sorted by the first 128 bits of its name's SHA-256; no name is kept:

==========================  ==================  ===========================================================================
file                        dtype, shape        meaning
==========================  ==================  ===========================================================================
<kind>.hi.npy, .lo.npy      uint64 (n,)         the hash; of format, category and surface as well
<kind>.ads.npy              int64 (a,)          submissions, microseconds since 1970 UTC, by entity and time
<kind>.ads_from.npy         uint32|64 (n + 1,)  entity i has ads[ads_from[i]:ads_from[i + 1]]
<kind>.labels.npy           int64 (l,)          labels, by entity, code and time
<kind>.codes.npy            uint16 (l,)         2 * number of the policy among ``policies`` + 1 if it says violating
<kind>.labels_from.npy      uint32|64 (n + 1,)
<set>.things.npy            uint32 (u,)         different things an entity used, by entity and thing: rows of the thing's kind
<set>.first.npy             int64 (u,)          when each was first used
<set>.times.npy             int64 (u,)          the same times, by entity and time
<set>.from.npy              uint32|64 (n + 1,)
submissions.parquet         seq, at_us, a row of each kind: what an entry of the ledger told, to take it back when it is erased
labels.parquet              version, rows, policy, violates, at_us, weight: likewise; ``version`` is a hash
said.parquet                version, seq: which entries spoke of which version of an ad
used.parquet                name, row, thing, at_us: first uses that were known before the ledger's first entry
before.parquet              row, policy, violates, at_us, weight: likewise of advertisers; no policy: submissions
==========================  ================================================================================================

``store.json`` is written last. Its digest covers the arrays: equal events give equal digests, whatever their order.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import ClassVar, Final, Self

from pydantic import BaseModel, ConfigDict

from adverdict.domain.errors import UntrustedBundle
from adverdict.features.history.entities import KINDS, WORDS
from adverdict.features.history.known import DISTINCT
from adverdict.features.history.layout import PIECE, Array
from adverdict.features.history.listing import SealedListing

LISTED: Final = "store.json"
SCHEMA_VERSION: Final = 1
HASHED: Final = (*KINDS, *WORDS)
"""What has a table of names."""
TABLES: Final = ("submissions", "labels", "said", "used", "before")
ARRAYS: Final = frozenset(
    [
        *(f"{kind}.{part}" for kind in HASHED for part in ("hi", "lo")),
        *(f"{kind}.{part}" for kind in KINDS for part in ("ads", "ads_from", "labels", "codes", "labels_from")),
        *(f"{name}.{part}" for name in DISTINCT for part in ("things", "first", "times", "from")),
    ]
)
MAX_POLICIES: Final = 2**15
"""A code has 16 bits."""


class StandsOn(BaseModel):
    """What a store was counted from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seq: int
    """The last entry of the ledger it knows."""
    chain: str
    """That entry's hash, in hexadecimal digits: where the chain has another one, the store is not of this ledger."""
    founded: bool
    """Whether the ledger said what was known before its first entry."""
    base: str | None
    """Digest of the snapshot that was known before the first entry; null: nothing was."""


class StoreListing(SealedListing):
    """``store.json``."""

    listed = LISTED
    what = "history store"
    version = SCHEMA_VERSION
    sealed: ClassVar = {"include": {"schema_version", "policies", "arrays"}}

    schema_version: int = SCHEMA_VERSION
    stands_on: StandsOn
    policies: tuple[str, ...]
    """Of all labels, sorted."""
    arrays: dict[str, Array]
    tables: dict[str, str]
    """sha256 of each file."""

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Raises NotFound and UntrustedBundle, naming the file."""
        listing = super().read(folder)
        if listing.arrays.keys() != ARRAYS or listing.tables.keys() != set(TABLES):
            odd = ", ".join(sorted((listing.arrays.keys() ^ ARRAYS) | (listing.tables.keys() ^ set(TABLES))))
            raise UntrustedBundle(f"{folder / LISTED}: expected one file for each array and table; these are odd: {odd}")
        return listing


def array_file(name: str) -> str:
    return f"{name}.npy"


def table_file(name: str) -> str:
    return f"{name}.parquet"


def sha256_of(path: Path) -> str:
    """Of a file's bytes."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while octets := file.read(PIECE):
            digest.update(octets)
    return digest.hexdigest()


def hash_of(key: str) -> tuple[int, int]:
    """The two halves of ``features.history.layout.hashes``, of one name."""
    octets = hashlib.sha256(key.encode(), usedforsecurity=False).digest()
    return int.from_bytes(octets[:8], "big"), int.from_bytes(octets[8:16], "big")


def octets_of(key: str) -> bytes:
    """The same 128 bits as events have them."""
    return hashlib.sha256(key.encode(), usedforsecurity=False).digest()[:16]
