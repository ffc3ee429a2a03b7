"""What was expensive to compute, kept on disk under a digest of what it was computed from, for the next training.

    ROOT/NAME-DIGEST/part-DIGEST/   manifest.json   keys.npy   FIELD.npy   FIELD.lengths.npy

``DIGEST`` of a section is of everything but the text that a value depends on: another model, setting or version is another section. A part
is written whole or not at all, never changed, and checked against its manifest (size, then sha256) before anything in it is parsed.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from adverdict.storage.whole import making_folder

FORMAT = 1
MANIFEST, KEYS = "manifest.json", "keys.npy"
PART, WORK, GONE = "part-", ".part-", ".gone-"
KEY_BYTES = 32
STALE_SECONDS = 86_400
"""No training takes so long to write a part: what is half written since then was left behind."""

Array = NDArray[Any]


@dataclass(frozen=True)
class RaggedArray:
    """Records of different lengths, one after another: record ``i`` is ``values[starts[i] : starts[i] + lengths[i]]``."""

    values: Array
    lengths: NDArray[np.int64]

    @property
    def starts(self) -> NDArray[np.int64]:
        return np.cumsum(self.lengths) - self.lengths


@dataclass(frozen=True)
class CachedPart:
    """What one part holds of what was asked for: ``wanted[i]`` of the question is record ``at[i]`` of each of ``fields``."""

    wanted: NDArray[np.intp]
    at: NDArray[np.intp]
    fields: Mapping[str, RaggedArray]


@dataclass
class DiskCache:
    """All sections below ``root``, bounded together: beyond ``most_bytes`` the parts used longest ago go.

    ``warnings`` are sentences for whoever runs the training: what was found broken, or could not be kept. Neither stops anything.
    """

    root: Path
    most_bytes: int
    warnings: list[str] = field(default_factory=list)

    def section(self, name: str, made_by: Mapping[str, Any]) -> CacheSection:
        """``made_by``: all that a value depends on besides its key, as JSON."""
        said = json.dumps(made_by, sort_keys=True, separators=(",", ":"), allow_nan=False)
        digest = hashlib.sha256(f"{FORMAT}\n{said}".encode()).hexdigest()
        return CacheSection(self, self.root / f"{name}-{digest[:32]}", dict(made_by))

    def parts(self) -> list[Path]:
        """Every part, the one used longest ago first."""
        used = []
        for part in self.root.glob(f"*/{PART}*"):
            with suppress(OSError):  # another training dropped it meanwhile
                used.append(((part / MANIFEST).stat().st_mtime_ns, part))
        return [part for _, part in sorted(used)]

    def bytes(self) -> int:
        return sum(_size(part) for part in self.parts())

    def prune(self) -> None:
        sizes = {part: _size(part) for part in self.parts()}
        total = sum(sizes.values())
        for part, size in sizes.items():
            if total <= self.most_bytes:
                break
            remove(part)
            total -= size
        for left in (path for start in (WORK, GONE) for path in self.root.glob(f"*/{start}*")):  # by a training that was killed
            with suppress(OSError):
                if time.time() - left.stat().st_mtime > STALE_SECONDS:
                    shutil.rmtree(left, ignore_errors=True)


@dataclass(frozen=True)
class CacheSection:
    """Values of one kind, made one way. Safe against other trainings that read, add and drop at the same time."""

    cache: DiskCache
    folder: Path
    made_by: Mapping[str, Any]

    def find(self, keys: Sequence[bytes]) -> Iterator[CachedPart]:
        """What is kept for ``keys`` (sha256 digests, all different), part by part, no key twice. The arrays are maps of files."""
        missing = {key: row for row, key in enumerate(keys)}
        for part in sorted(self.folder.glob(f"{PART}*")):
            try:
                found = _look(part, missing)
            except _BrokenPart as why:
                self.cache.warnings.append(f"{part} is not what was kept there and is computed again: {why}")
                remove(part)
                continue
            except FileNotFoundError:  # dropped by another training since the folder was listed
                continue
            if found is not None:
                for row in found.wanted:
                    del missing[keys[row]]
                yield found

    def add(self, keys: Sequence[bytes], fields: Mapping[str, RaggedArray]) -> None:
        """Keep one record a key. What cannot be kept (no room, no right to write) is a warning, for nothing is lost but time."""
        if not keys or sum(one.values.nbytes for one in fields.values()) > self.cache.most_bytes:
            return
        target = self.folder / f"{PART}{hashlib.sha256(b''.join(keys)).hexdigest()[:32]}"
        try:
            with making_folder(target) as work:
                work.mkdir()
                _write(work, keys, fields, self.made_by)
        except FileExistsError:
            pass  # another training kept the very same meanwhile
        except OSError as error:
            self.cache.warnings.append(f"nothing was kept for the next training: {error}")
        self.cache.prune()


class _BrokenPart(Exception):
    """Why a part cannot be trusted."""


def remove(part: Path) -> None:
    """Take a part away under another name first, so that nobody sees half of it."""
    gone = part.with_name(f"{GONE}{part.name}-{os.getpid()}")
    with suppress(OSError):
        part.rename(gone)
    shutil.rmtree(gone, ignore_errors=True)


def _write(work: Path, keys: Sequence[bytes], fields: Mapping[str, RaggedArray], made_by: Mapping[str, Any]) -> None:
    np.save(work / KEYS, np.frombuffer(b"".join(keys), dtype=np.uint8).reshape(-1, KEY_BYTES), allow_pickle=False)
    for name, ragged in fields.items():
        np.save(work / f"{name}.npy", ragged.values, allow_pickle=False)
        np.save(work / f"{name}.lengths.npy", ragged.lengths, allow_pickle=False)
    files = {path.name: {"bytes": path.stat().st_size, "sha256": _sha256(path)} for path in sorted(work.iterdir())}
    content = {"format": FORMAT, "made_by": dict(made_by), "records": len(keys), "fields": sorted(fields), "files": files}
    (work / MANIFEST).write_text(json.dumps(content, indent=1, sort_keys=True), encoding="utf-8", newline="\n")


def _look(part: Path, missing: Mapping[bytes, int]) -> CachedPart | None:
    """None when the part holds nothing that is missing. Raises _Broken, FileNotFoundError when there is no such part."""
    manifest = _manifest(part)
    raw = _checked(part, KEYS, manifest)
    if raw.dtype != np.uint8 or raw.shape != (manifest["records"], KEY_BYTES):
        raise _BrokenPart(f"{KEYS} is {raw.dtype} {raw.shape}")
    kept = [row.tobytes() for row in raw]
    at = [row for row, key in enumerate(kept) if key in missing]
    if not at:
        return None
    fields = {name: _ragged(part, name, manifest) for name in manifest["fields"]}
    with suppress(OSError):
        os.utime(part / MANIFEST)  # used now
    return CachedPart(np.array([missing[kept[row]] for row in at], dtype=np.intp), np.array(at, dtype=np.intp), fields)


def _manifest(part: Path) -> dict[str, Any]:
    try:
        text = (part / MANIFEST).read_bytes()
    except FileNotFoundError:
        if part.exists():
            raise _BrokenPart(f"no {MANIFEST}") from None
        raise
    except OSError as error:  # as of a part that is somebody else's
        raise _BrokenPart(f"{MANIFEST} cannot be read: {error}") from error
    try:
        content = json.loads(text)
        known = {"format": int, "records": int, "fields": list, "files": dict}
        if any(not isinstance(content[name], kind) for name, kind in known.items()):
            raise _BrokenPart(f"{MANIFEST} is of another kind")
    except (ValueError, KeyError, TypeError) as error:
        raise _BrokenPart(f"{MANIFEST} cannot be read: {error}") from error
    return dict(content)


def _ragged(part: Path, name: str, manifest: Mapping[str, Any]) -> RaggedArray:
    values, lengths = _checked(part, f"{name}.npy", manifest), _checked(part, f"{name}.lengths.npy", manifest)
    if lengths.shape != (manifest["records"],) or lengths.min(initial=0) < 0 or int(lengths.sum()) != len(values):
        raise _BrokenPart(f"{name}.npy has {len(values)} rows for {lengths.shape} records")
    return RaggedArray(values, lengths)


def _checked(part: Path, name: str, manifest: Mapping[str, Any]) -> Array:
    """The array of one file, mapped; parsed only once size and digest are what the manifest says."""
    path, entry = part / name, manifest["files"].get(name)
    if not isinstance(entry, dict):
        raise _BrokenPart(f"{MANIFEST} does not list {name}")
    try:
        if path.stat().st_size != entry.get("bytes"):
            raise _BrokenPart(f"{name} has {path.stat().st_size} bytes, not {entry.get('bytes')}")
        if _sha256(path) != entry.get("sha256"):
            raise _BrokenPart(f"{name} has another sha256")
        return np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))
    except FileNotFoundError:
        if part.exists():
            raise _BrokenPart(f"{name} is missing") from None
        raise
    except (OSError, ValueError, EOFError) as error:
        raise _BrokenPart(f"{name} cannot be read: {error}") from error


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _size(part: Path) -> int:
    total = 0
    with suppress(OSError):
        total = sum(path.stat().st_size for path in part.iterdir())
    return total
