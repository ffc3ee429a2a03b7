"""An ad and its advertiser's past to numbers: the one way, online, in batch and in training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import nan

import numpy as np
import numpy.typing as npt

from domain.ad import Ad
from features.contract import FeatureContract, check, learn_contract
from features.creative import CREATIVE_FACTS
from features.history.counts import PER_POLICY, SHARED, HistoryCounts
from features.normalise import NormalisedText
from features.text import TEXT_SIGNALS
from features.view import view

__all__ = ["FeatureTable", "feature_table", "learn_contract"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class FeatureTable:
    """Features of some ads, row by row in their order. A row depends on its ad and its counts alone, never on its neighbours."""

    texts: tuple[NormalisedText, ...]
    shared: Floats
    """(n_ads, len(contract.shared)); NaN is missing, a category is its level's index."""
    per_policy: Floats
    """(n_ads, n_policies, len(contract.per_policy)); NaN is missing."""

    def for_policy(self, index: int) -> Floats:
        """(n_ads, len(contract.names)): what a model of the policy at ``index`` reads, in the order of ``contract.names``."""
        return np.hstack([self.shared, self.per_policy[:, index, :]])


def feature_table(ads: Sequence[Ad], counts: HistoryCounts, contract: FeatureContract) -> FeatureTable:
    """Features of ``ads``, whose history ``counts`` holds row for row. Raises ``ContractMismatch`` where they would not be the model's."""
    if contract.shared != (*TEXT_SIGNALS, *CREATIVE_FACTS, *SHARED) or contract.per_policy != tuple(PER_POLICY):
        check(contract)
    if len(counts.at) != len(ads):
        raise ValueError(f"{len(ads)} ads, but history counts for {len(counts.at)}")
    index = {name: {level: float(i) for i, level in enumerate(levels)} for name, levels in contract.levels.items()}
    views = [view(ad) for ad in ads]
    columns = [_column([signal(one) for one in views], index.get(name)) for name, signal in TEXT_SIGNALS.items()]
    columns += [_column([fact(ad) for ad in ads], index.get(name)) for name, fact in CREATIVE_FACTS.items()]
    columns += [history(counts) for history in SHARED.values()]
    return FeatureTable(
        texts=tuple(one.text for one in views),
        shared=np.column_stack(columns).astype(np.float64, copy=False),
        per_policy=np.stack([history(counts) for history in PER_POLICY.values()], axis=2),
    )


def _column(values: Sequence[float | str | None], levels: Mapping[str, float] | None) -> Floats:
    """One feature of all ads; a category's values become the indices of their levels."""
    if levels is None:
        return np.array(values, dtype=np.float64)
    return np.array([nan if value is None else levels.get(str(value), float(len(levels))) for value in values], dtype=np.float64)
