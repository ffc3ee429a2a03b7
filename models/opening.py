"""A model by its name, opened: the one way for HTTP, command line, batch, training and tests.

name -> the exact version -> its folder -> the certificates that belong to it -> the bundle, deciding by them
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from adverdict.certification.certificate import Issued
from adverdict.certification.signing import refuse_unsigned
from adverdict.domain.errors import AdverdictError, NotFound, UntrustedBundle
from adverdict.domain.settings import Settings
from adverdict.models.certified import certified_thresholds
from adverdict.models.in_use import policies_before
from adverdict.models.manifest import check
from adverdict.models.registry import (
    certificates_of,
    fetch_bundle,
    fetch_certificates,
    forget_others,
    is_registered,
    resolve,
    use_registry,
    version_of,
)

if TYPE_CHECKING:
    from adverdict.models.bundle import Bundle


class Registry(Protocol):
    """Where models come from: names to exact versions, versions to folders."""

    def resolve(self, model: str) -> str:
        """What ``model`` stands for. Raises NotFound or Unavailable."""
        ...

    def fetch(self, model: str, cache: Path) -> Path:
        """Its folder, downloaded under ``cache`` whole or not at all. Raises NotFound or Unavailable."""
        ...

    def certificates(self, source: str, policy_hash: str) -> str | None:
        """The sha256 of a version's certificates for these policies now; None: it has none. Raises NotFound or Unavailable."""
        ...

    def fetch_certificates(self, source: str, digest: str, cache: Path) -> str:
        """Those certificates as text. Raises NotFound, Unavailable or UntrustedBundle."""
        ...


class MlflowRegistry:
    """MLflow's registry, or a folder standing for itself.

    ``certificates`` is a file of certificates that replaces those of the registry. With ``tidy``, only the newest downloads are kept; with
    ``key``, no certificates that were not signed by it.
    """

    def __init__(self, certificates: Path | None = None, *, tidy: bool = False, key: bytes | None = None) -> None:
        self._certificates = certificates
        self._tidy = tidy
        self._key = key

    def resolve(self, model: str) -> str:
        if is_registered(model):
            return resolve(model)
        if not Path(model).is_dir():
            raise NotFound(f"no model {model}: neither a registered name (models:/…) nor a folder")
        return str(Path(model).resolve())

    def fetch(self, model: str, cache: Path) -> Path:
        folder = fetch_bundle(model, cache)
        if self._tidy and is_registered(model):
            os.utime(folder)  # in use again: a bundle that a rollback brings back is not among the oldest
            forget_others(cache)
        return folder

    def certificates(self, source: str, policy_hash: str) -> str | None:
        if self._certificates is not None:
            return hashlib.sha256(self._certificates.read_bytes()).hexdigest()
        return certificates_of(source, policy_hash)

    def fetch_certificates(self, source: str, digest: str, cache: Path) -> str:
        text = fetch_certificates(source, digest, cache) if self._certificates is None else self._read(self._certificates)
        if self._key is not None:
            refuse_unsigned(text, self._key, str(self._certificates or source))
        return text

    @staticmethod
    def _read(certificates: Path) -> str:
        try:
            return certificates.read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            raise UntrustedBundle(f"{certificates} is no text, and so no set of certificates: {error}") from error


@dataclass(frozen=True)
class FoundModel:
    """A model that was found and is on this disk, not loaded yet."""

    source: str
    """The exact one: ``models:/name/version``, or a folder."""
    folder: Path
    registry: Registry
    cache: Path

    def issued(self, policy_hash: str) -> Issued | None:
        """The certificates it decides by under these policies; None: none. Raises NotFound, Unavailable or UntrustedBundle."""
        digest, _ = certificates_for(self.source, policy_hash, self.registry, policies_before(self.cache, self.source))
        return None if digest is None else Issued.from_json(self.registry.fetch_certificates(self.source, digest, self.cache))

    def load(self) -> Bundle:
        """The bundle as it was made. Raises UntrustedBundle or ContractMismatch."""
        from adverdict.models.bundle import load_bundle

        return load_bundle(self.folder)


def certificates_for(source: str, policy_hash: str, registry: Registry, before: str | None) -> tuple[str | None, str]:
    """The sha256 of the certificates that decide under these policies, None: none do; and the policies that they are attached for.

    Where none were solved for these, those of the policies ``before`` (``policies_before``) they were edited go on: what did not change
    stays certified, and what did is left to people, until certificates are solved anew. Raises NotFound or Unavailable.
    """
    own = registry.certificates(source, policy_hash)
    if own is not None or before is None:
        return own, policy_hash
    return registry.certificates(source, before), before


def find_model(name: str, settings: Settings, registry: Registry | None = None) -> FoundModel:
    """The model that a name such as ``models:/adverdict@champion``, or a folder, stands for, fetched.

    ``registry`` is MLflow's, with the settings' own certificates if they name any, unless given. Raises NotFound or Unavailable.
    """
    use_registry(settings)
    registry = registry or MlflowRegistry(settings.certificates, key=settings.signing_key)
    source = registry.resolve(name)
    return FoundModel(source, registry.fetch(source, settings.cache), registry, settings.cache)


def open_model(name: str, settings: Settings, policy_hash: str) -> Bundle:
    """The same, loaded, with the thresholds it decides by under these policies: certified ones where there are certificates.

    Raises NotFound, Unavailable, UntrustedBundle or ContractMismatch.
    """
    found_model = find_model(name, settings)
    bundle, issued = found_model.load(), found_model.issued(policy_hash)
    return bundle if issued is None else replace(bundle, thresholds=certified_thresholds(issued, bundle.version))


def find_version(folders: Sequence[Path], settings: Settings) -> Callable[[str], Path]:
    """Bundle version -> folder: among these folders, those already downloaded, or by the registry.

    Raises NotFound or UntrustedBundle for a bad one of ``folders``; a downloaded one that is bad counts for nothing.
    """
    use_registry(settings)
    known: dict[str, Path] = {}
    for folder in [*folders, *sorted(settings.cache.glob("*/"))]:
        try:
            known.setdefault(check(folder)[1], folder)
        except AdverdictError:
            if folder in folders:
                raise

    def folder_of(version: str) -> Path:
        if version in known:
            return known[version]
        registered = version_of(version)
        if registered is None:
            raise NotFound(f"bundle {version} is neither downloaded nor registered")
        return fetch_bundle(registered, settings.cache)

    return folder_of
