"""A wheel of what is installed, to travel with a registered model: whoever loads it elsewhere installs this and no stranger's package.

``pip wheel`` would need the source and a network. What is installed is all there is to know: the files of its packages and its metadata.
"""

from __future__ import annotations

import base64
import hashlib
import re
import zipfile
from collections.abc import Iterator
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from packaging.requirements import Requirement

LEFT_OUT = frozenset({"__pycache__", "tests"})
"""Folders that nobody runs from."""
KEPT = ("METADATA", "entry_points.txt", "top_level.txt")
WHEEL = "Wheel-Version: 1.0\nGenerator: adverdict\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
TIME = (2020, 1, 1, 0, 0, 0)
"""Of every file in a wheel: the same software makes the same bytes."""


def wheel_of(name: str, folder: Path) -> Path:
    """Write the wheel of an installed distribution, or of one that is installed from its source, into ``folder``; its path.

    Raises ``importlib.metadata.PackageNotFoundError`` where there is none of this name, ValueError where it holds compiled code, which
    runs on one kind of machine only.
    """
    distribution = metadata.distribution(name)
    stem = f"{re.sub('[-_.]+', '_', distribution.metadata['Name']).lower()}-{distribution.version}"
    info = f"{stem}.dist-info"
    contents = dict(sorted(_contents(distribution)))
    compiled = [path for path in contents if path.endswith((".so", ".pyd", ".dylib"))]
    if compiled:
        raise ValueError(f"{name} holds compiled code: {', '.join(compiled)}")
    for kept in KEPT:
        text = distribution.read_text(kept)
        if text is not None:
            contents[f"{info}/{kept}"] = text.encode("utf-8")
    contents[f"{info}/WHEEL"] = WHEEL.encode()
    record = [f"{path},sha256={_digest(content)},{len(content)}" for path, content in contents.items()]
    contents[f"{info}/RECORD"] = "\n".join([*record, f"{info}/RECORD,,", ""]).encode()
    target = folder / f"{stem}-py3-none-any.whl"
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in contents.items():
            entry = zipfile.ZipInfo(path, TIME)
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            archive.writestr(entry, content)
    return target


def pinned(name: str) -> list[str]:
    """What an installed distribution needs, each as ``name==version`` of what is installed here, extras left out; sorted."""
    needed = [Requirement(text) for text in metadata.requires(name) or ()]
    here = [one for one in needed if one.marker is None or one.marker.evaluate({"extra": ""})]
    return sorted({f"{_with_extras(one)}=={_public(metadata.version(one.name))}" for one in here if _installed(one.name)})


def _with_extras(requirement: Requirement) -> str:
    return f"{requirement.name}[{','.join(sorted(requirement.extras))}]" if requirement.extras else requirement.name


def _public(version: str) -> str:
    """Without what marks a build of one's own, such as ``+cpu``, which no index has."""
    return version.partition("+")[0]


def _installed(name: str) -> bool:
    return next(iter(metadata.distributions(name=name)), None) is not None


def _contents(distribution: metadata.Distribution) -> Iterator[tuple[str, bytes]]:
    for package in _packages(distribution):
        spec = find_spec(package)
        if spec is None:
            continue
        if spec.submodule_search_locations is None and spec.origin:
            yield f"{package}.py", Path(spec.origin).read_bytes()
        for root in dict.fromkeys(spec.submodule_search_locations or ()):
            yield from _files(Path(root), package)


def _files(folder: Path, prefix: str) -> Iterator[tuple[str, bytes]]:
    """Also behind links, as an installation from source has them."""
    for path in sorted(folder.iterdir()):
        if path.is_dir() and path.name not in LEFT_OUT:
            yield from _files(path, f"{prefix}/{path.name}")
        elif path.is_file() and path.suffix not in (".pyc", ".pyo"):
            yield f"{prefix}/{path.name}", path.read_bytes()


def _packages(distribution: metadata.Distribution) -> list[str]:
    """Its top-level packages and modules."""
    told = distribution.read_text("top_level.txt")
    if told:
        return told.split()
    firsts = {file.parts[0] for file in distribution.files or () if file.suffix == ".py"}
    return sorted(first.removesuffix(".py") for first in firsts if not first.startswith("__editable__"))


def _digest(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
