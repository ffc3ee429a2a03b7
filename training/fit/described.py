"""How a bundle was fitted, in plain values: for its manifest, and for the run that made it."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from adverdict.training.fit.everything import FitSettings


def described(settings: FitSettings) -> dict[str, Any]:
    """Settings for the manifest; of an encoder's folder only the name, for bundles travel."""
    told = asdict(settings)
    if settings.encoder is not None:
        told["encoder"]["source"] = Path(settings.encoder.source).name
    return told


def params_of(model: str, settings: FitSettings) -> dict[str, Any]:
    """Those of one of the models, as parameters of its run."""
    if model in ("transformer", "encoder") and settings.encoder is not None:
        return dict(described(settings)["encoder"])
    if model == "gbm":
        return asdict(settings.gbm)
    return asdict(settings.ridge) if model == "ridge" else {}
