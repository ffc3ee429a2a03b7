"""What was fitted becomes a bundle that loads: with what earned its place, and whole, to be measured."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from adverdict.decisions.thresholds import SolvedThresholds
from adverdict.domain.progress import Silent
from adverdict.models.bundle import load_bundle
from adverdict.storage.tables.pack import read_pack
from adverdict.training.dataset import dataset
from adverdict.training.encoder.tune import EncoderSettings
from adverdict.training.fit.bundling import write_bundle
from adverdict.training.fit.everything import fit
from adverdict.training.fit.gbm import GbmSettings
from adverdict.training.fit.prepared import FitSettings
from adverdict.training.fit.trainable import trainable

WHEN = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.mark.slow
def test_with_a_transformer_and_no_booster_that_earned_its_place_it_loads_whole_and_without(
    small_marketplace: Path, encoder_folder: Path, tmp_path: Path
) -> None:
    data = trainable(dataset([read_pack(small_marketplace)], ()))[0]
    encoder = EncoderSettings(str(encoder_folder), max_tokens=32)
    settings = FitSettings(encoder=encoder, gbm=GbmSettings(num_boost_round=3), n_folds=2, keep=("transformer",))
    fitted = fit(data, settings, Silent())
    fitted = replace(fitted, earned=tuple(replace(one, kept=one.component == "transformer") for one in fitted.earned))
    write_bundle(fitted, SolvedThresholds(), data, tmp_path / "served", WHEN, {})
    write_bundle(fitted, SolvedThresholds(), data, tmp_path / "whole", WHEN, {}, whole=True)
    write_bundle(fitted, SolvedThresholds(), data, tmp_path / "like", WHEN, {}, whole=True, like=tmp_path / "served")
    served, whole, like = (load_bundle(tmp_path / name) for name in ("served", "whole", "like"))
    assert like.version == whole.version, "a copied encoder is the one that would be made"
    assert served.manifest.components == ("ridge", "transformer")
    assert whole.manifest.components == ("ridge", "gbm", "transformer")
    assert served.cascade is not None
    assert whole.cascade is not None
    assert (served.cascade.blend.components, whole.cascade.blend.components) == (("ridge",), ("ridge", "gbm"))
    ads = list(data.ads[:20])
    early = [one.early_risk(one.score(ads, one.fresh_history()), [ad.market for ad in ads]) for one in (served, whole)]
    assert early[0] is not None
    assert early[0].shape == (20, len(data.policies), 3)
    assert np.isfinite(early[0]).all()
