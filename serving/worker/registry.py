"""The model registry as the service asks it: MLflow's, or a folder standing for itself."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from adverdict.domain.errors import NotFound
from adverdict.models.registry import certificates_of, fetch_bundle, fetch_certificates, forget_others, is_registered, resolve


class MlflowRegistry:
    """Implements ``serving.worker.champion.Registry``; the server or database is that of ``MLFLOW_TRACKING_URI``.

    ``certificates`` is a file of certificates that replaces those of the registry.
    """

    def __init__(self, certificates: Path | None = None) -> None:
        self._certificates = certificates

    def resolve(self, model: str) -> str:
        if not is_registered(model) and not Path(model).is_dir():
            raise NotFound(f"no model {model}: neither a registered name (models:/…) nor a folder")
        return resolve(model)

    def fetch(self, model: str, cache: Path) -> Path:
        folder = fetch_bundle(model, cache)
        if is_registered(model):
            os.utime(folder)  # in use again: a bundle that a rollback brings back is not among the oldest
            forget_others(cache)
        return folder

    def certificates(self, source: str) -> str | None:
        if self._certificates is not None:
            return hashlib.sha256(self._certificates.read_bytes()).hexdigest()
        return certificates_of(source)

    def fetch_certificates(self, source: str, digest: str, cache: Path) -> str:
        if self._certificates is not None:
            return self._certificates.read_text(encoding="utf-8")
        return fetch_certificates(source, digest, cache)
