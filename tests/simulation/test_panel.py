"""Simulated readers of a planned sample: three an ad, and what they say is nearly the truth."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from adverdict.simulation import write_marketplace
from adverdict.simulation.panel import READERS, Asked, read_sample
from adverdict.storage.tables.pack import read_pack


@pytest.fixture(scope="module")
def marketplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("panel") / "marketplace"
    write_marketplace(folder, 1500, 3)
    return folder


def everything(marketplace: Path) -> tuple[pl.DataFrame, list[Asked]]:
    truth = pl.read_parquet(marketplace / "truth" / "truth.parquet", columns=["ad_id", "policy", "violates"])
    return truth, [Asked(ad_id, policy, "sample-0123abcd-10", 0.25) for ad_id, policy, _ in truth.iter_rows()]


@pytest.mark.slow
def test_two_of_three_are_right_nearly_always_and_say_how_the_ad_was_drawn(marketplace: Path, tmp_path: Path) -> None:
    truth, asked = everything(marketplace)
    assert read_sample(marketplace, asked, tmp_path / "sample", 7) == READERS * len(asked)
    labels = read_pack(tmp_path / "sample").labels
    assert {(label.design, label.inclusion_probability) for label in labels} == {("sample-0123abcd-10", 0.25)}
    said = pl.DataFrame([(label.ad_id, label.policy, label.violates) for label in labels], schema=["ad_id", "policy", "says"], orient="row")
    majority = said.group_by("ad_id", "policy").agg(pl.col("says").mean() > 0.5).join(truth, on=["ad_id", "policy"])
    wrong = majority.filter(pl.col("says") != pl.col("violates"))
    assert len(wrong) < 0.01 * len(majority)
    assert len(wrong.filter(pl.col("violates"))) < 0.1 * len(majority.filter(pl.col("violates")))


def test_nobody_reads_an_ad_twice_or_under_a_policy_that_does_not_apply(marketplace: Path, tmp_path: Path) -> None:
    truth, asked = everything(marketplace)
    ad_id = truth["ad_id"][0]
    few = [one for one in asked if one.ad_id == ad_id] + [Asked(ad_id, "no_such_policy", "sample-0123abcd-10", 0.25)]
    read_sample(marketplace, few, tmp_path / "sample", 7)
    labels = pl.read_parquet(tmp_path / "sample" / "labels.parquet")
    assert set(labels["policy"]) == {one.policy for one in few} - {"no_such_policy"}
    assert labels.group_by("ad_id", "policy").agg(pl.col("rater_id").n_unique())["rater_id"].to_list() == [READERS] * (len(few) - 1)
