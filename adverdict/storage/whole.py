"""Files and folders of this machine that appear whole or not at all, and are on the disk when they have appeared.

Each writer writes under a name of its own, so two that write one target at once never tear each other's file: the last one stays.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO
from uuid import uuid4

LEFTOVER = re.compile(r"(^|/)\.[^/]+\.part$")
"""The name of a file or folder being written, or left by a writer that was killed. Nobody reads one."""


def write_whole(path: Path, content: bytes | str) -> None:
    """Replaces what was there; text is written as UTF-8. Raises OSError, and then leaves what was there as it was."""
    with replacing(path) as half:
        half.write_bytes(content.encode() if isinstance(content, str) else content)


def create_whole(path: Path, content: bytes) -> None:
    """Raises FileExistsError when there is such a file, even if it came into being this moment; OSError."""
    with _aside(path) as half:
        half.write_bytes(content)
        _sync(half)
        os.link(half, path)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Where to write a file that replaces ``path`` when the block ends: a name beside it, for libraries that write by path.

    A block that raises leaves what was there as it was, and nothing beside it. Raises OSError.
    """
    with _aside(path) as half:
        yield half
        _sync(half)
        os.replace(half, path)


@contextmanager
def replacing_text(path: Path) -> Iterator[TextIO]:
    """As ``replacing``, open for text: UTF-8, with line ends as they are written."""
    with replacing(path) as half, half.open("w", encoding="utf-8", newline="") as file:
        yield file


@contextmanager
def making_folder(path: Path) -> Iterator[Path]:
    """Where to make a folder that is called ``path`` when the block ends; nothing is there yet.

    A block that raises leaves nothing. Raises FileExistsError where ``path`` has come into being meanwhile, OSError.
    """
    with _aside(path) as half:
        yield half
        publish_folder(half, path)


def publish_folder(folder: Path, path: Path) -> None:
    """Give a folder that is filled its name, on the same disk. Raises FileExistsError where something is there, OSError."""
    for within, _, files in os.walk(folder):
        for name in (*files, "."):
            _sync(Path(within, name))
    try:
        os.rename(folder, path)
    except OSError as error:
        if path.exists():
            raise FileExistsError(errno.EEXIST, "there is already something of this name", str(path)) from error
        raise
    _sync(path.parent)


@contextmanager
def _aside(path: Path) -> Iterator[Path]:
    made = _make_folder(path.parent)
    half = path.with_name(f".{path.name}.{uuid4().hex[:12]}.part")
    try:
        yield half
        for folder in (path.parent, *made):
            _sync(folder)
    finally:
        if half.is_dir():
            shutil.rmtree(half, ignore_errors=True)
        else:
            half.unlink(missing_ok=True)


def _make_folder(folder: Path) -> list[Path]:
    """Make a folder with those above it; the folders that thereby hold a new name, innermost first."""
    missing = []
    while not folder.is_dir() and folder != folder.parent:
        missing.append(folder)
        folder = folder.parent
    for one in reversed(missing):
        try:
            one.mkdir(exist_ok=True)
        except FileExistsError as error:
            raise NotADirectoryError(errno.ENOTDIR, "a file is where a folder is needed", str(one)) from error
    return [one.parent for one in missing]


def _sync(path: Path) -> None:
    """A folder too: names live in it, and without this a file that was written may be gone after the power was."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
