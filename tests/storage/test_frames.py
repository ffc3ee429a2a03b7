"""A pandas frame is held to the same contract as every other door."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from adverdict.domain.errors import InvalidTable
from adverdict.storage.tables.frames import ads_from_frame

GOOD = {"ad_id": "a1", "advertiser_id": "v1", "market": "SE", "submitted_at": pd.Timestamp("2026-01-02", tz="UTC"), "title": "Hello"}


def test_missing_values_of_every_kind_are_missing() -> None:
    row = {**GOOD, "body": None, "impressions": np.nan, "advertiser_created_at": pd.NaT, "advertiser_verified": pd.NA}
    ad = ads_from_frame(pd.DataFrame([row]))[0]
    assert (ad.body, ad.impressions, ad.advertiser_created_at, ad.advertiser_verified) == (None, None, None, None)
    assert ad.submitted_at == datetime(2026, 1, 2, tzinfo=UTC)


def test_lists_may_be_arrays_and_unknown_columns_are_left_out() -> None:
    ad = ads_from_frame(pd.DataFrame([{**GOOD, "keywords": np.array(["a", "b"]), "colour": "red"}]))[0]
    assert ad.keywords == ["a", "b"]


def test_every_mistake_is_told_with_its_row() -> None:
    frame = pd.DataFrame([GOOD, {**GOOD, "market": "Sweden"}, {**GOOD, "impressions": -1.0, "ad_id": ""}])
    with pytest.raises(InvalidTable) as caught:
        ads_from_frame(frame)
    assert {(mistake.where, mistake.field) for mistake in caught.value.mistakes} == {
        ("frame row 2", "market"),
        ("frame row 3", "impressions"),
        ("frame row 3", "ad_id"),
    }


def test_a_frame_without_a_required_column_is_refused() -> None:
    with pytest.raises(InvalidTable, match="market"):
        ads_from_frame(pd.DataFrame([{name: value for name, value in GOOD.items() if name != "market"}]))
