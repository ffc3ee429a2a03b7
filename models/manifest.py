"""What a bundle promises about itself, and the check that its files keep the promise, made before any of them is parsed."""

from __future__ import annotations

import hashlib
import json
import re
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SerializerFunctionWrapHandler, ValidationError, model_serializer

from adverdict.domain.ad import PolicyName
from adverdict.domain.errors import NotFound, UntrustedBundle
from adverdict.storage.whole import write_whole

NAME = "manifest.json"
SIMULATED = re.compile(r"marketplace-\d+-\d+")
MAX_MANIFEST_BYTES = 4_000_000
SUFFIXES = frozenset({".json", ".txt", ".safetensors", ".onnx", ".parquet"})
"""Formats that hold data only. Anything else (a pickle above all) makes the whole bundle untrusted."""


class FileEntry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    size: int = Field(ge=0)


class DataEntry(BaseModel):
    """A data set the bundle was trained on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    digest: str
    ads: int
    labels: int
    simulated: bool = Field(default=False, description="whether the pack has the truth beside it, as only a simulation can; said if it is")

    @model_serializer(mode="wrap")
    def _said(self, written: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Nothing where it is not simulated: manifests of real data stay what they were."""
        told: dict[str, Any] = written(self)
        return told if self.simulated else {key: value for key, value in told.items() if key != "simulated"}

    @property
    def made_up(self) -> bool:
        """The same, also of bundles made before it was said: by the name that a simulation gives its folder."""
        return self.simulated or SIMULATED.fullmatch(self.name) is not None


class EncoderEntry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str = Field(description="name of the pretrained model")
    prefix: str = ""
    max_tokens: int
    layers: int | None = Field(default=None, description="after how many a text is read; None: made before that was chosen")


class PluginEntry(BaseModel):
    """A plug-in that the bundle cannot do without."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    group: Literal["adverdict.signals", "adverdict.components"]
    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    version: str
    distribution: str = Field(default="", description="the package that brought it, where it says")
    distribution_version: str = ""


ComponentName = Annotated[str, Field(pattern=r"^(ngram|ridge|gbm|transformer|encoder|kernel|plugin\.[a-z][a-z0-9_]*)$")]


class Manifest(BaseModel):
    """``manifest.json``. Its own sha256 is the bundle's version, so nothing in a bundle can change without the version changing."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: Literal[1] = 1
    created_at: datetime
    policies: tuple[PolicyName, ...] = Field(min_length=1)
    components: tuple[ComponentName, ...] = Field(min_length=1)
    plugins: tuple[PluginEntry, ...] = ()
    contract: dict[str, Any]
    contract_hash: str
    normaliser_version: str
    vectors: str | None = Field(default=None, description="the table that word vectors come from")
    encoder: EncoderEntry | None = None
    settings: dict[str, Any] = {}
    metrics: dict[str, Any] = {}
    data: tuple[DataEntry, ...] = ()
    files: dict[str, FileEntry]


def seal(folder: Path, manifest: Manifest) -> str:
    """Write ``manifest.json`` over the files now in ``folder``; the bundle's version."""
    files = {
        name: FileEntry(sha256=_sha256(folder / name), size=(folder / name).stat().st_size) for name in _files_in(folder) if name != NAME
    }
    sealed = manifest.model_copy(update={"files": files})
    raw = json.dumps(sealed.model_dump(mode="json"), indent=1, sort_keys=True, ensure_ascii=False).encode()
    write_whole(folder / NAME, raw)
    return version_of(raw)


def check(folder: Path) -> tuple[Manifest, str]:
    """The manifest and version of a bundle whose every file is present, listed, of the right size and content.

    Raises NotFound when there is no bundle, UntrustedBundle with everything that is wrong otherwise.
    """
    path = folder / NAME
    if not path.is_file() or path.is_symlink():
        raise NotFound(f"no bundle in {folder}: {NAME} is missing")
    if path.stat().st_size > MAX_MANIFEST_BYTES:
        raise UntrustedBundle(f"{path}: {path.stat().st_size} bytes, at most {MAX_MANIFEST_BYTES} expected")
    raw = path.read_bytes()
    try:
        manifest = Manifest.model_validate_json(raw)
    except ValidationError as error:
        raise UntrustedBundle(f"{path} is not a manifest: {error}") from error
    wrong = list(_mistakes(folder, manifest))
    if wrong:
        raise UntrustedBundle("\n".join([f"bundle {folder} is not what its manifest says:", *(f"  - {line}" for line in wrong)]))
    return manifest, version_of(raw)


def version_of(manifest: bytes) -> str:
    """A bundle's version: the first 16 hex digits of its manifest's sha256."""
    return hashlib.sha256(manifest).hexdigest()[:16]


def _mistakes(folder: Path, manifest: Manifest) -> list[str]:
    wrong = [f"{name}: listed, but points outside the bundle" for name in manifest.files if not _is_inside(name)]
    listed = {name for name in manifest.files if _is_inside(name)}
    present = set(_files_in(folder)) - {NAME}
    wrong += [f"{name}: a link, expected a plain file" for name in sorted(present) if _has_link(folder, name)]
    wrong += [
        f"{name}: not a format a bundle may hold ({', '.join(sorted(SUFFIXES))})" for name in sorted(present | listed) if not _allowed(name)
    ]
    wrong += [f"{name}: listed, but missing" for name in sorted(listed - present)]
    wrong += [f"{name}: present, but not listed" for name in sorted(present - listed)]
    if wrong:
        return wrong
    for name, entry in sorted(manifest.files.items()):
        size = (folder / name).stat().st_size
        if size != entry.size:
            wrong.append(f"{name}: {size} bytes, the manifest says {entry.size}")
        elif _sha256(folder / name) != entry.sha256:
            wrong.append(f"{name}: content differs from the manifest's sha256")
    return wrong


def _is_inside(name: str) -> bool:
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts and "\\" not in name and ":" not in name and str(path) == name


def _allowed(name: str) -> bool:
    return PurePosixPath(name).suffix in SUFFIXES


def _has_link(folder: Path, name: str) -> bool:
    path = folder / name
    return path.is_symlink() or any(parent.is_symlink() for parent in path.parents if folder in parent.parents)


def _files_in(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
