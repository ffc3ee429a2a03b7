"""Nothing that reads a pack's folder can come upon the truth."""

from __future__ import annotations

import pyarrow.parquet as pq

from adverdict.domain.ad import Ad, Label
from tests.simulation.conftest import Small


def test_the_pack_folder_holds_ads_and_labels_and_the_truth_lies_below(small: Small) -> None:
    assert sorted(path.name for path in small.folder.glob("*.*")) == ["ads.parquet", "labels.parquet"]
    below = sorted(path.name for path in (small.folder / "truth").iterdir())
    assert below == ["handling.parquet", "raters.parquet", "truth.parquet"]


def test_the_pack_has_only_columns_of_the_data_contract(small: Small) -> None:
    assert set(pq.read_schema(small.folder / "ads.parquet").names) <= set(Ad.model_fields)
    assert set(pq.read_schema(small.folder / "labels.parquet").names) <= set(Label.model_fields)


def test_no_word_of_the_truth_is_written_into_an_ad(small: Small) -> None:
    intents = {row["intent"] for row in small.truth}
    rings = {row["ring"] for row in small.truth if row["ring"]}
    written = {str(row[name]) for row in small.ads for name in ("ad_id", "advertiser_id", "creative_id", "creative_category")}
    assert intents == {"honest", "careless", "evasive", "ring"}
    assert not written & (intents | rings)


def test_identifiers_do_not_sort_by_intent(small: Small) -> None:
    """Ids handed out in an order that follows intent would give the label away."""
    intent = {row["ad_id"]: row["intent"] for row in small.truth}
    bad = {row["advertiser_id"]: intent[row["ad_id"]] in ("evasive", "ring") for row in small.ads}
    ordered = [bad[name] for name in sorted(bad)]
    half = len(ordered) // 2
    assert abs(sum(ordered[:half]) - sum(ordered[half:])) < 0.25 * len(ordered)
