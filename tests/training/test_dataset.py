"""Labels become targets without inventing any, and nobody sits on two sides of a split."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from adverdict.domain.errors import InvalidInput
from adverdict.training.dataset import Dataset, dataset
from adverdict.training.fit.splits import by_advertiser, development_and_test, in_order, some_advertisers, without_markets
from adverdict.training.fit.trainable import MIN_EACH, trainable
from tests.training.data import ad, label, pack, said


def test_a_target_is_the_mean_of_the_raters_and_a_missing_label_stays_missing() -> None:
    data = dataset([pack([ad(1), ad(2), ad(3)], [label(1, "adult", True), label(1, "adult", False, "r2"), label(2, "gambling", True)])])
    assert data.policies == ("adult", "gambling")
    np.testing.assert_array_equal(data.targets, [[0.5, np.nan], [np.nan, 1.0]])
    assert [one.ad_id for one in data.others] == ["ad-3"]


def test_packs_stay_strangers_to_each_others_policies() -> None:
    data = dataset([pack([ad(1)], said({1: True}, "adult"), "one"), pack([ad(2)], said({2: True}, "gambling"), "two")])
    assert np.isnan(data.targets).sum() == 2


def test_one_ad_in_two_packs_is_refused() -> None:
    with pytest.raises(InvalidInput, match="ad-1"):
        dataset([pack([ad(1)], said({1: True}), "one"), pack([ad(1)], said({1: True}), "two")])


def test_a_policy_nobody_labelled_is_refused_with_those_that_are() -> None:
    with pytest.raises(InvalidInput, match=r"gamblin'; expected one of gambling"):
        dataset([pack([ad(1)], said({1: True}))], ["gamblin"])


def test_no_label_at_all_is_refused() -> None:
    with pytest.raises(InvalidInput, match="at least one label"):
        dataset([pack([ad(1)], [])])


def test_a_part_keeps_only_its_own_labels() -> None:
    data = dataset([pack([ad(1), ad(2)], said({1: True, 2: False}))])
    part = data.part(np.array([1]))
    assert [one.ad_id for one in part.labels] == ["ad-2"]
    assert {one.ad_id for one in part.known_ads} == {"ad-1", "ad-2"}


def test_ads_sharing_an_advertiser_or_a_creative_even_through_others_are_one_group() -> None:
    ads = [
        ad(1, "a", creative_id="x"),
        ad(2, "b", creative_id="x"),
        ad(3, "b", creative_id="y"),
        ad(4, "c", creative_id="y"),
        ad(5, "d", creative_id="z"),
    ]
    groups = dataset([pack(ads, said(dict.fromkeys(range(1, 6), True)))]).groups
    assert len(set(groups[:4])) == 1
    assert groups[4] != groups[0]


def _random(numbers: list[tuple[int, int, bool]]) -> Dataset:
    ads = [ad(i, f"adv-{a}", creative_id=f"cr-{c}") for i, (a, c, _) in enumerate(numbers)]
    return dataset([pack(ads, said({i: violates for i, (_, _, violates) in enumerate(numbers)}))])


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 60), st.booleans()), min_size=40, max_size=80))
def test_no_split_shares_an_advertiser_or_a_creative(numbers: list[tuple[int, int, bool]]) -> None:
    data = _random(numbers)
    assume(len(set(data.groups)) >= 5 and MIN_EACH <= data.positives[0] <= len(data.ads) - MIN_EACH)  # as ``trainable`` makes sure
    splits = [(train, held) for _, train, held in by_advertiser(data, 3, seed=0)] + [development_and_test(data, 0.25, seed=0)]
    for train, held in splits:
        for name in ("advertiser_id", "creative_id"):
            assert not {getattr(data.ads[i], name) for i in train} & {getattr(data.ads[i], name) for i in held}


@given(st.lists(st.integers(0, 20), max_size=60), st.integers(0, 70), st.integers(0, 5))
def test_some_advertisers_are_whole_and_no_more_ads_than_asked_for(owners: list[int], most: int, seed: int) -> None:
    groups = [str(owner) for owner in owners]
    rows = some_advertisers(groups, most, seed)
    drawn = {groups[row] for row in rows}
    assert len(rows) <= max(most, 0)
    assert rows.tolist() == [row for row, group in enumerate(groups) if group in drawn]
    if len(groups) <= most:
        assert len(rows) == len(groups)


def test_a_market_left_out_takes_its_advertisers_with_it() -> None:
    ads = [ad(1, "a", "US"), ad(2, "a", "SE"), ad(3, "b", "SE"), ad(4, "c", "US")]
    train, held = without_markets(dataset([pack(ads, said({1: True, 2: False, 3: True, 4: False}))]), frozenset({"US"}))
    assert (train.tolist(), held.tolist()) == ([2], [0, 3])


def test_in_order_trains_on_the_first_and_holds_out_later_unseen_creatives() -> None:
    ads = [ad(n, creative_id=f"c{n % 8}") for n in range(10)]
    train, held = in_order(dataset([pack(ads, said({n: n % 2 == 0 for n in range(10)}))]))
    assert train.tolist() == list(range(7))
    assert held.tolist() == [7]


def test_a_policy_with_too_few_violations_is_not_trained_and_says_so() -> None:
    many = {n: n % 2 == 0 for n in range(4 * MIN_EACH)}
    labels = said(many, "gambling") + said({n: n == 0 for n in many}, "adult")
    kept, skipped = trainable(dataset([pack([ad(n) for n in many], labels)]))
    assert kept.policies == ("gambling",)
    assert skipped["adult"].startswith("1 violating")


def test_no_policy_left_is_refused() -> None:
    with pytest.raises(InvalidInput, match="at least 10"):
        trainable(dataset([pack([ad(1)], said({1: True}))]))
