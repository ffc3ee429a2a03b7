"""A small simulated marketplace and a real bundle trained on it: made once for all workers, kept until what makes them changes."""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path
from unittest.mock import patch

import pytest
from filelock import FileLock

ADS = 3000
ROOT = Path(__file__).parent.parent
MADE_BY = (ROOT / "tests" / "bundles.py", ROOT / "tests" / "tiny.py")
KEPT_SECONDS = 24 * 3600
"""How long what older code made is left alone: another session may be reading it."""

Make = Callable[[Path], object]
Shared = Callable[[str, Make], Path]


@pytest.fixture(scope="session")
def shared(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Shared:
    """``shared(name, make)``: the folder that ``make`` filled, once for all workers. Read only: copy it before changing anything.

    It is kept in pytest's cache from one session to the next, under a digest of the whole product and all that is installed;
    without the cache, in the folder of this session.
    """
    base = tmp_path_factory.getbasetemp()
    home = base.parent / "shared" if hasattr(request.config, "workerinput") else base / "shared"
    if cache := getattr(request.config, "cache", None):
        home = cache.mkdir("made") / _digest()
        _forget(home)
    home.mkdir(parents=True, exist_ok=True)

    def once(name: str, make: Make) -> Path:
        with FileLock(home / f"{name}.lock"):
            if not (home / name).exists():
                beside = home / f"{name}.making"
                shutil.rmtree(beside, ignore_errors=True)
                beside.mkdir()
                make(beside)
                beside.rename(home / name)
        return home / name

    return once


@pytest.fixture(scope="session")
def marketplace(shared: Shared) -> Path:
    """A pack of 3,000 simulated ads."""
    from adverdict.simulation import write_marketplace

    return shared("marketplace", lambda folder: write_marketplace(folder / "pack", ADS, seed=11)) / "pack"


@pytest.fixture(scope="session")
def small_marketplace(shared: Shared, marketplace: Path) -> Path:
    """Its first half, for what is trained or scored again and again."""

    def half(folder: Path) -> None:
        from adverdict.storage.tables.pack import read_pack, write_ads, write_labels

        pack = read_pack(marketplace)
        kept = {ad.ad_id for ad in pack.ads[: ADS // 2]}
        (folder / "pack").mkdir()
        write_ads(folder / "pack" / "ads.parquet", pack.ads[: ADS // 2])
        write_labels(folder / "pack" / "labels.parquet", [label for label in pack.labels if label.ad_id in kept])

    return shared("small_marketplace", half) / "pack"


@pytest.fixture(scope="session")
def encoder_folder(shared: Shared) -> Path:
    """A tiny Hugging Face encoder."""
    from tests.tiny import tiny_encoder

    return shared("encoder", tiny_encoder)


@pytest.fixture(scope="session")
def tiny_bundle(shared: Shared, marketplace: Path, encoder_folder: Path) -> Path:
    """A bundle with all four models, trained for real on the small marketplace. Read only: copy it before changing anything."""

    def trained(home: Path) -> None:
        from adverdict.domain.progress import Silent
        from adverdict.domain.settings import Settings
        from adverdict.training.encoder.tune import EncoderSettings
        from adverdict.training.fit import calibration
        from adverdict.training.fit.gbm import GbmSettings
        from adverdict.training.fit.prepared import FitSettings
        from adverdict.training.fit.vectors import VectorSettings
        from adverdict.training.train import TrainJob, train
        from tests.training.reports import without_plots

        encoder = EncoderSettings(str(encoder_folder), tune=True, epochs=1, layers=1, max_tokens=32)
        gbm, keep = GbmSettings(num_boost_round=20, learning_rate=0.1), ("gbm", "transformer", "encoder")
        settings = FitSettings(encoder=encoder, gbm=gbm, vectors=VectorSettings(str(encoder_folder)), n_folds=2, keep=keep)
        job = TrainJob([marketplace], Settings(home=home), fit=settings, out=home / "bundle", register=False)
        with patch.object(calibration, "RESAMPLES", 50):  # an interval of its curves as good as any here, in a quarter of the time
            train(job, Silent(), report=without_plots)

    return shared("bundle", trained) / "bundle"


def _digest() -> str:
    """Of every file of the product, of what makes bundles here, and of the versions of all that is installed."""
    found = hashlib.sha256()
    for path in sorted((*_product(), *MADE_BY)):
        found.update(path.relative_to(ROOT).as_posix().encode() + b"\0" + path.read_bytes())
    for name, version in sorted((str(one.metadata["Name"]), one.version) for one in metadata.distributions()):
        found.update(f"{name} {version}\n".encode())
    return found.hexdigest()[:16]


def _product() -> Iterator[Path]:
    for folder, folders, names in os.walk(ROOT / "adverdict", followlinks=True):
        folders[:] = [name for name in folders if name != "__pycache__"]
        yield from (Path(folder) / name for name in names)


def _forget(home: Path) -> None:
    """What older code made, once nobody reads it any more."""
    for other in home.parent.iterdir():
        if other != home and other.stat().st_mtime < time.time() - KEPT_SECONDS:
            shutil.rmtree(other, ignore_errors=True)
