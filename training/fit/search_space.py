"""What a search tries: names and ranges of settings, and settings made of what was drawn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from adverdict.models.ridge import FACTS
from adverdict.training.fit.gbm import GbmSettings
from adverdict.training.fit.prepared import FitSettings
from adverdict.training.fit.ridge.kernels import CREATIVE, KernelSettings

if TYPE_CHECKING:
    from optuna import Trial

AROUND = 4.0
"""Weights and sharpness of kernels are sought up to so many times above and below what they were."""
GBM: dict[str, tuple[float, float, bool]] = {
    "num_boost_round": (10, 1000, True),
    "learning_rate": (0.01, 0.2, True),
    "num_leaves": (4, 64, True),
    "min_data_in_leaf": (5, 100, True),
    "feature_fraction": (0.2, 1.0, False),
    "bagging_fraction": (0.5, 1.0, False),
    "lambda_l2": (0.1, 100.0, True),
}
"""Least, most, and whether it is the logarithm that is drawn evenly."""
WIDTHS = (0, 32, 64, 128)
"""Of word vectors; 0: none are read."""
KINDS_READ = ("all", "creative", "none")
"""Of facts."""
SHARES_OF_CENTRES = (0.5, 1.0, 2.0)


def given(settings: FitSettings) -> dict[str, Any]:
    """The settings as they would be drawn."""
    out = {f"gbm.{name}": getattr(settings.gbm, name) for name in GBM}
    out |= {"penalty": settings.ridge.penalty, "calibration_prior": settings.calibration_prior, "facts": "all", "centres": 1.0}
    for kernel in settings.ridge.kernels:
        out |= {f"{_label(kernel)}.weight": kernel.weight, f"{_label(kernel)}.sharpness": kernel.sharpness}
    return out | ({} if settings.vectors is None else {"width": settings.vectors.width})


def suggest(settings: FitSettings, trial: Trial) -> dict[str, Any]:
    """Drawn around ``settings``."""
    out: dict[str, Any] = {}
    for name, (least, most, log) in GBM.items():
        if isinstance(getattr(settings.gbm, name), int):
            out[f"gbm.{name}"] = trial.suggest_int(f"gbm.{name}", int(least), int(most), log=log)
        else:
            out[f"gbm.{name}"] = trial.suggest_float(f"gbm.{name}", least, most, log=log)
    out["penalty"] = trial.suggest_float("penalty", 0.02, 2.0, log=True)
    out["calibration_prior"] = trial.suggest_float("calibration_prior", 1.0, 300.0, log=True)
    out["facts"] = trial.suggest_categorical("facts", KINDS_READ)
    out["centres"] = trial.suggest_categorical("centres", SHARES_OF_CENTRES)
    for kernel in settings.ridge.kernels:
        for name in ("weight", "sharpness"):
            value, label = getattr(kernel, name), f"{_label(kernel)}.{name}"
            out[label] = trial.suggest_float(label, value / AROUND, value * AROUND, log=True)
    if settings.vectors is not None:
        out["width"] = trial.suggest_categorical("width", sorted({*WIDTHS, settings.vectors.width}))
    return out


def chosen(settings: FitSettings, params: Mapping[str, Any]) -> FitSettings:
    """``settings`` with what was drawn, whose names are those of ``given``."""
    kernels = tuple(
        replace(
            kernel,
            weight=params[f"{_label(kernel)}.weight"],
            sharpness=params[f"{_label(kernel)}.sharpness"],
            centres=max(1, round(kernel.centres * params["centres"])),
        )
        for kernel in settings.ridge.kernels
        if FACTS not in kernel.reads or params["facts"] == "all" or (params["facts"] == "creative" and kernel.facts == CREATIVE)
    )
    width = params.get("width", 0)
    return replace(
        settings,
        ridge=replace(settings.ridge, penalty=params["penalty"], kernels=kernels),
        vectors=None if settings.vectors is None or not width else replace(settings.vectors, width=width),
        gbm=GbmSettings(**{**asdict(settings.gbm), **{name: params[f"gbm.{name}"] for name in GBM}}),
        calibration_prior=params["calibration_prior"],
    )


def _label(kernel: KernelSettings) -> str:
    """``facts past``, ``words``, ``words and facts creative``: MLflow's names hold no plus."""
    reads = " and ".join(kernel.reads)
    return f"{reads} {kernel.facts}" if FACTS in kernel.reads else reads
