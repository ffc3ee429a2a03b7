"""The training job: packs in, an evaluated bundle registered as the challenger out, or nothing at all.

check what is asked -> read -> make a bundle, its figures and its report (``making``) -> keep them (``keeping``)
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adverdict.decisions.files.read import read_policies
from adverdict.domain.progress import Progress
from adverdict.storage.tables.pack import read_pack
from adverdict.training.cache.disk_cache import DiskCache
from adverdict.training.dataset import Dataset, dataset
from adverdict.training.fit.trainable import trainable
from adverdict.training.job import TrainJob, check
from adverdict.training.keeping import keep, track
from adverdict.training.making import Workshop, WriteReport, make
from adverdict.training.memory import give_back
from adverdict.training.pages.report import write_report
from adverdict.training.tracking.live import Followed
from adverdict.training.tracking.opening import opened
from adverdict.training.tracking.run import Registered
from adverdict.training.tracking.server import configure, ping

__all__ = ["TrainJob", "Trained", "train"]


@dataclass(frozen=True)
class Trained:
    """``figures`` is ``{"models": {MODEL: {"policies": …}}, …}``; ``registered`` None when the bundle was only written to ``out``."""

    figures: Mapping[str, Any]
    version: str
    registered: Registered | None
    report: Path
    warnings: tuple[str, ...]


def train(job: TrainJob, progress: Progress, *, report: WriteReport = write_report) -> Trained:
    """Run the job. Raises InvalidInput, NotFound or Unavailable before any training where it can; leaves nothing half-done."""
    check(job)
    store = configure(job.settings) if job.register else None
    if store is not None:
        ping(store)
    book = read_policies(job.settings.policies)
    packs = [read_pack(folder) for folder in job.data]
    everything, skipped = trainable(dataset(packs, job.policies))
    give_back()
    disk_cache = DiskCache(job.settings.home / "cache", job.cache_bytes) if job.cache_bytes else None
    try:
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="adverdict-train-")))
            run = None if store is None else stack.enter_context(opened(store, everything, job.data, _known(job, everything)))
            followed = None if run is None else Followed(progress, run)
            made = make(Workshop(job, book, folder, followed or progress, disk_cache, report, run), everything, skipped)
            page = keep(job, made)
            registered = None if run is None or followed is None else track(run, made, followed)
    except BaseException:
        if job.out is not None:
            shutil.rmtree(job.out, ignore_errors=True)
        raise
    warnings = [*(warning for pack in packs for warning in pack.warnings), *(disk_cache.warnings if disk_cache else ())]
    return Trained(made.figures, made.version, registered, page, tuple(warnings))


def _known(job: TrainJob, everything: Dataset) -> dict[str, Any]:
    """What is known of a training before it starts, as parameters of its run."""
    return {"data": [source.name for source in everything.sources], "policies": list(everything.policies), **job.shares}
