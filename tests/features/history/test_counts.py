"""What the history features say, in cases."""

from __future__ import annotations

from datetime import timedelta
from math import isnan

import numpy as np
import pytest

from adverdict.domain.ad import Ad, Label
from adverdict.domain.errors import InvalidInput
from adverdict.features.history.asof import counts_asof
from adverdict.features.history.counts import (
    ENTITY_PRIOR,
    MARKET_PRIOR,
    PER_POLICY,
    SHARED,
    Floats,
    HistoryCounts,
    _days_since,
    history_features,
    without_labels,
)
from adverdict.features.history.entities import domain_key
from adverdict.features.history.known import DAY
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
        (days(13000), 0, 0, 0, 1),
    ],
)
def test_a_window_holds_its_first_instant_and_not_its_last(before: timedelta, day: int, week: int, month: int, ever: int) -> None:
    ad = an_ad("ad", START)
    counts = counted([an_ad("old", START - before)], [], ad)
    assert [told(counts, f"advertiser_ads_{window}") for window in ("1d", "7d", "28d", "ever")] == [day, week, month, ever]


def test_what_happened_before_1970_has_happened() -> None:
    assert _days_since(np.array([DAY]), np.array([-DAY])).tolist() == [2.0]


@pytest.mark.parametrize(("before", "known"), [(-TICK, 0), (timedelta(0), 0), (TICK, 1), (days(400), 1)])
def test_a_label_counts_strictly_after_it_was_given(before: timedelta, known: int) -> None:
    old = an_ad("old", START - days(500))
    counts = counted([old], [a_label("old", START - before)], an_ad("ad", START))
    assert feature(counts, "advertiser_labels").tolist() == [[known, 0]]


def test_an_ad_does_not_count_itself_but_its_earlier_submission_and_known_labels_count() -> None:
    first, again = an_ad("ad", START), an_ad("ad", START + days(2))
    counts = counted([first, again], [a_label("ad", START + days(1))], first, again)
    assert feature(counts, "advertiser_ads_ever").tolist() == [0, 1]
    assert feature(counts, "advertiser_labels_any").tolist() == [0, 1]


def test_days_since_are_in_days_and_nan_for_somebody_new() -> None:
    counts = counted(
        [an_ad("a", START - days(3)), an_ad("b", START - days(0.5))], [], an_ad("ad", START), an_ad("x", START, advertiser_id="new")
    )
    np.testing.assert_array_equal(feature(counts, "advertiser_days_since_first_seen"), [3, np.nan])
    np.testing.assert_array_equal(feature(counts, "advertiser_days_since_last_ad"), [0.5, np.nan])


@pytest.mark.parametrize("missing", ["creative", "domain"])
def test_features_of_a_creative_or_domain_the_ad_does_not_state_are_nan(missing: str) -> None:
    counts = counted([an_ad("old", START - days(1))], [a_label("old", START - days(1))], an_ad("ad", START))
    for name in (*SHARED, *PER_POLICY):
        if name.startswith(missing):
            assert np.isnan(feature(counts, name)).all(), name


def test_a_creative_found_violating_for_somebody_else_is_told() -> None:
    old = [an_ad(name, START - days(2), advertiser_id="other", creative_id=name) for name in ("bad", "good")]
    old.append(an_ad("again", START - days(2), advertiser_id="other", creative_id="bad"))
    labels = [a_label("bad", START - days(1)), a_label("again", START - days(1)), a_label("good", START - days(1), violates=False)]
    counts = counted(old, labels, *(an_ad("ad", START, creative_id=creative) for creative in ("bad", "good", "new", None)))
    np.testing.assert_array_equal(feature(counts, "creative_rejected_before"), [1, 0, 0, np.nan])
    np.testing.assert_array_equal(feature(counts, "creative_advertisers"), [1, 1, 0, np.nan])


def test_distinct_things_are_counted_once() -> None:
    old = [
        an_ad(str(i), START - days(9 - i), market=market, landing_domain=domain)
        for i, (market, domain) in enumerate([("SE", "a.example"), ("DE", "A.example"), ("SE", None), ("SE", "b.example")])
    ]
    counts = counted(old, [], an_ad("ad", START, landing_domain="a.example"))
    names = ("advertiser_markets", "advertiser_domains", "domain_advertisers", "domain_ads_ever")
    assert [told(counts, name) for name in names] == [2, 2, 1, 2]


def test_rates_start_at_the_market_and_move_with_the_labels() -> None:
    """The market has 3 labels, 2 violating; the advertiser 2, both violating."""
    old = [an_ad("a", START - days(9)), an_ad("b", START - days(9)), an_ad("c", START - days(9), advertiser_id="other")]
    labels = [a_label(name, START - days(1), violates=name != "c") for name in "abc"]
    counts = counted(old, labels, an_ad("ad", START), an_ad("x", START, advertiser_id="new"), an_ad("y", START, market="DE"))
    k, n = MARKET_PRIOR
    market = (2 + k) / (3 + n)
    expected = [(2 + ENTITY_PRIOR * market) / (2 + ENTITY_PRIOR), market, (2 + ENTITY_PRIOR * k / n) / (2 + ENTITY_PRIOR)]
    np.testing.assert_allclose(feature(counts, "market_violation_rate")[:, 0], [market, market, k / n])
    np.testing.assert_allclose(feature(counts, "advertiser_violation_rate")[:, 0], expected)
    np.testing.assert_allclose(feature(counts, "advertiser_violation_rate_any"), expected)
    np.testing.assert_allclose(feature(counts, "advertiser_violation_rate")[:, 1], k / n, err_msg="nothing is known under the other policy")


def test_every_rater_counts() -> None:
    labels = [a_label("old", START - days(1), violates, rater=f"rater-{number}") for number, violates in enumerate((True, False, True))]
    counts = counted([an_ad("old", START - days(2))], labels, an_ad("ad", START))
    assert (counts.advertiser.labels[0, 0], counts.advertiser.violations[0, 0]) == (3, 2)


def test_an_edit_does_not_move_earlier_labels_to_what_the_ad_became() -> None:
    before, after = an_ad("ad", START - days(9), creative_id="old"), an_ad("ad", START - days(5), creative_id="new")
    labels = [a_label("ad", START - days(7)), a_label("ad", START - days(3))]
    counts = counted([after, before], labels, an_ad("x", START, creative_id="old"), an_ad("y", START, creative_id="new"))
    assert feature(counts, "creative_labels_any").tolist() == [1, 1]


def test_feature_shapes_are_by_ad_and_by_policy_even_for_no_ads() -> None:
    for n in (0, 1, 3):
        counts = counted([], [], *(an_ad("ad", START) for _ in range(n)))
        shared, per_policy = history_features(counts)
        assert (shared.shape, shared.dtype) == ((n, len(SHARED)), np.float64)
        assert (per_policy.shape, per_policy.dtype) == ((n, len(POLICIES), len(PER_POLICY)), np.float64)


def test_a_name_stands_for_one_feature() -> None:
    assert len({*SHARED, *PER_POLICY}) == len(SHARED) + len(PER_POLICY)


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


def told(counts: HistoryCounts, name: str) -> float:
    (value,) = feature(counts, name).tolist()
    assert not isnan(value)
    return float(value)


def feature(counts: HistoryCounts, name: str) -> Floats:
    """One feature by its name: (n_ads,), or (n_ads, n_policies)."""
    shared, per_policy = history_features(counts)
    return shared[:, SHARED.index(name)] if name in SHARED else per_policy[:, :, PER_POLICY.index(name)]


def test_a_rater_counts_once_and_by_the_last_word() -> None:
    labels = [a_label("old", START - days(2 - number), violates, rater="eva") for number, violates in enumerate((True, False))]
    counts = counted([an_ad("old", START - days(3))], labels, an_ad("ad", START))
    assert (counts.advertiser.labels[0, 0], counts.advertiser.violations[0, 0]) == (1, 0)
