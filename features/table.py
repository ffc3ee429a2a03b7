"""An ad and its advertiser's past to numbers: the one way, online, in batch and in training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from adverdict.domain.ad import Ad
from adverdict.features.contract import FeatureContract, check, code, learn_contract
from adverdict.features.creative import CREATIVE_FACTS
from adverdict.features.extra import plugin_values
from adverdict.features.history.counts import PER_POLICY, SHARED, HistoryCounts, history_features
from adverdict.features.text.normalise import NormalisedText
from adverdict.features.text.signals import TEXT_SIGNALS
from adverdict.features.text.view import TextView, views

__all__ = ["FeatureTable", "code", "feature_table", "learn_contract", "with_history"]

Floats = npt.NDArray[np.float64]
Value = float | str | None

OF_AN_AD = (*TEXT_SIGNALS, *CREATIVE_FACTS, *SHARED)
UNDER_A_POLICY = PER_POLICY


@dataclass(frozen=True)
class FeatureTable:
    """Features of some ads, row by row in their order. A row depends on its ad and its counts alone, never on its neighbours."""

    texts: tuple[NormalisedText, ...]
    shared: Floats
    """(n_ads, len(contract.shared)); NaN is missing, a category is its level's index."""
    per_policy: Floats
    """(n_ads, n_policies, len(contract.per_policy)); NaN is missing."""
    views: tuple[TextView, ...] = ()
    """The texts taken apart, as many as ``texts``."""


def feature_table(ads: Sequence[Ad], counts: HistoryCounts, contract: FeatureContract) -> FeatureTable:
    """Features of ``ads``, whose history ``counts`` holds row for row. Raises ``ContractMismatch`` where they would not be the model's."""
    if contract.built_in != OF_AN_AD or contract.per_policy != UNDER_A_POLICY:
        check(contract)
    if len(counts.at) != len(ads):
        raise ValueError(f"{len(ads)} ads, but history counts for {len(counts.at)}")
    seen = views(ads)
    table = assembled(seen, [[*text_signals(one), *creative_facts(one.ad)] for one in seen], counts, contract)
    return beside(table, plugin_values(ads, contract)) if contract.signals else table


def text_signals(seen: TextView) -> list[Value]:
    """The values of ``TEXT_SIGNALS``, categories by name."""
    return [signal(seen) for signal in TEXT_SIGNALS.values()]


def creative_facts(ad: Ad) -> list[Value]:
    """The values of ``CREATIVE_FACTS``, categories by name."""
    return [fact(ad) for fact in CREATIVE_FACTS.values()]


def assembled(seen: Sequence[TextView], rows: list[list[Value]], counts: HistoryCounts, contract: FeatureContract) -> FeatureTable:
    """The table of ads whose signals and facts are in ``rows``, where categories become their levels' indices."""
    categories = [(place, contract.codes[name]) for place, name in enumerate(OF_AN_AD) if name in contract.codes]
    for row in rows:
        for place, codes in categories:
            row[place] = code(row[place], codes)
    history, per_policy = history_features(counts)
    shared = np.empty((len(rows), len(OF_AN_AD)))
    shared[:, : -len(SHARED)] = np.array(rows, dtype=np.float64).reshape(len(rows), len(OF_AN_AD) - len(SHARED))
    shared[:, -len(SHARED) :] = history
    # A model that learnt before there were the last features does not know them.
    return FeatureTable(tuple(one.text for one in seen), shared[:, : len(contract.built_in)], per_policy, tuple(seen))


def with_history(table: FeatureTable, counts: HistoryCounts) -> FeatureTable:
    """The same ads with another past: the history features anew from ``counts``, everything else as it is."""
    history, per_policy = history_features(counts)
    return FeatureTable(table.texts, np.hstack([table.shared[:, : -len(SHARED)], history]), per_policy, table.views)


def beside(table: FeatureTable, values: Floats) -> FeatureTable:
    """The same ads with further features at the end of ``shared``."""
    return FeatureTable(table.texts, np.hstack([table.shared, values]), table.per_policy, table.views)
