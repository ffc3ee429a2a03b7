"""The training job: figures in the promised shape, a bundle that was evaluated as it serves, and nothing left behind when interrupted."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path
from typing import Any

import pytest

from adverdict.domain.errors import GateRefused, InvalidInput, InvalidSettings
from adverdict.domain.progress import Silent
from adverdict.domain.settings import Settings
from adverdict.models.bundle import load_bundle
from adverdict.storage.tables.pack import read_pack, write_ads, write_labels
from adverdict.training.dataset import dataset
from adverdict.training.evaluation.evaluate import evaluate
from adverdict.training.fit.crossvalidate import held_out
from adverdict.training.fit.gbm import GbmSettings
from adverdict.training.fit.prepared import FitSettings
from adverdict.training.fit.splits import by_advertiser
from adverdict.training.fit.trainable import trainable
from adverdict.training.promote import compare_bundles, promote
from adverdict.training.tracking.aliases import CHALLENGER, CHAMPION, aliased
from adverdict.training.tracking.server import configure
from adverdict.training.train import TrainJob, train
from tests.training.reports import without_plots

pytestmark = pytest.mark.slow  # a model is trained and promoted for it

QUICK = FitSettings(encoder=None, gbm=GbmSettings(num_boost_round=10, learning_rate=0.2), n_folds=2)
POLICIES = ("deceptive", "kids_unsuitable")


@pytest.fixture(scope="module")
def other_market(marketplace: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Part of the marketplace in a market that nobody trained on."""
    folder = tmp_path_factory.mktemp("other") / "pack"
    folder.mkdir()
    pack = read_pack(marketplace)
    ads = [ad.model_copy(update={"market": "ZZ"}) for ad in pack.ads[-600:]]
    kept = {ad.ad_id for ad in ads}
    write_ads(folder / "ads.parquet", ads)
    write_labels(folder / "labels.parquet", [label for label in pack.labels if label.ad_id in kept])
    return folder


@pytest.fixture(scope="module")
def home(small_marketplace: Path, migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with one registered, promoted training without an encoder."""
    home = tmp_path_factory.mktemp("home")
    shutil.copy(migrated, home)
    trained = train(TrainJob(data=[small_marketplace], settings=Settings(home=home), policies=POLICIES, fit=QUICK), Silent())
    assert trained.registered is not None
    promote(trained.registered.uri, [], False, Settings(home=home), Silent())
    return home


def _finite(value: Any) -> bool:
    if isinstance(value, dict):
        return all(_finite(one) for one in value.values())
    if isinstance(value, list | tuple):
        return all(_finite(one) for one in value)
    return not isinstance(value, float) or math.isfinite(value)


def test_evaluation_gives_every_figure_of_every_model_also_in_a_market_never_seen(tiny_bundle: Path, other_market: Path) -> None:
    figures = evaluate(load_bundle(tiny_bundle), [read_pack(other_market)], Silent(), bootstrap=50)
    assert set(figures["models"]) == {"ridge", "gbm", "transformer", "encoder", "early", "blend"}
    for model in figures["models"].values():
        for found in model["policies"].values():
            assert {"n", "positives", "auroc", "ap", "ap_interval", "brier", "calibration", "markets"} <= set(found)
            assert {"slope", "intercept"} <= set(found["calibration"])
            assert set(found["markets"]) == {"ZZ"}
    assert _finite(figures)
    json.dumps(figures, allow_nan=False)


@pytest.mark.slow
def test_evaluating_on_the_training_data_says_so(tiny_bundle: Path, marketplace: Path) -> None:
    assert evaluate(load_bundle(tiny_bundle), [read_pack(marketplace)], Silent(), bootstrap=20)["trained_on"] == ["pack"]


@pytest.mark.slow
def test_labels_of_the_evaluated_ads_do_not_reach_their_risks(tiny_bundle: Path, other_market: Path, tmp_path: Path) -> None:
    pack = read_pack(other_market)
    write_ads(tmp_path / "ads.parquet", pack.ads)
    write_labels(tmp_path / "labels.parquet", [label.model_copy(update={"violates": not label.violates}) for label in pack.labels])
    bundle = load_bundle(tiny_bundle)
    straight = evaluate(bundle, [pack], Silent(), bootstrap=20)["models"]["blend"]["policies"]
    turned = evaluate(bundle, [read_pack(tmp_path)], Silent(), bootstrap=20)["models"]["blend"]["policies"]
    # With every label turned around, the same risks must rank exactly the other way round; raters who tie stay violating both times.
    untied = [policy for policy, found in straight.items() if found["positives"] + turned[policy]["positives"] == found["n"]]
    judged = [policy for policy in untied if straight[policy]["auroc"] is not None]
    assert judged
    for policy in judged:
        assert turned[policy]["auroc"] == pytest.approx(1 - straight[policy]["auroc"], abs=1e-9)


def test_packs_without_a_policy_the_model_knows_are_refused(tiny_bundle: Path, tmp_path: Path, marketplace: Path) -> None:
    pack = read_pack(marketplace)
    write_ads(tmp_path / "ads.parquet", pack.ads[:50])
    kept = {ad.ad_id for ad in pack.ads[:50]}
    labels = [label.model_copy(update={"policy": "unheard_of"}) for label in pack.labels if label.ad_id in kept]
    write_labels(tmp_path / "labels.parquet", labels)
    with pytest.raises(InvalidInput, match="unheard_of"):
        evaluate(load_bundle(tiny_bundle), [read_pack(tmp_path)], Silent())


def test_a_promoted_training_is_champion_with_a_bundle_that_loads(home: Path) -> None:
    configure(Settings(home=home))
    assert aliased(CHAMPION) == "1"
    assert aliased(CHALLENGER) is None
    assert list((home / "reports").glob("*/report.html"))
    again = promote("models:/adverdict@champion", [], False, Settings(home=home), Silent(), strict=True)
    assert (again.already, aliased(CHAMPION)) == (True, "1"), "no gate is asked: there is nothing else to compare it with"


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["ridge", "blend and calibration", "MLflow"])
def test_interrupting_a_training_leaves_no_version_and_no_bundle(home: Path, small_marketplace: Path, tmp_path: Path, stage: str) -> None:
    class Interrupting(Silent):
        def stage(self, name: str, total: int) -> None:
            if name == stage:
                raise KeyboardInterrupt

    out = tmp_path / "bundle"
    with pytest.raises(KeyboardInterrupt):
        train(
            TrainJob(data=[small_marketplace], settings=Settings(home=home), policies=POLICIES, fit=QUICK, out=out),
            Interrupting(),
            report=without_plots,
        )
    configure(Settings(home=home))
    assert aliased(CHALLENGER) is None
    assert aliased(CHAMPION) == "1"
    assert not out.exists()
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_a_second_promotion_needs_labelled_ads_to_compare_on(home: Path, small_marketplace: Path, other_market: Path) -> None:
    job = TrainJob(data=[small_marketplace], settings=Settings(home=home), policies=("deceptive",), fit=QUICK)
    trained = train(job, Silent(), report=without_plots)
    assert trained.registered is not None
    uri = trained.registered.uri
    with pytest.raises(InvalidSettings, match="labelled ads"):
        promote(uri, [], False, Settings(home=home), Silent())
    with pytest.raises(InvalidSettings, match="was not trained on"):
        promote(uri, [small_marketplace], False, Settings(home=home), Silent())
    with pytest.raises(GateRefused, match="kids_unsuitable"):
        promote(uri, [other_market], False, Settings(home=home), Silent())
    assert aliased(CHAMPION) == "1"
    assert promote(uri, [other_market], True, Settings(home=home), Silent()).before == "1"
    assert aliased(CHAMPION) == trained.registered.version


def test_a_model_does_not_differ_from_itself(tiny_bundle: Path, other_market: Path) -> None:
    bundle = load_bundle(tiny_bundle)
    found = compare_bundles(bundle, bundle, [other_market], Silent())
    assert all(policy["ap"]["difference"] in (0.0, None) for policy in found["policies"].values())


@pytest.mark.slow
def test_nested_folds_score_every_ad_once(marketplace: Path) -> None:
    data, _ = trainable(dataset([read_pack(marketplace)], POLICIES))
    scored = held_out(data, by_advertiser(data, 2, seed=0), QUICK, Silent())
    assert sorted(scored.ad_ids) == sorted(ad.ad_id for ad in data.ads)
    assert set(scored.p) == {"ridge", "gbm", "blend"}
