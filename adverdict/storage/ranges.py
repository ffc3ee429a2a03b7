"""A file somewhere else, read by ranges: every read is one request for exactly those bytes, and nothing is read ahead."""

from __future__ import annotations

import io
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any


class RangeReader(io.RawIOBase):
    """``fetch(path, start=, end=)`` as fsspec's ``cat_file``; ``told(doing, path)`` turns its errors into this software's."""

    def __init__(self, path: str, size: int, fetch: Callable[..., bytes], told: Callable[[str, str], AbstractContextManager[None]]) -> None:
        super().__init__()
        self._path, self._size, self._fetch, self._told = path, size, fetch, told
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(0, start + offset)
        return self._at

    def read(self, size: int | None = -1) -> bytes:
        end = self._size if size is None or size < 0 else min(self._size, self._at + size)
        if end <= self._at:
            return b""
        with self._told("read", self._path):
            content = self._fetch(self._path, start=self._at, end=end)
        self._at += len(content)
        return content

    def readinto(self, buffer: Any) -> int:
        content = self.read(len(buffer))
        buffer[: len(content)] = content
        return len(content)
