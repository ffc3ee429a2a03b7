"""A frame, and whatever else a notebook holds ads in, is held to the same contract as every other door."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from adverdict.domain.ad import Ad
from adverdict.domain.errors import InvalidTable
from adverdict.storage.tables.frames import ads_from, ads_from_frame

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


ROWS = [
    {**GOOD, "submitted_at": "2026-01-02T00:00:00Z", "keywords": ["x"]},
    {**GOOD, "ad_id": "a2", "submitted_at": "2026-01-03T00:00:00Z"},
]
TWO = [Ad(**row) for row in ROWS]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param(TWO, TWO, id="ads"),
        pytest.param(ROWS, TWO, id="a list of dicts"),
        pytest.param(tuple(ROWS), TWO, id="a tuple of dicts"),
        pytest.param([TWO[0], ROWS[1]], TWO, id="ads and dicts"),
        pytest.param(np.array(ROWS, dtype=object), TWO, id="an array of dicts"),
        pytest.param(ROWS[0], TWO[:1], id="one dict"),
        pytest.param(pd.Series(ROWS[0]), TWO[:1], id="one Series"),
        pytest.param(pd.Series(ROWS), TWO, id="a Series of dicts"),
        pytest.param({name: [row.get(name) for row in ROWS] for name in ROWS[0]}, TWO, id="a dict of columns"),
        pytest.param({name: np.array([str(row[name]) for row in ROWS]) for name in GOOD}, None, id="a dict of arrays"),
        pytest.param(pd.DataFrame(ROWS), TWO, id="a pandas frame"),
        pytest.param(pd.DataFrame(ROWS, index=[7, 7]), TWO, id="a pandas frame whose index says nothing"),
        pytest.param(pl.DataFrame(ROWS), TWO, id="a Polars frame"),
        pytest.param(pl.LazyFrame(ROWS), TWO, id="a lazy Polars frame"),
        pytest.param(pl.DataFrame(ROWS).to_arrow(), TWO, id="an Arrow table"),
        pytest.param([], [], id="nothing"),
    ],
)
def test_ads_come_as_a_notebook_has_them(given: Any, expected: list[Ad] | None) -> None:
    assert [*ads_from(given)] == (expected if expected is not None else [ad.model_copy(update={"keywords": None}) for ad in TWO])


@pytest.mark.parametrize("given", ["models:/adverdict@champion", 7, None, ["a", "b"]], ids=repr)
def test_what_holds_no_ads_is_refused_by_its_kind(given: Any) -> None:
    with pytest.raises(InvalidTable, match="these are no ads") as caught:
        ads_from(given)
    assert caught.value.mistakes[0].value == type(given).__name__


@pytest.mark.parametrize("given", [[*ROWS, {"ad_id": "a3"}], pl.DataFrame([*ROWS, {"ad_id": "a3"}])], ids=["dicts", "Polars"])
def test_mistakes_in_rows_of_any_kind_are_told_with_their_place(given: Any) -> None:
    with pytest.raises(InvalidTable) as caught:
        ads_from(given)
    assert {"advertiser_id", "market", "submitted_at"} <= {mistake.field for mistake in caught.value.mistakes}
    assert all(mistake.where and mistake.where.endswith(" 3") for mistake in caught.value.mistakes)


def test_one_dict_with_mistakes_is_one_ad_whose_mistakes_are_told() -> None:
    with pytest.raises(InvalidTable, match="market"):
        ads_from({**ROWS[0], "market": "Sweden"})
