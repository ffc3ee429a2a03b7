"""The thresholds of a model once certificates belong to it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from certification.certificate import Certificate, from_json, thresholds
from decisions.thresholds import SolvedThresholds
from domain.errors import NotFound, UntrustedBundle
from models.registry import certificates_of, fetch_certificates, is_registered, resolve


def certificates(model: str, cache: Path, file: Path | None = None) -> tuple[Certificate, ...] | None:
    """Those of ``file``, else those that belong to the registered version ``model`` stands for; None: there are none.

    Raises NotFound, Unavailable or UntrustedBundle.
    """
    if file is not None:
        if not file.is_file():
            raise NotFound(f"no certificates at {file}")
        return from_json(file.read_text(encoding="utf-8"))
    if not is_registered(model):
        return None
    exact = resolve(model)
    digest = certificates_of(exact)
    return None if digest is None else from_json(fetch_certificates(exact, digest, cache))


def certified_thresholds(found: Sequence[Certificate], version: str, brought: SolvedThresholds) -> SolvedThresholds:
    """What a bundle decides by under these certificates. Raises UntrustedBundle when they are another bundle's."""
    others = sorted({one.bundle_version for one in found} - {version})
    if others:
        raise UntrustedBundle(f"these certificates are for bundle {', '.join(others)}, and the bundle in use is {version}")
    return thresholds(found, brought)
