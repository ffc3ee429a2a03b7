"""The benchmark of training tells apart what it is there to tell apart, and says so when bundles differ."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from adverdict.benchmarks import train as benchmark
from adverdict.benchmarks.train import COLD, GROWN, NEW_SHARE, SAME, Stages, TrainBenchmark, compared, run
from adverdict.cli.benchmark.train import show
from adverdict.cli.console import out as console
from adverdict.domain.errors import InvalidSettings
from adverdict.domain.progress import Silent
from adverdict.storage.tables.pack import read_pack, write_ads, write_labels
from tests.golden import Golden


def one(seconds: float, files: dict[str, str], **stages: float) -> dict[str, Any]:
    return {
        "seconds": seconds,
        "cpu_seconds": 2 * seconds,
        "ads": 1000,
        "ads_per_s": 1000 / seconds,
        "stages": {name.replace("_", " "): {"seconds": value, "cpu_seconds": 2 * value} for name, value in stages.items()},
        "cache_bytes_before": 0,
        "cache_bytes": 3 * 2**20,
        "peak_mib": 512.0,
        "warnings": [],
        "files": files,
    }


def test_ratios_are_of_the_training_from_nothing_and_equal_bundles_are_equal_in_every_file() -> None:
    trainings = {COLD: one(30.0, {"a": "1"}), SAME: one(10.0, {"a": "1"})}
    assert compared(trainings) == {"cold_over_same_ads": 3.0, "cold_over_same_ads_cpu": 3.0, "identical": True}
    trainings[GROWN] = one(15.0, {"a": "2"})
    assert compared(trainings)["cold_over_new_ads"] == 2.0
    assert not compared(trainings)["identical"]


def test_seconds_are_counted_once_and_under_the_stage_they_were_spent_in() -> None:
    stages = Stages()
    for name in ("features", "LightGBM", "features"):
        stages.stage(name, 1)
    stages.end()
    assert list(stages.found) == ["start", "features", "LightGBM"]
    assert all(one["seconds"] >= 0 for one in stages.found.values())


@pytest.mark.parametrize("identical", [True, False])
def test_a_person_reads_stage_by_stage_what_was_saved(identical: bool, golden: Golden) -> None:
    same = {"bundle": "1"}
    trainings = {
        COLD: one(40.0, same, features=4.0, encoder=30.0, MLflow=6.0),
        SAME: one(10.0, same, features=0.1, MLflow=6.0),
        GROWN: one(12.0, same if identical else {"bundle": "2"}, features=0.3, encoder=1.5, MLflow=6.0),
    }
    with console.capture() as capture:
        show({"trainings": trainings, "notes": benchmark.NOTES, **compared(trainings)})
    said = "\n".join(line.rstrip() for line in capture.get().splitlines()) + "\n"
    golden.check("train.txt" if identical else "train-differing.txt", said)


def test_data_that_is_not_there_is_refused_before_anything_is_measured(tmp_path: Path) -> None:
    with pytest.raises(InvalidSettings, match="nothing was measured"):
        run(TrainBenchmark(data=tmp_path / "nowhere"), Silent(), lambda figures: None)


@pytest.mark.slow  # in seconds: tests/training/test_caches.py, that a bundle is the same with the cache cold, warm and partly filled
def test_each_training_finds_in_the_cache_what_its_name_says(marketplace: Path, tmp_path: Path) -> None:
    pack = read_pack(marketplace)
    ads = pack.ads[:1500]
    ids = {ad.ad_id for ad in ads}
    write_ads(tmp_path / "ads.parquet", ads)
    write_labels(tmp_path / "labels.parquet", [label for label in pack.labels if label.ad_id in ids and label.policy == "deceptive"])
    written: list[dict[str, Any]] = []
    figures = run(TrainBenchmark(data=tmp_path, encoder=None), Silent(), written.append)
    cold, same, grown = (figures["trainings"][name] for name in (COLD, SAME, GROWN))
    assert cold["cache_bytes_before"] == 0 < cold["cache_bytes"]
    assert same["cache_bytes_before"] == same["cache_bytes"] == cold["cache_bytes"]
    assert 0 < grown["cache_bytes_before"] < grown["cache_bytes"]
    kept = figures["kept_before_new_ads"]
    assert kept["ads"] == round(kept["of"] * (1 - NEW_SHARE))
    assert figures["identical"]
    assert same["stages"]["features"]["cpu_seconds"] < cold["stages"]["features"]["cpu_seconds"]
    assert len(written) == 3
