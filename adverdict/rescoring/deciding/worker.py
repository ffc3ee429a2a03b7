"""One worker: loads everything once, then turns one shard after another into published decisions. The same for every engine."""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
import tempfile
import time
import weakref
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from adverdict.domain.ad import Ad
from adverdict.domain.decision import Decision
from adverdict.domain.errors import AdverdictError, InvalidInput, Mistake
from adverdict.features.history.frozen import FrozenHistory
from adverdict.features.history.layout import LISTED
from adverdict.models.encoder.encoder import Work
from adverdict.models.registry import fetch_bundle, is_registered
from adverdict.rescoring import memory
from adverdict.rescoring.deciding import threads
from adverdict.rescoring.deciding.job import RescoringJob, fetch_history, give_up
from adverdict.rescoring.deciding.scoring import scorer_of
from adverdict.rescoring.folder.columns import to_table
from adverdict.rescoring.folder.manifest import RunFolder, ShardReport
from adverdict.rescoring.input.plan import Shard
from adverdict.rescoring.input.reading import BadShard, QuarantinedRow, ShardRows, read_shard
from adverdict.scoring.scorer import Scorer

if TYPE_CHECKING:
    from adverdict.models.bundle import Bundle

PIECE = 2048
"""Ads scored at once: enough for the encoder to find equally long ones, few enough to bound what their features and reasons take."""
HOPELESS = 100
"""Ads of a shard that fail before one is scored, after which the fault is not the ads'."""


class Worker:
    """Decides shards. Raises what ends the whole run: a model or a history that is not the run's, a place that cannot be written."""

    def __init__(self, job: RescoringJob) -> None:
        threads.limit_arrow()
        self.job = job
        self.folder = RunFolder.open(job.out)
        self.run = self.folder.run
        self.name = f"{socket.gethostname()}:{os.getpid()}"
        self._ids: Iterator[str] = iter(())
        self.scorer = self._scorer()

    def __call__(self, shard: Shard) -> ShardReport:
        """Decide a shard and publish it: decisions, quarantined rows, and last its marker."""
        begun, before = time.perf_counter(), encoder_work(self.scorer)
        try:
            found = read_shard(self.job.plan, shard, self.run.since)
            pieces = [self._decided(shard, rows, ads) for rows, ads in _pieces(found)]
        except (BadShard, Unscorable) as error:
            return give_up(self.folder, shard, str(error), self.name)
        quarantined = sorted([*found.quarantined, *(row for _, failed in pieces for row in failed)], key=lambda row: row.row)
        table = pa.concat_tables([table for table, _ in pieces])
        after = encoder_work(self.scorer)
        report = ShardReport(
            shard=shard.name,
            skipped=found.skipped,
            dropped=found.dropped,
            missing=dict(found.missing),
            texts=after.texts - before.texts,
            encoded=after.read - before.read,
            tokens=after.tokens - before.tokens,
            seconds=time.perf_counter() - begun,
            peak_mib=memory.peak() / memory.MIB,
            worker=self.name,
        )
        return self.folder.publish(shard, table, report, quarantined)

    def _scorer(self) -> Scorer:
        model, history = self.job.open_model(self._bundle()), self._history()
        return scorer_of(self.folder, model, history, lambda: next(self._ids), audit_secret=self.job.audit_secret, whose=self.name)

    def _bundle(self) -> Path:
        if self.job.bundle.is_dir() or not is_registered(self.job.source):
            return self.job.bundle
        os.environ["MLFLOW_TRACKING_URI"] = self.job.registry
        return fetch_bundle(self.job.source, self.job.cache)

    def _history(self) -> FrozenHistory:
        folder = self.job.history
        if not (folder / LISTED).is_file():
            folder = Path(tempfile.mkdtemp(prefix="adverdict-history-"))
            weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
            fetch_history(self.folder.place, folder)
        return FrozenHistory.open(folder)

    def _decided(self, shard: Shard, rows: Sequence[int], ads: Sequence[Ad]) -> tuple[pa.Table, list[QuarantinedRow]]:
        """The decisions on some ads as a table; when scoring them fails, each by itself, so that only what fails is left out."""
        try:
            return to_table(rows, ads, self._score(shard, rows, ads), shard.name), []
        except Exception as error:
            # What a model's libraries raise on one strange ad has no base class in common, and one ad must not end a night's run.
            _raise_what_is_no_ads_fault(error)
            return self._each_alone(shard, rows, ads)

    def _each_alone(self, shard: Shard, rows: Sequence[int], ads: Sequence[Ad]) -> tuple[pa.Table, list[QuarantinedRow]]:
        tables, failed = [to_table([], [], [], shard.name)], list[QuarantinedRow]()
        for row, ad in zip(rows, ads, strict=True):
            try:
                tables.append(to_table([row], [ad], self._score(shard, [row], [ad]), shard.name))
            except Exception as error:  # as above
                _raise_what_is_no_ads_fault(error)
                failed.append(unscored(row, ad, error))
            if len(failed) == HOPELESS and len(tables) == 1:
                raise Unscorable(f"none of {HOPELESS} ads from row {failed[0].row} on can be scored: {failed[0].mistakes[0]}")
        return pa.concat_tables(tables), failed

    def _score(self, shard: Shard, rows: Sequence[int], ads: Sequence[Ad]) -> list[Decision]:
        self._ids = (decision_id(self.run.run_id, shard.name, row) for row in rows)
        return self.scorer.score(ads, as_of=self.run.as_of, explain="stopped" if self.run.reasons else "none")


class Unscorable(Exception):
    """Not one ad fails but the scoring of a whole shard."""


def unscored(row: int, ad: Ad, error: Exception) -> QuarantinedRow:
    """What came of an ad that is one, and yet cannot be scored. Only the kind of the error: what it says may hold anything."""
    return QuarantinedRow(row, (Mistake("ad_id", ad.ad_id, f"an ad that can be scored, but scoring it ended in {type(error).__name__}"),))


def decision_id(run_id: str, shard: str, row: int) -> str:
    """The same for the same row of the same run, however often it is decided."""
    return f"dec-{hashlib.sha256(f'{run_id}/{shard}/{row}'.encode()).hexdigest()[:32]}"


def encoder_work(scorer: Scorer) -> Work:
    """What the model's encoder has done since it was loaded; nothing where there is none."""
    bundle: Bundle | None = getattr(scorer.model, "bundle", None)  # a fake has none
    encoder = bundle.encoder if bundle else None
    return Work() if encoder is None else replace(encoder.work)


def _pieces(found: ShardRows) -> Iterator[tuple[Sequence[int], Sequence[Ad]]]:
    """At least one, so that an empty shard has an empty table."""
    for start in range(0, max(len(found.ads), 1), PIECE):
        yield found.rows[start : start + PIECE], found.ads[start : start + PIECE]


def _raise_what_is_no_ads_fault(error: Exception) -> None:
    """Memory, disks, networks and what does not fit the run end the run; it can be resumed."""
    if isinstance(error, MemoryError | OSError) or (isinstance(error, AdverdictError) and not isinstance(error, InvalidInput)):
        raise error
