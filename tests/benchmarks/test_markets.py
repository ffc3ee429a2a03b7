"""Markets left out: the benchmark counts what it says it counts, and the market's own labels stay hidden until then."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from adverdict.benchmarks.truth.markets import SUGGESTED, UNCORRECTED, WAYS, LeftOut, false_negative_ratio, measured, run
from adverdict.certification.markets.onboarding import Onboarding
from adverdict.decisions.policy import Targets, Thresholds
from adverdict.domain.errors import InvalidSettings
from adverdict.domain.progress import Silent
from adverdict.storage.tables.pack import read_pack, write_ads, write_labels
from adverdict.training.fit.gbm import GbmSettings
from adverdict.training.fit.prepared import FitSettings

pytestmark = pytest.mark.slow

QUICK = FitSettings(encoder=None, gbm=GbmSettings(num_boost_round=10, learning_rate=0.2), n_folds=2)
TARGETS = Targets(0.05, 0.2, 0.95)


def _left_out(market: str, risk: list[float], violating: list[bool], suggested: Thresholds | None = None) -> LeftOut:
    found = Onboarding("p", market, TARGETS, (), len(risk), len(risk), 0, float(np.mean(risk)), suggested=suggested)
    return LeftOut(market, np.array(risk), np.array(violating), np.arange(len(risk)), Thresholds(0.3, 0.8), found)


def _pack(source: Path, folder: Path, markets: set[str]) -> Path:
    pack = read_pack(source)
    ads = [ad for ad in pack.ads if ad.market in markets]
    ids = {ad.ad_id for ad in ads}
    folder.mkdir()
    write_ads(folder / "ads.parquet", ads)
    write_labels(folder / "labels.parquet", [label for label in pack.labels if label.ad_id in ids])
    return folder


def test_missed_ads_are_the_violating_ones_below_the_threshold() -> None:
    one = _left_out("SE", [0.1, 0.2, 0.4, 0.9], [True, False, True, True])
    found = measured(one)
    assert (found["false_negatives"][UNCORRECTED]["k"], found["false_negatives"][UNCORRECTED]["n"]) == (1, 3)
    assert found["false_negatives"][SUGGESTED]["k"] == 0
    assert found["calibration_error"][UNCORRECTED]["mean"] == pytest.approx(0.4 - 0.75)
    assert found["suggested"] is None


def test_suggested_thresholds_are_judged_by_the_labels() -> None:
    one = _left_out("SE", [0.1, 0.2, 0.4, 0.9], [True, False, True, False], Thresholds(0.3, 0.8))
    found = measured(one)["suggested"]
    assert (found["leakage"]["k"], found["leakage"]["n"]) == (1, 2)
    assert (found["wrongful_rejection"]["k"], found["wrongful_rejection"]["n"]) == (1, 1)
    assert found["decided"]["k"] == 3


def test_the_ratio_compares_the_worst_market_with_the_best() -> None:
    half = _left_out("SE", [0.1] * 10 + [0.9] * 10, [True] * 20)
    none = _left_out("DE", [0.9] * 20, [True] * 20)
    found = false_negative_ratio([half, none], UNCORRECTED)
    assert found["ratio"] == pytest.approx(10.5 / 0.5)
    assert found["interval"][0] < 21 < found["interval"][1]


def test_a_single_market_cannot_be_left_out(marketplace: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidSettings, match="at least two markets"):
        run([_pack(marketplace, tmp_path / "us", {"US"})], ["deceptive"], TARGETS, QUICK, Silent())


def test_each_market_is_left_out_and_measured_on_its_own_labels(marketplace: Path, tmp_path: Path) -> None:
    folder = _pack(marketplace, tmp_path / "three", {"US", "GB", "BR"})
    pack = read_pack(folder)
    labelled = {label.ad_id for label in pack.labels if label.policy == "deceptive"}
    found = run([folder], ["deceptive"], TARGETS, QUICK, Silent())["policies"]["deceptive"]
    assert set(found["markets"]) == {"US", "GB", "BR"}
    for market, one in found["markets"].items():
        assert one["ads"] == sum(ad.market == market and ad.ad_id in labelled for ad in pack.ads)
        assert one["rate"] == pytest.approx(one["violating"] / one["ads"])
    assert found["summary"]["markets"] == 3
    assert set(found["summary"]["mean_absolute_error"]) == set(WAYS)
