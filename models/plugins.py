"""Components that plug-ins bring: further models whose log-odds join the blend, where they earn their place."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from adverdict.domain import plugins
from adverdict.domain.ad import Ad
from adverdict.domain.errors import MissingPlugin
from adverdict.features.contract import FeatureContract
from adverdict.features.history.counts import SHARED
from adverdict.models.manifest import Manifest, PluginEntry

PREFIX = "plugin."
"""Before a plug-in's name where components are named."""
FOLDER, BASELINES = "plugins", "plugins.json"

Floats = NDArray[np.float64]


class FittedComponent(Protocol):
    """A model that a plug-in has fitted. ``ads``, and beside them ``features``: ``float64 (n_ads, n_features)``, what the bundle knows of
    their content (no history), NaN where it is missing."""

    def logits(self, ads: Sequence[Ad], features: Floats) -> Floats:
        """Log-odds of a violation, ``float64 (n_ads, n_policies)``, finite. An ad's row never depends on the ads beside it."""
        ...

    def save(self, folder: Path) -> None:
        """Write data only, in files whose names end as ``models.manifest.SUFFIXES`` has it. ``folder`` is there and empty."""
        ...

    def in_words(self, ad: Ad, policy: str) -> str:
        """What the component looked at in this ad, as a reviewer reads it: ``its domain was seen in rejected ads``."""
        ...


class Component(Protocol):
    """What an entry point of ``adverdict.components`` names."""

    version: str
    """Raised when what an earlier version saved is read otherwise: such bundles are refused."""

    def fit(
        self, ads: Sequence[Ad], features: Floats, names: Sequence[str], targets: Floats, policies: Sequence[str], seed: int
    ) -> FittedComponent:
        """``names``: of the features. ``targets``: ``float64 (n_ads, n_policies)`` in [0, 1], the mean of the raters, NaN where nobody
        rated. The same in must give the same out."""
        ...

    def load(self, folder: Path, policies: Sequence[str]) -> FittedComponent:
        """What ``save`` wrote. Raises ValueError for what it cannot be. Must execute nothing that it reads."""
        ...


@dataclass(frozen=True)
class PluginComponents:
    """Those of a bundle, by name. ``columns``: of ``FeatureTable.shared``, those they are shown; ``baselines``: each one's mean log-odds in
    training, ``float64 (n_policies,)``, against which an effect is told."""

    fitted: Mapping[str, FittedComponent]
    columns: tuple[int, ...] = ()
    baselines: Mapping[str, Floats] | None = None

    def logits(self, ads: Sequence[Ad], shared: Floats, n_policies: int) -> dict[str, Floats]:
        """By the name that blends have. Raises ValueError for what is no log-odds."""
        seen = shared[:, self.columns] if self.fitted else shared
        return {PREFIX + name: checked(name, one.logits(ads, seen), len(ads), n_policies) for name, one in self.fitted.items()}

    @classmethod
    def load(cls, folder: Path, manifest: Manifest, contract: FeatureContract) -> PluginComponents:
        names = [name.removeprefix(PREFIX) for name in manifest.components if name.startswith(PREFIX)]
        if not names:
            return cls({})
        told = json.loads((folder / BASELINES).read_bytes())
        n = len(manifest.policies)
        baselines = {name: np.asarray(told[name], dtype=np.float64) for name in names}
        if any(one.shape != (n,) or not np.isfinite(one).all() for one in baselines.values()):
            raise ValueError(f"{BASELINES} does not fit {n} policies")
        fitted = {name: component(name).load(folder / FOLDER / name, manifest.policies) for name in names}
        return cls(fitted, content_columns(contract), baselines)


NO_PLUGINS = PluginComponents({})


def component(name: str) -> Component:
    """Raises NotFound."""
    found: Component = plugins.plugin(plugins.COMPONENTS, name)
    return found


def content_columns(contract: FeatureContract) -> tuple[int, ...]:
    """Of the features of an ad, those that no past is in: the same for an ad of somebody new."""
    return tuple(place for place, name in enumerate(contract.shared) if name not in SHARED)


def checked(name: str, logits: Any, n_ads: int, n_policies: int) -> Floats:
    """Raises ValueError for what a component must not give."""
    found = np.asarray(logits, dtype=np.float64)
    if found.shape != (n_ads, n_policies):
        raise ValueError(f"component {name} gave log-odds of shape {found.shape}, expected {(n_ads, n_policies)}")
    if not np.isfinite(found).all():
        raise ValueError(f"component {name} gave log-odds that are not finite")
    return found


def entries(signals: Mapping[str, str], components: Sequence[str]) -> tuple[PluginEntry, ...]:
    """What a manifest says of the plug-ins a bundle was made with; ``signals``: their versions by name."""
    named = [(plugins.SIGNALS, name, version) for name, version in signals.items()]
    named += [(plugins.COMPONENTS, name, str(component(name).version)) for name in components]
    found = []
    for group, name, version in named:
        package, of_package = plugins.distribution_of(group, name)
        told = {"group": group, "name": name, "version": version, "distribution": package, "distribution_version": of_package}
        found.append(PluginEntry.model_validate(told))
    return tuple(found)


def refuse_without(needed: Sequence[PluginEntry]) -> None:
    """Raises MissingPlugin naming every plug-in that is not installed here in the version that a bundle needs."""
    missing = []
    for one in needed:
        kind = one.group.rpartition(".")[2].removesuffix("s")
        source = f"{one.distribution} {one.distribution_version}" if one.distribution else "no package that it names"
        if one.name not in plugins.installed(one.group):
            missing.append(f"{kind} `{one.name}` is not installed here (it came with {source})")
        elif (here := str(plugins.plugin(one.group, one.name).version)) != one.version:
            missing.append(f"{kind} `{one.name}` is of version {here} here and {one.version} there (it came with {source})")
    if missing:
        raise MissingPlugin("\n".join(["the model needs plug-ins:", *(f"  - {line}" for line in missing)]))
