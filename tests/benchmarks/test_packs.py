"""The nested benchmark: splits it knows, slices it was asked for, history it may see."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from adverdict.benchmarks.packs.run import Asked, run
from adverdict.domain.errors import InvalidSettings
from adverdict.domain.progress import Silent
from adverdict.training.fit.gbm import GbmSettings
from adverdict.training.fit.prepared import FitSettings
from adverdict.training.fit.vectors import VectorSettings

pytestmark = pytest.mark.slow

QUICK = FitSettings(encoder=None, gbm=GbmSettings(num_boost_round=10, learning_rate=0.2), n_folds=2)


@pytest.mark.parametrize("split", ["random", "without:", "without:XX", "without:US+GB+DE+SE+BR+IN+JP+EG+GR+BG"])
def test_a_split_it_does_not_know_is_refused_with_those_it_does(split: str, marketplace: Path) -> None:
    with pytest.raises(InvalidSettings, match=r"in-order, or without"):
        run([marketplace], Asked((split,), ("deceptive",)), QUICK, Silent())


def test_a_field_no_ad_has_is_refused(marketplace: Path) -> None:
    with pytest.raises(InvalidSettings, match="colour"):
        run([marketplace], Asked(by="colour"), QUICK, Silent())


@pytest.fixture(scope="module")
def blind(small_marketplace: Path) -> dict[str, Any]:
    """Figures of a model that never sees labels held out."""
    return run([small_marketplace], Asked(("in-order",), ("deceptive",), by="surface"), QUICK, Silent())


def test_slices_add_up_to_the_whole(blind: dict[str, Any]) -> None:
    whole = blind["models"]["blend"]["policies"]["deceptive"]
    slices = [policies["deceptive"] for policies in blind["slices"]["surface"].values()]
    assert sum(one["n"] for one in slices) == whole["n"] > 0
    assert sum(one["positives"] for one in slices) == whole["positives"]


def test_labels_held_out_reach_history_only_when_asked(blind: dict[str, Any], small_marketplace: Path) -> None:
    live = run([small_marketplace], Asked(("in-order",), ("deceptive",), live=True), QUICK, Silent())
    assert blind["models"]["ridge"] == live["models"]["ridge"]
    assert blind["models"]["gbm"] != live["models"]["gbm"]


def test_several_seeds_and_splits_have_one_mean_and_are_paired_on_the_same_advertisers(
    marketplace: Path,
) -> None:
    asked = Asked(("in-order", "without:US"), ("deceptive",), seeds=2, beside=VectorSettings("minilm"))
    found = run([marketplace], asked, QUICK, Silent())
    over = found["over"]
    assert (over["splits"], over["seeds"], over["beside"]) == (["in-order", "without:US"], [0, 1], "minilm")
    ridge, gbm = over["policies"]["deceptive"]["ridge"], over["policies"]["deceptive"]["gbm"]
    assert len(ridge["ap_each"]) == 4
    assert ridge["ap"] == pytest.approx(sum(ridge["ap_each"]) / 4)
    assert ridge["ap_interval"][0] < ridge["ap"] < ridge["ap_interval"][1]
    assert ridge["difference"] == pytest.approx(ridge["ap"] - ridge["beside"])
    assert ridge["difference"] != 0
    assert gbm["difference_interval"][0] <= gbm["difference"] <= gbm["difference_interval"][1]
