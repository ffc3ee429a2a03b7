"""Taking things back from the online state: retracted labels and forgotten advertisers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adverdict.domain.errors import InvalidInput
from adverdict.features.history.snapshot import to_table
from adverdict.features.history.state import HistoryState
from tests.features.history.worlds import START, World, a_label, an_ad, worlds


@given(worlds(), st.integers(0, 16))
def test_a_retracted_label_leaves_no_trace(world: World, cut: int) -> None:
    ads, labels = world
    about = {ad.ad_id: ad for ad in ads}
    kept, retracted = HistoryState(), HistoryState()
    for state, observed in ((kept, labels[:cut]), (retracted, labels)):
        state.observe_ads(ads)
        state.observe_labels(observed, about)
    retracted.retract_labels(labels[cut:], about)
    assert retracted == kept


def test_a_label_that_was_never_observed_cannot_be_retracted() -> None:
    state, ad = HistoryState(), an_ad("a", START)
    state.observe_labels([a_label("a", START)], {"a": ad})
    for wrong in (a_label("a", START, policy="gambling"), a_label("a", START.replace(hour=13))):
        with pytest.raises(ValueError, match="was observed"):
            state.retract_labels([wrong], {"a": ad})
    with pytest.raises(InvalidInput, match="unknown ads"):
        state.retract_labels([a_label("b", START)], {"a": ad})


@given(worlds())
def test_a_forgotten_advertiser_is_nowhere_in_the_state_and_the_others_pasts_stay(world: World) -> None:
    ads, labels = world
    about = {ad.ad_id: ad for ad in ads}
    state = HistoryState()
    state.observe_ads(ads)
    state.observe_labels(labels, about)
    before = to_table(state).to_pylist()
    state.forget("adv")
    left = to_table(state).to_pylist()
    assert not any(row["key"] == "adv" or "adv" in row["things"] for row in left)
    untouched = [row for row in before if row["key"] != "adv" and "adv" not in row["things"]]
    assert all(row in left for row in untouched)
