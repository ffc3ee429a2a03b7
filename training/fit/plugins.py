"""Fits the components that plug-ins bring, out of fold like our own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from adverdict.domain import plugins
from adverdict.domain.progress import Progress
from adverdict.features.contract import FeatureContract
from adverdict.features.table import FeatureTable
from adverdict.models.plugins import FittedComponent, Floats, checked, component, content_columns
from adverdict.training.dataset import Dataset, Rows


@dataclass(frozen=True)
class OwnComponent:
    """``held_out``: its log-odds of each ad, ``float64 (n_ads, n_policies)``, fitted to the other folds."""

    fitted: FittedComponent
    held_out: Floats


def fit_components(
    names: tuple[str, ...], data: Dataset, table: FeatureTable, contract: FeatureContract, fold: Rows, seed: int, progress: Progress
) -> Mapping[str, OwnComponent]:
    """By name. Raises InvalidSettings for a name that nobody offers, ValueError for log-odds that are none."""
    if not names:
        return {}
    plugins.known(plugins.COMPONENTS, names, "--component")
    columns = list(content_columns(contract))
    features, columns_named = table.shared[:, columns], [contract.shared[column] for column in columns]

    def fitted_to(name: str, rows: Rows) -> FittedComponent:
        some = [data.ads[row] for row in rows.tolist()]
        return component(name).fit(some, features[rows], columns_named, data.targets[rows], data.policies, seed)

    found, n_folds = {}, int(fold.max()) + 1
    progress.stage("plug-ins", len(names) * (n_folds + 1))
    for name in names:
        out = np.empty_like(data.targets)
        for k in range(n_folds):
            rest, here = np.flatnonzero(fold != k), np.flatnonzero(fold == k)
            said = fitted_to(name, rest).logits([data.ads[row] for row in here.tolist()], features[here])
            out[here] = checked(name, said, len(here), len(data.policies))
            progress.advance()
        found[name] = OwnComponent(fitted_to(name, np.arange(len(data.ads))), out)
        progress.advance()
    return found
