"""What the history features say, in cases."""

from __future__ import annotations

from datetime import timedelta
from math import isnan

import numpy as np
import pytest

from adverdict.domain.ad import Ad, Label
from adverdict.domain.errors import InvalidInput
from adverdict.features.history.asof import counts_asof
from adverdict.features.history.counts import ENTITY_PRIOR, MARKET_PRIOR, PER_POLICY, SHARED, HistoryCounts, all_at_once, without_labels
from adverdict.features.history.entities import domain_key
from adverdict.features.history.state import HistoryState
from tests.features.history.worlds import POLICIES, START, a_label, an_ad, difference

TICK = timedelta(microseconds=1)


def days(number: float) -> timedelta:
    return timedelta(days=number)


@pytest.mark.parametrize(
    ("before", "day", "week", "month", "ever"),
    [
        (-TICK, 0, 0, 0, 0),
        (timedelta(0), 0, 0, 0, 0),
        (TICK, 1, 1, 1, 1),
        (days(1), 1, 1, 1, 1),
        (days(1) + TICK, 0, 1, 1, 1),
        (days(7), 0, 1, 1, 1),
        (days(7) + TICK, 0, 0, 1, 1),
        (days(28), 0, 0, 1, 1),
        (days(28) + TICK, 0, 0, 0, 1),
        (days(36500), 0, 0, 0, 1),
    ],
)
def test_a_window_holds_its_first_instant_and_not_its_last(before: timedelta, day: int, week: int, month: int, ever: int) -> None:
    ad = an_ad("ad", START)
    counts = counted([an_ad("old", START - before)], [], ad)
    assert [shared(counts, f"advertiser_ads_{window}") for window in ("1d", "7d", "28d", "ever")] == [day, week, month, ever]


@pytest.mark.parametrize(("before", "known"), [(-TICK, 0), (timedelta(0), 0), (TICK, 1), (days(400), 1)])
def test_a_label_counts_strictly_after_it_was_given(before: timedelta, known: int) -> None:
    old = an_ad("old", START - days(500))
    counts = counted([old], [a_label("old", START - before)], an_ad("ad", START))
    assert PER_POLICY["advertiser_labels"](counts).tolist() == [[known, 0]]


def test_an_ad_does_not_count_itself_but_its_earlier_submission_and_known_labels_count() -> None:
    first, again = an_ad("ad", START), an_ad("ad", START + days(2))
    counts = counted([first, again], [a_label("ad", START + days(1))], first, again)
    assert SHARED["advertiser_ads_ever"](counts).tolist() == [0, 1]
    assert SHARED["advertiser_labels_any"](counts).tolist() == [0, 1]


def test_days_since_are_in_days_and_nan_for_somebody_new() -> None:
    counts = counted(
        [an_ad("a", START - days(3)), an_ad("b", START - days(0.5))], [], an_ad("ad", START), an_ad("x", START, advertiser_id="new")
    )
    np.testing.assert_array_equal(SHARED["advertiser_days_since_first_seen"](counts), [3, np.nan])
    np.testing.assert_array_equal(SHARED["advertiser_days_since_last_ad"](counts), [0.5, np.nan])


@pytest.mark.parametrize("missing", ["creative", "domain"])
def test_features_of_a_creative_or_domain_the_ad_does_not_state_are_nan(missing: str) -> None:
    counts = counted([an_ad("old", START - days(1))], [a_label("old", START - days(1))], an_ad("ad", START))
    for name, feature in (SHARED | PER_POLICY).items():
        if name.startswith(missing):
            assert np.isnan(feature(counts)).all(), name


def test_a_creative_found_violating_for_somebody_else_is_told() -> None:
    old = [an_ad(name, START - days(2), advertiser_id="other", creative_id=name) for name in ("bad", "good")]
    labels = [a_label("bad", START - days(1)), a_label("good", START - days(1), violates=False)]
    counts = counted(old, labels, *(an_ad("ad", START, creative_id=creative) for creative in ("bad", "good", "new", None)))
    np.testing.assert_array_equal(SHARED["creative_rejected_before"](counts), [1, 0, 0, np.nan])
    np.testing.assert_array_equal(SHARED["creative_advertisers"](counts), [1, 1, 0, np.nan])


def test_distinct_things_are_counted_once() -> None:
    old = [
        an_ad(str(i), START - days(9 - i), market=market, landing_domain=domain)
        for i, (market, domain) in enumerate([("SE", "a.example"), ("DE", "A.example"), ("SE", None), ("SE", "b.example")])
    ]
    counts = counted(old, [], an_ad("ad", START, landing_domain="a.example"))
    names = ("advertiser_markets", "advertiser_domains", "domain_advertisers", "domain_ads_ever")
    assert [shared(counts, name) for name in names] == [2, 2, 1, 2]


def test_rates_start_at_the_market_and_move_with_the_labels() -> None:
    """The market has 3 labels, 2 violating; the advertiser 2, both violating."""
    old = [an_ad("a", START - days(9)), an_ad("b", START - days(9)), an_ad("c", START - days(9), advertiser_id="other")]
    labels = [a_label(name, START - days(1), violates=name != "c") for name in "abc"]
    counts = counted(old, labels, an_ad("ad", START), an_ad("x", START, advertiser_id="new"), an_ad("y", START, market="DE"))
    k, n = MARKET_PRIOR
    market = (2 + k) / (3 + n)
    expected = [(2 + ENTITY_PRIOR * market) / (2 + ENTITY_PRIOR), market, (2 + ENTITY_PRIOR * k / n) / (2 + ENTITY_PRIOR)]
    np.testing.assert_allclose(PER_POLICY["market_violation_rate"](counts)[:, 0], [market, market, k / n])
    np.testing.assert_allclose(PER_POLICY["advertiser_violation_rate"](counts)[:, 0], expected)
    np.testing.assert_allclose(SHARED["advertiser_violation_rate_any"](counts), expected)
    np.testing.assert_allclose(
        PER_POLICY["advertiser_violation_rate"](counts)[:, 1], k / n, err_msg="nothing is known under the other policy"
    )


def test_every_rater_counts() -> None:
    labels = [a_label("old", START - days(1), violates) for violates in (True, False, True)]
    counts = counted([an_ad("old", START - days(2))], labels, an_ad("ad", START))
    assert (counts.advertiser.labels[0, 0], counts.advertiser.violations[0, 0]) == (3, 2)


def test_an_edit_does_not_move_earlier_labels_to_what_the_ad_became() -> None:
    before, after = an_ad("ad", START - days(9), creative_id="old"), an_ad("ad", START - days(5), creative_id="new")
    labels = [a_label("ad", START - days(7)), a_label("ad", START - days(3))]
    counts = counted([after, before], labels, an_ad("x", START, creative_id="old"), an_ad("y", START, creative_id="new"))
    assert SHARED["creative_labels_any"](counts).tolist() == [1, 1]


def test_feature_shapes_are_by_ad_and_by_policy_even_for_no_ads() -> None:
    for n in (0, 1, 3):
        counts = counted([], [], *(an_ad("ad", START) for _ in range(n)))
        assert {feature(counts).shape for feature in SHARED.values()} == {(n,)}
        assert {feature(counts).shape for feature in PER_POLICY.values()} == {(n, len(POLICIES))}
        assert {feature(counts).dtype for feature in (SHARED | PER_POLICY).values()} == {np.dtype(np.float64)}


def test_a_feature_is_called_what_its_function_is_called() -> None:
    assert all(name == feature.__name__ for name, feature in (SHARED | PER_POLICY).items())
    assert not set(SHARED) & set(PER_POLICY)


@pytest.mark.parametrize(("rows", "blank"), [(None, [0, 1]), ([1], [1]), (np.array([True, False]), [0]), ([], [])])
def test_without_labels_forgets_all_but_the_markets_labels(rows: object, blank: list[int]) -> None:
    old = an_ad("old", START - days(2), creative_id="c", landing_domain="a.example")
    asked = [an_ad(name, START, creative_id="c", landing_domain="a.example") for name in "xy"]
    counts = counted([old], [a_label("old", START - days(1))], *asked)
    forgotten = without_labels(counts, rows)  # type: ignore[arg-type]
    nothing_known = counted([old], [], *asked)
    for kind in ("advertiser", "creative", "domain"):
        for row in (0, 1):
            expected = nothing_known if row in blank else counts
            assert difference(getattr(forgotten, kind).take([row]), getattr(expected, kind).take([row])) == []
    assert difference(forgotten.market, counts.market) == []
    assert counts.creative.labels_any.tolist() == [1, 1], "the counts given are not changed"


@pytest.mark.parametrize(
    ("stated", "key"),
    [("Shop.Example", "shop.example"), (" shop.example. ", "shop.example"), ("shop.example", "shop.example"), (".", None), (None, None)],
)
def test_spellings_of_a_domain_are_one_domain(stated: str | None, key: str | None) -> None:
    assert domain_key(stated) == key


def test_labels_about_unknown_ads_are_all_named_and_nothing_is_observed() -> None:
    known, labels = an_ad("known", START), [a_label(name, START) for name in ("ghost", "known", "phantom")]
    state = HistoryState()
    for refuse in (
        lambda: counts_asof([known], [known], labels, POLICIES),
        lambda: state.observe([known], labels),
        lambda: state.observe_labels(labels, {"known": known}),
    ):
        with pytest.raises(InvalidInput, match=r"label 0: ad_id = 'ghost'.*\n.*label 2: ad_id = 'phantom'"):
            refuse()
    assert state == HistoryState()


def counted(known: list[Ad], labels: list[Label], *ads: Ad) -> HistoryCounts:
    """By both ways of counting, which must agree."""
    state = HistoryState()
    state.observe(known, labels)
    counts = state.counts(ads, POLICIES)
    assert difference(counts, counts_asof(ads, known, labels, POLICIES)) == []
    return counts


def shared(counts: HistoryCounts, name: str) -> float:
    (value,) = SHARED[name](counts).tolist()
    assert not isnan(value)
    return float(value)


def test_all_features_at_once_are_those_of_the_functions_in_every_digit() -> None:
    ads = [
        an_ad("a", START),
        an_ad("b", START + days(1), landing_domain="x.example", creative_id="c1"),
        an_ad("c", START + days(9), landing_domain="X.example", creative_id="c1", market="BR"),
        an_ad("d", START + days(40), landing_domain="y.example"),
    ]
    state = HistoryState()
    later = [*enumerate((*POLICIES, "other"), 2)]
    state.observe(ads, [a_label(ad, START + days(number), ad != "b", policy) for ad in "abc" for number, policy in later])
    for some in (ads, ads[2:3], []):
        counts = state.counts(some, POLICIES)
        ours, under_policy = all_at_once(counts)
        np.testing.assert_array_equal(ours, np.column_stack([feature(counts) for feature in SHARED.values()]))
        np.testing.assert_array_equal(under_policy, np.stack([feature(counts) for feature in PER_POLICY.values()], axis=2))
