"""The footer of a Parquet file: where everything in it lies. Its digest tells whether a file is still the one that was planned."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from typing import Any, BinaryIO

from adverdict.domain.errors import InvalidTable, Mistake
from adverdict.storage.places import Place
from adverdict.storage.tables.parquet import readable

MAGIC = b"PAR1"
TAIL = 64 * 1024
"""Bytes read from the end of a file at first; most footers fit."""


@dataclass(frozen=True)
class Footer:
    metadata: Any
    """``pyarrow.parquet.FileMetaData``"""
    size: int
    """Bytes of the whole file."""
    digest: str
    """sha256 of the footer."""


def read_footer(place: Place, name: str) -> Footer:
    """In one or two reads. Raises InvalidTable when the file is no Parquet, NotFound, Unavailable."""
    with place.open(name) as file:
        return footer_of(file, name)


def footer_of(file: BinaryIO, name: str) -> Footer:
    """As ``read_footer``, of an open file."""
    import pyarrow.parquet as pq

    size = file.seek(0, io.SEEK_END)
    tail = _last(file, size, min(size, TAIL))
    if len(tail) < 12 or tail[-4:] != MAGIC:
        raise _no_parquet(name, f"{size} bytes that do not end as Parquet does")
    length = int.from_bytes(tail[-8:-4], "little")
    if length + 12 > size:
        raise _no_parquet(name, f"{size} bytes, less than its own footer says")
    if length + 8 > len(tail):
        tail = _last(file, size, length + 8)
    content = tail[-8 - length : -8]
    with readable(name):
        # A footer stands for itself: between two magic words it reads as the whole file's.
        metadata = pq.read_metadata(io.BytesIO(MAGIC + content + tail[-8:]))
    return Footer(metadata, size, hashlib.sha256(content).hexdigest())


def _last(file: BinaryIO, size: int, length: int) -> bytes:
    file.seek(size - length)
    return file.read(length)


def _no_parquet(name: str, what: str) -> InvalidTable:
    return InvalidTable(f"cannot read {name}", [Mistake("file", what, "a Parquet file that can be read", where=name)])
