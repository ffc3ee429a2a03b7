"""How long a training takes, stage by stage: from nothing, again on the same ads, and again with a twentieth of them new.

Each is a process of its own on the same ads with the same seed, so the three bundles must be the same, file by file. What differs is
what the cache holds before: nothing, everything, or what a training on all but the newest ads would have left there.
"""

from __future__ import annotations

import json
import os
import resource
import tempfile
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from adverdict.benchmarks.shared.machine import machine
from adverdict.domain.errors import InvalidSettings, Mistake, Unavailable
from adverdict.domain.progress import Progress
from adverdict.domain.settings import Settings
from adverdict.domain.values import TRACKING_URI
from adverdict.training.encoder.tune import EncoderSettings

Figures = dict[str, Any]
Write = Callable[[Figures], None]

NEW_SHARE = 0.05
COLD, SAME, GROWN = "cold", "same_ads", "new_ads"
NOTES = {
    COLD: "nothing is kept from before",
    SAME: "the same ads were trained on before",
    GROWN: f"all but the newest {NEW_SHARE:.0%} of the ads were trained on before",
}


@dataclass(frozen=True)
class TrainBenchmark:
    """``data``: a pack to train on; a simulated marketplace of ``ads`` otherwise. ``encoder`` None trains without. ``seed`` of both."""

    data: Path | None = None
    ads: int = 10_000
    encoder: EncoderSettings | None = field(default_factory=lambda: EncoderSettings("minilm"))
    seed: int = 7


def run(job: TrainBenchmark, progress: Progress, write: Write) -> Figures:
    """``{"machine", "ads", "encoder", "trainings": {NAME: …}, "cold_over_same_ads", "cold_over_new_ads", "identical"}``.

    Of a training: wall and CPU seconds, also by stage, ads/s, the cache's bytes before and after, peak memory. ``write`` gets all there is
    after each. Raises InvalidSettings for data that is not there, and what a training raises.
    """
    if job.data is not None and not job.data.is_dir():
        raise InvalidSettings("nothing was measured", [Mistake("--data", str(job.data), "a folder with ads.* and labels.*")])
    figures: Figures = {"machine": machine(), "encoder": job.encoder.source if job.encoder else None, "notes": NOTES, "trainings": {}}
    with tempfile.TemporaryDirectory(prefix="adverdict-train-benchmark-") as folder:
        work = Path(folder)
        pack = job.data or _simulated(job, work, progress)
        progress.stage("trainings", 4)
        for name, home in ((COLD, "first"), (SAME, "first"), (GROWN, "second")):
            if name == GROWN:
                figures["kept_before_new_ads"] = _alone(_fill, job, pack.absolute(), work / home)
                progress.advance()
            figures["trainings"][name] = _alone(_train, job, pack.absolute(), work / home, work / name)
            progress.advance()
            write(figures | compared(figures["trainings"]))
    return figures | compared(figures["trainings"])


def compared(trainings: Mapping[str, Figures]) -> Figures:
    """How much less than from nothing, and whether the bundles are the same but for when they were made."""
    cold, found = trainings[COLD], {}
    for name in (SAME, GROWN):
        if name in trainings:
            found[f"cold_over_{name}"] = cold["seconds"] / trainings[name]["seconds"]
            found[f"cold_over_{name}_cpu"] = cold["cpu_seconds"] / trainings[name]["cpu_seconds"]
    return {**found, "identical": all(one["files"] == cold["files"] for one in trainings.values())}


class Stages:
    """Seconds by stage (``domain.progress.Progress``); a stage that comes again adds to its name."""

    def __init__(self, start: float = 0.0, start_cpu: float = 0.0) -> None:
        self.found: dict[str, dict[str, float]] = {}
        self._name, self._since = "start", (start, start_cpu)

    def stage(self, name: str, total: int) -> None:
        self.end()
        self._name, self._since = name, (time.perf_counter(), time.process_time())

    def advance(self, steps: int = 1) -> None:
        pass

    def end(self) -> None:
        one = self.found.setdefault(self._name, {"seconds": 0.0, "cpu_seconds": 0.0})
        one["seconds"] += time.perf_counter() - self._since[0]
        one["cpu_seconds"] += time.process_time() - self._since[1]


def _simulated(job: TrainBenchmark, work: Path, progress: Progress) -> Path:
    from adverdict.simulation import write_marketplace

    progress.stage("simulating ads", job.ads)
    write_marketplace(work / "pack", job.ads, job.seed, progress)
    return work / "pack"


def _alone(measured: Callable[..., Figures], *arguments: Any) -> Figures:
    """In a process of its own, its start included: as a command would run, and with a peak of memory that is its own."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        try:
            return pool.submit(measured, *arguments).result()
        except BrokenProcessPool as error:
            raise Unavailable("a training was ended by something else, perhaps for want of memory") from error


def _train(job: TrainBenchmark, pack: Path, home: Path, out: Path) -> Figures:
    start, stages = time.perf_counter(), Stages(time.perf_counter(), time.process_time())
    os.environ.pop(TRACKING_URI, None)  # runs of a benchmark belong into no registry but its own
    from adverdict.training.fit.prepared import FitSettings
    from adverdict.training.fit.vectors import VectorSettings
    from adverdict.training.train import TrainJob, train

    before = _kept(home)
    trained = train(
        TrainJob([pack], Settings(home=home), fit=FitSettings(job.encoder, vectors=VectorSettings(), seed=job.seed), out=out), stages
    )
    stages.end()
    seconds, cpu = time.perf_counter() - start, time.process_time()
    manifest = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    ads = sum(source["ads"] for source in manifest["data"])
    return {
        "seconds": seconds,
        "cpu_seconds": cpu,
        "ads": ads,
        "ads_per_s": ads / seconds,
        "stages": stages.found,
        "cache_bytes_before": before,
        "cache_bytes": _kept(home),
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "warnings": list(trained.warnings),
        "files": manifest["files"],
    }


def _fill(job: TrainBenchmark, pack: Path, home: Path) -> Figures:
    """What a training on all but the newest ads leaves in the cache."""
    from adverdict.domain.progress import SILENT
    from adverdict.models.encoder.encoder import encoder_text
    from adverdict.storage.tables.pack import read_pack
    from adverdict.training.cache.contents import ContentCache
    from adverdict.training.cache.disk_cache import DiskCache
    from adverdict.training.dataset import dataset
    from adverdict.training.encoder.encoder_cache import EncoderCache
    from adverdict.training.job import CACHE_BYTES

    ads = dataset([read_pack(pack)]).ads
    known = ads[: round(len(ads) * (1 - NEW_SHARE))]
    disk_cache = DiskCache(home / "cache", CACHE_BYTES)
    ContentCache(disk_cache).of(known, SILENT)
    if job.encoder:
        EncoderCache(job.encoder, disk_cache=disk_cache).of([encoder_text(ad, job.encoder.prefix) for ad in known], SILENT)
    return {"ads": len(known), "of": len(ads), "bytes": disk_cache.bytes()}


def _kept(home: Path) -> int:
    return sum(path.stat().st_size for path in (home / "cache").rglob("*") if path.is_file())
