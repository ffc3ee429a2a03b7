"""The model registry as the service asks it: MLflow's, or a folder standing for itself."""

from __future__ import annotations

import os
from pathlib import Path

from domain.errors import NotFound
from models.registry import fetch_bundle, forget_others, is_registered, resolve


class MlflowRegistry:
    """Implements ``serving.champion.Registry``; the server or database is that of ``MLFLOW_TRACKING_URI``."""

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
