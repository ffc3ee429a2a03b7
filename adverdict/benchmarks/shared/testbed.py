"""What rescoring is measured on: simulated marketplaces, small bundles trained on one of them, and rules that decide. Each made once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from adverdict.benchmarks.shared.killable import write_policies
from adverdict.decisions.files.countries import COUNTRIES
from adverdict.domain.errors import NotFound
from adverdict.domain.progress import Silent
from adverdict.domain.settings import Settings
from adverdict.storage.whole import making_folder

TRAINED_ON, QUICK_TRAINED_ON = 3000, 1500
TRAINED_ON_SEED, SEED = 7, 8
DECIDING = (0.3, 0.8)
"""Thresholds set by hand: a model this small certifies nothing, and every ad would be left to people."""


@dataclass(frozen=True)
class SimulatedTestBed:
    """``folder`` keeps what is made, so that a second benchmark over it finds it. ``model``: a bundle's folder to use where it fits."""

    folder: Path
    quick: bool = False
    model: Path | None = None

    def ads(self, count: int) -> Path:
        """A simulated marketplace: ``ads.parquet`` and ``labels.parquet``."""
        return self._made(f"ads-{count}", lambda folder: simulate(folder, count, SEED))

    def bundle(self, encoder: bool) -> Path:
        """Trained here on other simulated ads, unless ``model`` has an encoder, or none, as is asked for. Raises NotFound."""
        if self.model is not None and not (self.model / "manifest.json").is_file():
            raise NotFound(f"no bundle in {self.model}")
        if self.model is not None and has_encoder(self.model) == encoder:
            return self.model
        count = QUICK_TRAINED_ON if self.quick else TRAINED_ON
        pack = self._made(f"trained-on-{count}", lambda folder: simulate(folder, count, TRAINED_ON_SEED))
        kind = "encoder" if encoder else "plain"
        # In a process of its own: what training loads and holds is not measured with what comes after.
        return self._made(f"bundle-{kind}-{count}", lambda folder: apart(_train, pack, folder, encoder, self.quick))

    def rules(self, bundle: Path, ads: Path) -> Path:
        """Policy files for what the bundle knows, in every market of these ads that is a country."""
        known = json.loads((bundle / "manifest.json").read_text(encoding="utf-8"))
        markets = sorted(set(pq.read_table(table_of(ads), columns=["market"])["market"].unique().to_pylist()) & COUNTRIES)
        digest = hashlib.sha256(json.dumps([markets, known["policies"]]).encode()).hexdigest()
        return self._made(f"rules-{digest[:12]}", lambda folder: write_policies(folder, known["policies"], markets, DECIDING))

    def home(self, name: str) -> Path:
        """A folder for one run's own state and logs."""
        path = self.folder / "homes" / name
        path.mkdir(parents=True, exist_ok=True)
        return path

    def _made(self, name: str, make: Callable[[Path], object]) -> Path:
        return made(self.folder / name, make)


def made(path: Path, make: Callable[[Path], object]) -> Path:
    """Made once: a benchmark that was stopped in the middle leaves nothing under this name."""
    if not path.exists():
        with making_folder(path) as work:
            make(work)
    return path


def has_encoder(bundle: Path) -> bool:
    return json.loads((bundle / "manifest.json").read_text(encoding="utf-8")).get("encoder") is not None


def table_of(ads: Path) -> Path:
    """The table of ads of a pack, or the folder of its shards."""
    return next((path for path in (ads / "ads.parquet", ads / "ads") if path.exists()), ads)


def moment_after(ads: Path) -> str:
    """A day after the last of these ads was submitted."""
    last = pc.max(pq.read_table(table_of(ads), columns=["submitted_at"])["submitted_at"]).as_py()
    return str((last + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ"))


def pieces(ads: Path, folder: Path, files: int, rows: int | None = None, moment: str | None = None) -> Path:
    """The first ``rows`` of these ads in several files, ``ads-00.parquet`` and so on; all submitted at ``moment``, where one is given."""
    table = pq.read_table(table_of(ads)).slice(0, rows)
    if moment is not None:
        place = table.column_names.index("submitted_at")
        kind = table.schema.field(place).type
        moments = pc.cast(pa.array([moment.removesuffix("Z")] * table.num_rows), pa.timestamp(kind.unit))
        table = table.set_column(place, "submitted_at", pc.assume_timezone(moments, "UTC").cast(kind))
    folder.mkdir(parents=True)
    size = -(-table.num_rows // files)
    for number in range(files):
        pq.write_table(table.slice(number * size, size), folder / f"ads-{number:02d}.parquet", row_group_size=max(64, size // 4))
    return folder


def ids(ads: Path) -> list[str]:
    return [str(one) for one in pq.read_table(table_of(ads), columns=["ad_id"])["ad_id"].to_pylist()]


def apart(work: Any, *arguments: Any) -> Any:
    """Done in a process of its own, started afresh."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(work, *arguments).result()


def simulate(folder: Path, count: int, seed: int) -> None:
    from adverdict.simulation import write_marketplace

    write_marketplace(folder, count, seed)


def _train(pack: Path, folder: Path, encoder: bool, quick: bool) -> None:
    from adverdict.training.encoder.tune import EncoderSettings
    from adverdict.training.fit.gbm import GbmSettings
    from adverdict.training.fit.prepared import FitSettings
    from adverdict.training.fit.vectors import VectorSettings
    from adverdict.training.train import TrainJob, train

    gbm = GbmSettings(num_boost_round=20, learning_rate=0.1) if quick else GbmSettings()
    settings = FitSettings(EncoderSettings("minilm") if encoder else None, gbm, vectors=VectorSettings(), n_folds=2)
    train(TrainJob(data=[pack], settings=Settings(home=folder.parent), fit=settings, out=folder, register=False), Silent())
