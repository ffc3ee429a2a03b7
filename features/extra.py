"""Features that plug-ins bring: signals of an ad, last in a contract's features of an ad."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import isfinite, nan

import numpy as np
import numpy.typing as npt

from adverdict.domain import plugins
from adverdict.domain.ad import Ad
from adverdict.domain.errors import InvalidSettings, Mistake
from adverdict.domain.plugins import Signal
from adverdict.features.contract import FeatureContract, code, levels_of


def signal(name: str) -> Signal:
    """Raises NotFound."""
    found: Signal = plugins.plugin(plugins.SIGNALS, name)
    return found


def with_signals(contract: FeatureContract, ads: Sequence[Ad], names: Sequence[str]) -> FeatureContract:
    """The contract of a model that reads these plug-ins' signals too, with the levels that ``ads`` have. Raises InvalidSettings."""
    plugins.known(plugins.SIGNALS, names, "--signal")
    taken = [Mistake("--signal", name, "a name that no feature has") for name in names if name in contract.names]
    if taken:
        raise InvalidSettings("these plug-ins cannot be used:", taken)
    categories = [name for name in names if signal(name).kind == "category"]
    levels = {name: levels_of(signal(name).of(ad) for ad in ads) for name in categories}
    return replace(
        contract,
        shared=(*contract.shared, *names),
        levels={**contract.levels, **levels},
        signals={name: str(signal(name).version) for name in names},
    )


def plugin_values(ads: Sequence[Ad], contract: FeatureContract) -> npt.NDArray[np.float64]:
    """``float64 (n_ads, n_signals)``, in the contract's order; NaN is missing, a category is its level's index. Raises NotFound, and
    ValueError for a signal that gives what is none."""
    names = contract.shared[len(contract.built_in) :]
    columns = [[_number(name, signal(name).of(ad), contract) for ad in ads] for name in names]
    return np.array(columns, dtype=np.float64).reshape(len(names), len(ads)).T


def _number(name: str, value: float | str | None, contract: FeatureContract) -> float:
    if name in contract.codes:
        return code(value, contract.codes[name])
    if value is None:
        return nan
    if isinstance(value, str) or not isfinite(value):
        raise ValueError(f"signal {name} gave {value!r}, and says that it gives finite numbers")
    return float(value)
