"""The online state, the vectorised history and the obvious one agree exactly, and none of them knows the future."""

from __future__ import annotations

import random
from datetime import datetime

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from adverdict.domain.ad import Ad, Label
from adverdict.domain.votes import votes
from adverdict.features.history.asof import counts_asof
from adverdict.features.history.counts import history_features
from adverdict.features.history.entities import one_row_a_version, rows_of_labels
from adverdict.features.history.state import HistoryState
from tests.features.history.worlds import POLICIES, World, difference, moments, slow_counts, worlds


@given(worlds(), worlds())
def test_offline_and_online_counts_equal_the_obvious_ones(world: World, others: World) -> None:
    ads, labels = world
    asked = [*ads, *others[0]]
    expected = slow_counts(asked, ads, labels, POLICIES)
    assert difference(counts_asof(asked, ads, labels, POLICIES), expected) == []
    assert difference(observed(world).counts(asked, POLICIES), expected) == []


@given(worlds())
def test_counts_of_the_known_ads_themselves_do_not_depend_on_passing_one_list_or_two(world: World) -> None:
    ads, labels = world
    assert difference(counts_asof(ads, ads, labels, POLICIES), counts_asof(list(ads), ads, labels, POLICIES)) == []


@given(worlds())
def test_equal_counts_give_bit_equal_features(world: World) -> None:
    ads, labels = world
    offline, online = counts_asof(ads, ads, labels, POLICIES), observed(world).counts(ads, POLICIES)
    for ours, theirs in zip(history_features(offline), history_features(online), strict=True):
        assert ours.tobytes() == theirs.tobytes()


@given(worlds(), st.randoms(use_true_random=False))
def test_the_order_and_the_batches_of_observation_do_not_matter(world: World, chance: random.Random) -> None:
    ads, labels = world
    rows = rows_of_labels(labels, ads)
    labelled = [(labels[vote], ads[rows[vote]]) for vote in votes(labels, one_row_a_version(rows, ads))]
    events: list[Ad | tuple[Label, Ad]] = [*ads, *labelled]
    chance.shuffle(events)
    state = HistoryState()
    while events:
        batch = [events.pop() for _ in range(min(len(events), chance.randint(1, 3)))]
        state.observe_ads(event for event in batch if isinstance(event, Ad))
        for label, ad in (event for event in batch if isinstance(event, tuple)):
            state.observe_labels([label], {ad.ad_id: ad})
    assert state == observed(world)
    assert difference(state.counts(ads, POLICIES), observed(world).counts(ads, POLICIES)) == []


@given(worlds(), st.randoms(use_true_random=False))
def test_shuffled_tables_give_the_same_counts(world: World, chance: random.Random) -> None:
    ads, labels = world
    shuffled, other_labels = chance.sample(ads, len(ads)), chance.sample(labels, len(labels))
    assert difference(counts_asof(ads, shuffled, other_labels, POLICIES), counts_asof(ads, ads, labels, POLICIES)) == []


@given(worlds(), worlds(), moments)
def test_events_at_or_after_a_moment_change_nothing_for_ads_up_to_it(world: World, later: World, moment: datetime) -> None:
    """Labels before the first version of their ad are left out: only a mistake in the data can know of an ad not yet submitted. And so are
    later words of raters who had spoken before: what they take back is, as after an overturned appeal, as if it had never been said."""
    ads = [ad for ad in world[0] if ad.submitted_at < moment]
    born = {ad.ad_id: min(other.submitted_at for other in ads if other.ad_id == ad.ad_id) for ad in ads}
    labels = [label for label in world[1] if label.ad_id in born and born[label.ad_id] <= label.labelled_at < moment]
    more_ads = [ad for ad in (*world[0], *later[0]) if ad.submitted_at >= moment]
    known = {ad.ad_id for ad in (*ads, *more_ads)}
    more_labels = [
        label.model_copy(update={"rater_id": label.rater_id and f"{label.rater_id} later"})
        for label in (*world[1], *later[1])
        if label.labelled_at >= moment and label.ad_id in known
    ]
    asked = [ad for ad in (*world[0], *later[0]) if ad.submitted_at <= moment]
    expected = counts_asof(asked, ads, labels, POLICIES)
    assert difference(counts_asof(asked, [*more_ads, *ads], [*more_labels, *labels], POLICIES), expected) == []
    assert difference(observed(([*ads, *more_ads], [*labels, *more_labels])).counts(asked, POLICIES), expected) == []


@given(worlds())
def test_totals_over_all_policies_do_not_depend_on_the_policies_asked_for(world: World) -> None:
    ads, labels = world
    none, repeated = counts_asof(ads, ads, labels, ()), counts_asof(ads, ads, labels, ("deceptive", "deceptive"))
    assert none.advertiser.labels.shape == (len(ads), 0)
    assert np.array_equal(none.market.labels_any, repeated.market.labels_any)
    assert np.array_equal(repeated.domain.labels[:, 0], repeated.domain.labels[:, 1])
    assert difference(observed(world).counts(ads, ()), none) == []


@given(worlds())
def test_counts_of_one_ad_are_its_row_of_the_counts_of_many(world: World) -> None:
    ads, _ = world
    state = observed(world)
    for row, ad in enumerate(ads):
        assert difference(state.counts([ad], POLICIES), state.counts(ads, POLICIES).take([row])) == []


def observed(world: World) -> HistoryState:
    state = HistoryState()
    state.observe(*world)
    return state
