"""A signal and a model of a plug-in: trained, loaded, explained in words, and refused by name where they are missing."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from adverdict.domain.errors import InvalidSettings, MissingPlugin
from adverdict.domain.progress import Silent
from adverdict.domain.settings import Settings
from adverdict.models.bundle import load_bundle
from adverdict.models.explain import reasons
from adverdict.models.manifest import check, seal
from adverdict.storage.tables.pack import read_pack
from adverdict.training.fit.everything import FitSettings
from adverdict.training.fit.gbm import GbmSettings
from adverdict.training.train import TrainJob, train
from tests.example_plugins import forget
from tests.training.reports import without_plots

pytestmark = pytest.mark.slow  # a model is trained for it

FIT = FitSettings(
    encoder=None,
    gbm=GbmSettings(num_boost_round=80, learning_rate=0.1),
    n_folds=2,
    signals=("price_claims",),
    components=("landing_words",),
    keep=("plugin.landing_words", "gbm"),
)


@pytest.fixture(scope="module")
def bundle(example_folder: Path, small_marketplace: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    home = tmp_path_factory.mktemp("home")
    sys.path.insert(0, str(example_folder))
    job = TrainJob([small_marketplace], Settings(home=home), policies=("deceptive",), fit=FIT, out=home / "bundle", register=False)
    trained = train(job, Silent(), report=without_plots)
    assert "plugin.landing_words" in trained.figures["components"]
    yield home / "bundle"
    if str(example_folder) in sys.path:
        sys.path.remove(str(example_folder))
    forget()


def with_weight(folder: Path) -> Path:
    """The bundle where the plug-in's model counts: on these few ads it earned no weight, as it may."""
    manifest, _ = check(folder)
    blend = json.loads((folder / "blend.json").read_text())
    blend["weights"][0][blend["components"].index("plugin.landing_words")] = 0.5
    (folder / "blend.json").write_text(json.dumps(blend))
    seal(folder, manifest)
    return folder


def test_a_bundle_says_which_plug_ins_it_was_made_with(bundle: Path, example: Path) -> None:
    manifest, _ = check(bundle)
    assert [(one.group, one.name, one.version, one.distribution, one.distribution_version) for one in manifest.plugins] == [
        ("adverdict.signals", "price_claims", "1", "adverdict-example", "1.0.0"),
        ("adverdict.components", "landing_words", "1", "adverdict-example", "1.0.0"),
    ]
    assert "plugins/landing_words/landing_words.json" in manifest.files


def test_it_scores_each_ad_as_it_scores_all_of_them_and_says_in_words_what_moved_the_risk(
    bundle: Path, example: Path, small_marketplace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adverdict.models.explain.SMALLEST_EFFECT", 1e-6)  # how much it moves is the simulation's; that it is told is ours
    loaded, ads = load_bundle(with_weight(shutil.copytree(bundle, tmp_path / "bundle"))), read_pack(small_marketplace).ads[:200]
    scores = loaded.score(ads)
    alone = np.concatenate([loaded.score([ad]).risk for ad in ads])
    np.testing.assert_allclose(scores.risk, alone, rtol=0, atol=1e-12)
    told = [reason for row, ad in enumerate(ads) for reason in reasons(loaded, ad, scores, row, ["deceptive"], top=1000)]
    texts = {reason.signal: reason.text for reason in told}
    assert "its landing domain" in texts["plugin.landing_words"]
    assert "price" in texts["price_claims"]


def test_it_is_refused_by_name_where_its_plug_ins_are_missing(bundle: Path, example_folder: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(bundle, tmp_path / "bundle")
    forget()
    kept = [path for path in sys.path if path != str(example_folder)]
    before, sys.path[:] = sys.path[:], kept
    try:
        with pytest.raises(MissingPlugin) as caught:
            load_bundle(copy)
    finally:
        sys.path[:] = before
    assert "signal `price_claims` is not installed here (it came with adverdict-example 1.0.0)" in str(caught.value)
    assert "component `landing_words` is not installed here (it came with adverdict-example 1.0.0)" in str(caught.value)


def test_a_training_that_names_a_plug_in_nobody_offers_is_refused_before_it_begins(small_marketplace: Path, tmp_path: Path) -> None:
    fit = FitSettings(encoder=None, components=("nothing_of_this_name",))
    with pytest.raises(InvalidSettings, match="nothing_of_this_name"):
        train(TrainJob([small_marketplace], Settings(home=tmp_path), fit=fit, register=False), Silent())
