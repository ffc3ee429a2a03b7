"""Files of this machine that appear whole or not at all, and are on the disk when they have appeared."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

LEFTOVER = re.compile(r"(^|/)\.[^/]+\.part$")
"""The name of a file being written, or left by a writer that was killed. Nobody reads one."""


def write_whole(path: Path, content: bytes) -> None:
    """Replaces what was there. Raises OSError, and then leaves what was there as it was."""
    with _aside(path, content) as half:
        os.replace(half, path)


def create_whole(path: Path, content: bytes) -> None:
    """Raises FileExistsError when there is such a file, even if it came into being this moment; OSError."""
    with _aside(path, content) as half:
        os.link(half, path)


@contextmanager
def _aside(path: Path, content: bytes) -> Iterator[Path]:
    made = _make_folder(path.parent)
    half = path.with_name(f".{path.name}.{uuid4().hex[:12]}.part")
    try:
        with half.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        yield half
        for folder in (path.parent, *made):
            _sync(folder)
    finally:
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


def _sync(folder: Path) -> None:
    """Names live in the folder: without this a file that was written may be gone after the power was."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
