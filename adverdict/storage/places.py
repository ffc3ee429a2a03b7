"""Folders that results are written to and ads are read from: on this machine, or anywhere fsspec reaches (``s3://bucket/folder``).

What is written appears whole or not at all. Names are relative, checked piece by piece, and cannot lead out of the folder.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast
from urllib.parse import urlsplit

from adverdict.domain.errors import AdverdictError, Conflict, InvalidInput, Mistake, NotFound, Unavailable
from adverdict.storage.ranges import RangeReader
from adverdict.storage.whole import LEFTOVER, create_whole, write_whole

PROTOCOL = re.compile(r"([a-z][a-z0-9+.-]*)://", re.IGNORECASE)
EXTRAS = {"s3": "s3", "s3a": "s3"}
"""The extra of Adverdict that brings the package of a protocol."""
UNSAFE = re.compile(r"[\x00-\x1f\x7f\\]")


@dataclass(frozen=True, slots=True)
class Place:
    """A folder somewhere. Only its address: it can be sent to another process, and nothing is open."""

    url: str
    """An absolute path of this machine, or an address such as ``s3://bucket/folder``; no slash at the end."""

    @classmethod
    def at(cls, url: str | Path) -> Place:
        """Raises InvalidInput for a protocol nobody knows, one whose package is missing, or an address that holds a password."""
        text = str(url)
        protocol = PROTOCOL.match(text)
        if not text or "\0" in text:
            raise InvalidInput(
                "no place to read or write", [Mistake("place", text, "a folder's path, or an address such as s3://bucket/x")]
            )
        if protocol is None or protocol[1].lower() in ("file", "local"):
            return cls(os.path.abspath(text[protocol.end() :] if protocol else text))
        _refuse_unreachable(text, protocol[1].lower())
        return cls(text.rstrip("/"))

    @property
    def is_local(self) -> bool:
        return PROTOCOL.match(self.url) is None

    def child(self, *names: str) -> Place:
        """A folder inside. Raises InvalidInput for a name that is not one, or leads elsewhere."""
        return Place(self.where("/".join(names)))

    def where(self, name: str) -> str:
        """Path or address of a file inside, as DuckDB and people take it."""
        return f"{self.url.rstrip('/')}/{checked(name)}"

    def local(self, name: str = "") -> Path | None:
        """The path on this machine, of the folder itself unless a name is given; None when the place is elsewhere."""
        return Path(self.where(name) if name else self.url) if self.is_local else None

    def read(self, name: str) -> bytes:
        """Raises NotFound, Unavailable."""
        path = self.where(name)
        with told("read", path):
            return Path(path).read_bytes() if self.is_local else cast(bytes, self._system().cat_file(path))

    def size(self, name: str) -> int:
        """Bytes of a file. Raises NotFound, Unavailable."""
        path = self.where(name)
        with told("read", path):
            return os.stat(path).st_size if self.is_local else int(self._system().info(path)["size"])

    def open(self, name: str) -> BinaryIO:
        """The file for reading by ranges: seekable, each read one request. Raises NotFound, Unavailable (also while reading)."""
        path = self.where(name)
        with told("read", path):
            if self.is_local:
                return Path(path).open("rb")
            system = self._system()
            return cast(BinaryIO, RangeReader(path, int(system.info(path)["size"]), system.cat_file, told))

    def write(self, name: str, content: bytes) -> None:
        """Whole or not at all, replacing what was there; on this machine it has reached the disk. Raises Unavailable naming the path."""
        path = self.where(name)
        with told("write", path):
            if self.is_local:
                write_whole(Path(path), content)
            else:
                self._system().pipe_file(path, content)

    def create(self, name: str, content: bytes) -> None:
        """As ``write``, for a file that is not there yet. Raises Conflict when it is; elsewhere than here, two at once both succeed."""
        path = self.where(name)
        with told("write", path):
            if not self.is_local:
                if self.exists(name):
                    raise Conflict(f"{path} is already there")
                self.write(name, content)
                return
            try:
                create_whole(Path(path), content)
            except FileExistsError as error:
                raise Conflict(f"{path} is already there") from error

    def exists(self, name: str) -> bool:
        path = self.where(name)
        with told("read", path):
            if self.is_local:
                return os.path.isfile(path)
            try:
                return bool(self._system().info(path)["type"] == "file")
            except FileNotFoundError:
                return False

    def names(self, prefix: str = "", *, deep: bool = True) -> list[str]:
        """Every file in folder ``prefix``, and below when ``deep``, relative to this place, sorted; what killed writers left is none."""
        root = self.where(prefix) if prefix else self.url
        with told("read", root):
            files = self._files(root) if deep else (name for name, kind in self._listed(root) if kind == "file")
            found = [name for name in files if not LEFTOVER.search(name)]
        return sorted(f"{prefix}/{name}" if prefix else name for name in found)

    def folders(self) -> list[str]:
        """Names of the folders directly inside, sorted."""
        with told("read", self.url):
            return sorted(name for name, kind in self._listed(self.url) if kind == "directory")

    def empty(self) -> bool:
        """Whether no file is in it, or it does not exist. Raises InvalidInput when it is itself a file."""
        if self.is_local and os.path.isfile(self.url):
            raise InvalidInput(f"{self.url} is a file", [Mistake("place", self.url, "a folder, or a path where one can be made")])
        with told("read", self.url):
            if self.is_local:
                return all(LEFTOVER.search(name) for name in self._files(self.url))
            return not self._listed(self.url)

    def remove(self, *names: str) -> None:
        """Remove files; one that is not there is none to remove. Raises Unavailable."""
        paths = [self.where(name) for name in names]
        with told("remove", ", ".join(paths[:3])):
            if self.is_local:
                for path in paths:
                    Path(path).unlink(missing_ok=True)
            elif paths:
                self._remove(paths)

    def sweep(self) -> list[str]:
        """Remove what killed writers left; their names. Elsewhere than on this machine nothing half written can be seen."""
        with told("remove", self.url):
            left = sorted(name for name in self._files(self.url) if LEFTOVER.search(name)) if self.is_local else []
            for name in left:
                Path(self.url, name).unlink(missing_ok=True)
        return left

    def _files(self, root: str) -> Iterator[str]:
        """Every file in a folder and below, relative to it, in no order; none where the folder does not exist."""
        if self.is_local:
            for folder, _, files in os.walk(root, onerror=_raise_unless_missing):
                yield from (os.path.relpath(os.path.join(folder, file), root) for file in files)
            return
        system = self._system()
        start = str(system._strip_protocol(root)).rstrip("/")
        yield from (str(path).removeprefix(start).strip("/") for path in system.find(root) if str(path).startswith(f"{start}/"))

    def _listed(self, root: str) -> list[tuple[str, str]]:
        """Name and kind (``file``, ``directory``) of what is directly in a folder. ``find`` would leave out what it cannot list."""
        try:
            if self.is_local:
                with os.scandir(root) as entries:
                    return [(entry.name, "directory" if entry.is_dir() else "file") for entry in entries]
            system = self._system()
            listed = [(str(entry["name"]).rstrip("/"), str(entry["type"])) for entry in system.ls(root, detail=True)]
        except FileNotFoundError:
            return []
        start = str(system._strip_protocol(root)).rstrip("/")
        return [(path.rpartition("/")[2], kind) for path, kind in listed if path != start]  # a store may list the folder in itself

    def _remove(self, paths: Sequence[str]) -> None:
        system = self._system()
        if hasattr(system, "_bulk_delete"):  # an S3 store: one request for all, and what is missing is no error
            system.rm(list(paths))
            return
        for path in paths:
            try:
                system.rm_file(path)
            except FileNotFoundError:
                continue

    def _system(self) -> Any:
        """fsspec's file system, without the listings it keeps: others write here too."""
        from fsspec.core import url_to_fs

        system, _ = url_to_fs(self.url)
        system.invalidate_cache()
        return system


def checked(name: str) -> str:
    """A relative name of one or more pieces between slashes, none of which leads elsewhere. Raises InvalidInput."""
    if any(piece in ("", ".", "..") for piece in name.split("/")) or UNSAFE.search(name):
        raise InvalidInput("not the name of a file in a folder", [Mistake("name", name, "a relative name without '..'")])
    return name


@contextmanager
def told(doing: str, path: str) -> Iterator[None]:
    """File systems' errors as this software's: NotFound, else Unavailable."""
    try:
        yield
    except AdverdictError:
        raise
    except FileNotFoundError as error:
        raise NotFound(f"cannot {doing} {path}: no such file, folder or bucket") from error
    except OSError as error:
        raise Unavailable(f"cannot {doing} {path}: {error.strerror or error or type(error).__name__}") from error
    except Exception as error:
        # Each store's library has exceptions of its own for a lost connection or missing credentials, with no base class in common.
        if PROTOCOL.match(path) is None:
            raise
        raise Unavailable(f"cannot {doing} {path}: {type(error).__name__}: {error}") from error


def _refuse_unreachable(url: str, protocol: str) -> None:
    from fsspec import get_filesystem_class

    if urlsplit(url).password is not None:
        expected = "no password in an address: credentials belong in the environment"
        raise InvalidInput("an address must not hold a password", [Mistake("place", f"{protocol}://…", expected)])
    try:
        get_filesystem_class(protocol)
    except ValueError as error:
        expected = "a path, or an address that fsspec knows, such as s3://bucket/folder"
        raise InvalidInput(f"nothing here can read or write {protocol}://", [Mistake("place", url, expected)]) from error
    except ImportError as error:
        install = f"pip install 'adverdict[{EXTRAS[protocol]}]'" if protocol in EXTRAS else str(error)
        raise InvalidInput(f"a package is missing for {protocol}://", [Mistake("place", url, install)]) from error


def _raise_unless_missing(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):
        raise error
