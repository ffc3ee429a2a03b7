"""A small simulated marketplace and a real bundle trained on it."""

from __future__ import annotations

from pathlib import Path

import pytest

ADS = 3000


@pytest.fixture(scope="session")
def marketplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pack of 3,000 simulated ads."""
    from adverdict.simulation import write_marketplace

    folder = tmp_path_factory.mktemp("marketplace") / "pack"
    write_marketplace(folder, ADS, seed=11)
    return folder


@pytest.fixture(scope="session")
def encoder_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny Hugging Face encoder."""
    from tests.tiny import tiny_encoder

    return tiny_encoder(tmp_path_factory.mktemp("encoder"))


@pytest.fixture(scope="session")
def tiny_bundle(tmp_path_factory: pytest.TempPathFactory, marketplace: Path, encoder_folder: Path) -> Path:
    """A bundle with all four models, trained for real on the small marketplace. Read only: copy it before changing anything."""
    from adverdict.domain.progress import Silent
    from adverdict.training.encoder.tune import EncoderSettings
    from adverdict.training.fit.everything import FitSettings
    from adverdict.training.fit.gbm import GbmSettings
    from adverdict.training.train import TrainJob, train

    home = tmp_path_factory.mktemp("home")
    encoder = EncoderSettings(str(encoder_folder), epochs=1, layers=1, max_tokens=32)
    settings = FitSettings(encoder=encoder, gbm=GbmSettings(num_boost_round=20, learning_rate=0.1), n_folds=2)
    train(TrainJob(data=[marketplace], home=home, settings=settings, out=home / "bundle", register=False), Silent())
    return home / "bundle"
