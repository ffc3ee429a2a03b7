"""A model is only given the features it learned from; any difference is told in words."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from adverdict.domain.errors import ContractMismatch
from adverdict.features.contract import FeatureContract, check, installed, learn_contract
from adverdict.features.history.counts import CAME_LATER
from adverdict.features.history.state import HistoryState
from adverdict.features.table import feature_table
from tests.features.worlds import an_ad


def small(**changes: object) -> FeatureContract:
    contract = FeatureContract(("emoji", "surface"), ("advertiser_labels",), {"surface": ("feed", "search")}, ngrams={"word": [1, 2]})
    return replace(contract, **changes)  # type: ignore[arg-type]


def test_a_contract_survives_its_json_with_its_hash() -> None:
    contract = learn_contract([an_ad(f"a{i}", surface="feed") for i in range(5)])
    back = FeatureContract.from_json(contract.to_json())
    assert back == contract
    assert back.hash == contract.hash
    assert back.difference(contract) == []
    check(back)


def test_the_hash_is_pinned_so_that_a_change_of_form_is_noticed() -> None:
    form = '{"features":"2","levels":{"surface":["feed","search"]},"ngrams":{"word":[1,2]},"normaliser":"3",'
    assert small().to_json() == form + '"per_policy":["advertiser_labels"],"shared":["emoji","surface"]}'
    assert small().hash == "f39c87c7852551e74d1db62f12eb39f680c1571e94e51266d5a0fd729e25461d"


def test_levels_are_the_values_of_at_least_five_ads_sorted() -> None:
    ads = [an_ad(f"a{i}", surface=surface) for i, surface in enumerate(["search"] * 5 + ["feed"] * 6 + ["rare"] * 4)]
    contract = learn_contract(ads)
    assert contract.levels["surface"] == ("feed", "search")
    assert contract.levels["language"] == ()
    assert contract.kinds["surface"] == "category"
    assert contract.kinds["emoji"] == "number"
    assert [contract.level("surface", index) for index in (0.0, 1.0, 2.0, float("nan"))] == ["feed", "search", None, None]


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (small(normaliser="0"), "text normaliser: version 0 there and 3 here"),
        (small(features="0"), "features: version 0 there and 2 here"),
        (small(shared=("emoji",), levels={}), "feature `surface`: is missing there"),
        (small(shared=("emoji", "surface", "smell")), "feature `smell`: is missing here"),
        (small(shared=("surface", "emoji")), "features of an ad: in another order from number 1 on"),
        (small(per_policy=()), "feature `advertiser_labels`: is missing there"),
        (small(levels={"surface": ("feed", "kids", "search")}), "category `surface`: level 'kids' is missing here"),
        (small(levels={"surface": ("feed",)}), "category `surface`: level 'search' is missing there"),
        (small(levels={"surface": ("search", "feed")}), "category `surface`: its levels are in another order"),
        (small(levels={}), "category `surface`: is not one there"),
        (small(ngrams={"word": [1, 3]}), "n-grams: word is [1, 3] there and [1, 2] here"),
    ],
)
def test_a_difference_is_told_in_words_and_changes_the_hash(other: FeatureContract, words: str) -> None:
    assert words in small().difference(other)
    assert other.hash != small().hash


def test_a_contract_of_other_features_is_refused_with_every_difference() -> None:
    ours = installed(learn_contract([]).levels)
    theirs = replace(ours, shared=(*ours.shared[1:], "smell"), normaliser="0", levels={**ours.levels, "smell": ("sweet",)})
    with pytest.raises(ContractMismatch) as refused:
        check(theirs)
    for words in (
        "version 0 there",
        f"`{ours.shared[0]}`: is missing there",
        "`smell`: is missing here",
        "category `smell`: is not one here",
    ):
        assert words in str(refused.value)


@pytest.mark.parametrize("text", ["", "[]", "{}", "null", json.dumps({**json.loads(small().to_json()), "shared": "emoji"}), "[" * 100_000])
def test_what_is_no_contract_is_refused(text: str) -> None:
    with pytest.raises(ContractMismatch, match="not a feature contract"):
        FeatureContract.from_json(text)


def test_a_model_that_learnt_before_the_last_features_reads_those_before_them() -> None:
    ads = [an_ad(ad_id=str(number), surface="feed") for number in range(6)]
    now = learn_contract(ads)
    then = replace(now, shared=now.shared[: -len(CAME_LATER)])
    check(then)
    state = HistoryState()
    state.observe_ads(ads)
    counts = state.counts(ads, ("deceptive",))
    old, new = feature_table(ads, counts, then), feature_table(ads, counts, now)
    assert old.shared.shape[1] == len(then.shared)
    np.testing.assert_array_equal(old.shared, new.shared[:, : len(then.shared)])
    with pytest.raises(ContractMismatch, match="advertiser_surfaces"):
        check(replace(now, shared=now.shared[:-1]))
