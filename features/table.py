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

__all__ = ["FeatureTable", "feature_table", "learn_contract", "with_history"]

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
    codes = [_codes(contract, name) for name in (*TEXT_SIGNALS, *CREATIVE_FACTS)]
    views = [view(ad) for ad in ads]
    rows = [[*[signal(one) for signal in TEXT_SIGNALS.values()], *[fact(one.ad) for fact in CREATIVE_FACTS.values()]] for one in views]
    values = np.array([[_value(value, code) for value, code in zip(row, codes, strict=True)] for row in rows], dtype=np.float64)
    history = [feature(counts) for feature in SHARED.values()]
    return FeatureTable(
        texts=tuple(one.text for one in views),
        shared=np.column_stack([values.reshape(len(ads), len(codes)), *history]),
        per_policy=np.stack([history(counts) for history in PER_POLICY.values()], axis=2),
    )


def with_history(table: FeatureTable, counts: HistoryCounts) -> FeatureTable:
    """The same ads with another past: the history features anew from ``counts``, everything else as it is."""
    shared = table.shared.copy()
    shared[:, -len(SHARED) :] = np.column_stack([history(counts) for history in SHARED.values()])
    return FeatureTable(table.texts, shared, np.stack([history(counts) for history in PER_POLICY.values()], axis=2))


def _codes(contract: FeatureContract, name: str) -> Mapping[str, float] | None:
    """Level -> index of a category; None for a number."""
    levels = contract.levels.get(name)
    return None if levels is None else {level: float(index) for index, level in enumerate(levels)}


def _value(value: float | str | None, codes: Mapping[str, float] | None) -> float | str | None:
    if codes is None:
        return value
    return nan if value is None else codes.get(str(value), float(len(codes)))
