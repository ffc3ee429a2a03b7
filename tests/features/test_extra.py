"""Signals of plug-ins are features like ours: in the contract, in the table, in words, and refused by name where they are missing."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from adverdict.domain.ad import Ad
from adverdict.domain.errors import ContractMismatch, InvalidSettings
from adverdict.features.contract import FeatureContract, check, installed
from adverdict.features.extra import with_signals
from adverdict.features.history.state import HistoryState
from adverdict.features.phrases import phrase
from adverdict.features.table import feature_table
from tests.example_plugins import forget

BARE = installed(
    {
        "market": (),
        "surface": (),
        "language": (),
        "creative_format": (),
        "creative_category": (),
        "landing_suffix": (),
        "detected_language": (),
    }
)


def ad(title: str | None, **more: str) -> Ad:
    fields = {"ad_id": "a", "advertiser_id": "b", "market": "SE", "submitted_at": "2026-01-02T00:00:00Z", "landing_domain": "x.example"}
    return Ad.model_validate({**fields, "title": title, **more})


def test_without_signals_a_contract_is_what_it_was() -> None:
    assert "signals" not in BARE.to_json()
    assert with_signals(BARE, [], ()) == BARE


def test_a_signal_is_the_last_feature_and_survives_the_file(example: Path) -> None:
    contract = with_signals(BARE, [], ("price_claims",))
    assert contract.shared == (*BARE.shared, "price_claims")
    assert contract.built_in == BARE.shared
    again = FeatureContract.from_json(contract.to_json())
    assert (again, again.hash) == (contract, contract.hash)
    assert contract.hash != BARE.hash
    check(contract)


def test_its_values_stand_beside_ours_and_what_is_not_known_is_missing(example: Path) -> None:
    ads = [ad("5 kr and 7 kr"), ad(None)]
    contract = with_signals(BARE, ads, ("price_claims",))
    counts = HistoryState().counts(ads, ("deceptive",))
    table, plain = feature_table(ads, counts, contract), feature_table(ads, counts, BARE)
    np.testing.assert_array_equal(table.shared[:, :-1], plain.shared)
    assert table.shared[0, -1] == 2.0
    assert math.isnan(table.shared[1, -1])
    assert phrase("price_claims", 2.0) == "it names 2 prices or percentages"


def test_a_model_that_needs_a_signal_is_refused_by_its_name_where_it_is_not_installed(example_folder: Path) -> None:
    import sys

    sys.path.insert(0, str(example_folder))
    contract = with_signals(BARE, [], ("price_claims",))
    sys.path.remove(str(example_folder))
    forget()
    with pytest.raises(ContractMismatch, match="signal `price_claims`, of a plug-in: is not installed here"):
        check(contract)


def test_another_version_of_a_signal_is_another_signal(example: Path) -> None:
    contract = with_signals(BARE, [], ("price_claims",))
    other = FeatureContract.from_json(contract.to_json().replace('"price_claims":"1"', '"price_claims":"2"'))
    with pytest.raises(ContractMismatch, match="version 2 there and 1 here"):
        check(other)


def test_a_signal_nobody_offers_and_a_name_that_is_taken_are_refused(example: Path) -> None:
    with pytest.raises(InvalidSettings, match="--signal = 'nothing'"):
        with_signals(BARE, [], ("nothing",))
