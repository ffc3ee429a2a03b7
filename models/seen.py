"""Whose labels a bundle was made from: a certificate, or a comparison, may only use ads of others.

Kept as hashes, 8 bytes for each advertiser and creative, so that a bundle names nobody.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from adverdict.domain.ad import Ad

SEEN = "seen.parquet"
_SCHEMA = pa.schema([pa.field("name", pa.uint64(), nullable=False)])


class Seen:
    """Advertisers and creatives whose labels were used to train or to evaluate."""

    def __init__(self, names: frozenset[int] = frozenset()) -> None:
        self._names = names

    @classmethod
    def of(cls, ads: Iterable[Ad]) -> Seen:
        return cls(frozenset(name for ad in ads for name in _names(ad)))

    @classmethod
    def load(cls, folder: Path) -> Seen:
        """Raises ValueError or an Arrow error when the file is not one of these."""
        table = pq.read_table(folder / SEEN)
        if table.schema != _SCHEMA:
            raise ValueError(f"{SEEN} has columns {table.schema}")
        return cls(frozenset(table.column("name").to_pylist()))

    def save(self, folder: Path) -> None:
        pq.write_table(pa.table({"name": pa.array(sorted(self._names), type=pa.uint64())}, schema=_SCHEMA), folder / SEEN)

    def __len__(self) -> int:
        return len(self._names)

    def knows(self, ad: Ad) -> bool:
        """Whether a label of this ad's advertiser, or of its creative, was used. One stranger in about 10^19 / len is taken for known."""
        return any(name in self._names for name in _names(ad))


def _names(ad: Ad) -> tuple[int, ...]:
    advertiser = _hash(f"advertiser {ad.advertiser_id}")
    return (advertiser,) if ad.creative_id is None else (advertiser, _hash(f"creative {ad.creative_id}"))


def _hash(name: str) -> int:
    return int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), "big")
