"""The table of features: one row an ad, the same whatever batch the ad comes in."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from adverdict.domain.errors import ContractMismatch
from adverdict.features.contract import MIN_COUNT, learn_contract
from adverdict.features.table import feature_table
from tests.features.worlds import POLICIES, an_ad, counts_of, some_ads

ADS = some_ads()
CONTRACT = learn_contract(ADS * MIN_COUNT)


def test_shapes_follow_the_contract_and_every_value_is_finite_or_missing() -> None:
    table = feature_table(ADS, counts_of(ADS), CONTRACT)
    assert table.shared.shape == (len(ADS), len(CONTRACT.shared))
    assert table.per_policy.shape == (len(ADS), len(POLICIES), len(CONTRACT.per_policy))
    assert table.shared.dtype == table.per_policy.dtype == np.float64
    assert not np.isinf(table.shared).any()
    assert not np.isinf(table.per_policy).any()


def test_a_row_is_the_same_alone_as_in_a_batch() -> None:
    counts = counts_of(ADS)
    whole = feature_table(ADS, counts, CONTRACT)
    for i, ad in enumerate(ADS):
        alone = feature_table([ad], counts.take([i]), CONTRACT)
        np.testing.assert_array_equal(alone.shared[0], whole.shared[i])
        np.testing.assert_array_equal(alone.per_policy[0], whole.per_policy[i])
        assert alone.texts[0] == whole.texts[i]


def test_no_ads_make_an_empty_table() -> None:
    table = feature_table([], counts_of(ADS).take([]), CONTRACT)
    assert table.shared.shape == (0, len(CONTRACT.shared))
    assert table.per_policy.shape == (0, len(POLICIES), len(CONTRACT.per_policy))


def test_a_category_is_its_levels_index_an_unseen_level_one_more_a_missing_one_nan() -> None:
    ads = [an_ad("a", surface="feed"), an_ad("b", surface="kids"), an_ad("c", surface="new"), an_ad("d")]
    table = feature_table(ads, counts_of(ads), replace(CONTRACT, levels={**CONTRACT.levels, "surface": ("feed", "kids")}))
    np.testing.assert_array_equal(table.shared[:, CONTRACT.shared.index("surface")], [0, 1, 2, np.nan])


def test_history_reaches_the_table_by_name_and_policy() -> None:
    table = feature_table(ADS, counts_of(ADS), CONTRACT)
    labels = table.per_policy[:, :, CONTRACT.per_policy.index("advertiser_labels")]
    assert labels[1].tolist() == [1, 0]
    assert table.shared[1, CONTRACT.shared.index("advertiser_ads_ever")] == 1


def test_names_are_unique() -> None:
    assert len(set(CONTRACT.names)) == len(CONTRACT.names)


def test_other_features_or_another_number_of_histories_are_refused() -> None:
    with pytest.raises(ContractMismatch):
        feature_table(ADS, counts_of(ADS), replace(CONTRACT, shared=CONTRACT.shared[::-1]))
    with pytest.raises(ValueError, match="6 ads, but history counts for 5"):
        feature_table(ADS, counts_of(ADS[:5]), CONTRACT)
